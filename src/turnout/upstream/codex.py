"""The ChatGPT (Codex) backend: its address, its headers, what it takes. Sources: codex-backend.md 2.1, 2.3, 2.4."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from turnout.network import user_agent
from turnout.protocol.capabilities import CODEX
from turnout.upstream.http import HttpStream, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.config import CodexSettings, Timing
    from turnout.upstream.base import Call

ZSTD_LEVEL = 3
"""A higher one takes several times as long for a tenth fewer bytes (performance.md 2)."""
COMPRESSED_FROM = 4096
"""Bytes from which a request is worth compressing: a shorter one goes in a few packets as it is."""
LITE_HEADER = "x-openai-internal-codex-responses-lite"
SESSIONS = uuid.UUID("6c1e0f2e-0d0b-5c6e-9a58-1f2f7a6a4d11")
"""Namespace of the conversation ids that are sent upstream."""

CAPABILITIES = CODEX


class CodexUpstream:
    """Sends requests to the ChatGPT backend as one of the user's ChatGPT accounts."""

    name = "codex"
    capabilities = CAPABILITIES

    def __init__(self, settings: CodexSettings, timing: Timing, accounts: Accounts, environ: Mapping[str, str]) -> None:
        """Raises `SettingsError` if the configured address cannot be used."""
        self._accounts = accounts
        self._transport = Transport(
            "The ChatGPT backend", settings.responses_url, connect=timing.connect, environ=environ
        )
        self._compress = _compressor() if settings.compress else None
        self._headers = CIMultiDict(
            {
                "originator": "turnout",
                "User-Agent": user_agent(),
                "version": settings.client_version,
                "Accept": "text/event-stream",
                "Content-Type": "application/json",
            }
        )

    async def credential(self, account: str | None = None) -> Credential:
        return await self._accounts.credential(account)

    async def renew(self, refused: Credential) -> Credential | None:
        return await self._accounts.renew(refused)

    async def open(self, call: Call, credential: Credential) -> HttpStream:
        headers = self._headers.copy()
        headers["Authorization"] = f"Bearer {credential.token}"
        headers["chatgpt-account-id"] = credential.account_id
        if call.session:
            conversation = conversation_id(call.session, credential.account_id)
            headers["session-id"] = headers["thread-id"] = headers["x-client-request-id"] = conversation
        headers.update(call.headers)
        if call.lite:
            headers[LITE_HEADER] = "true"
        body = call.body
        if self._compress is not None and len(body) >= COMPRESSED_FROM:
            body = self._compress(body)
            headers["Content-Encoding"] = "zstd"
        return await self._transport.post(headers, body, fresh=call.fresh)

    async def close(self) -> None:
        await self._transport.close()
        await self._accounts.close()


def _compressor() -> Callable[[bytes], bytes]:
    import zstandard  # 11 ms, which only those pay who want it

    return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress


@lru_cache(maxsize=1024)
def conversation_id(session: str, account_id: str) -> str:
    """The id of a conversation upstream: stable for the conversation, distinct per account (codex-backend.md 10.14)."""
    return str(uuid.uuid5(SESSIONS, f"{account_id}:{session}"))
