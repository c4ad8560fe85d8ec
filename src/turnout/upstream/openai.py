"""The OpenAI API, and servers that speak its Responses API: address, headers, what it takes (codex-backend.md 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from multidict import CIMultiDict

from turnout.accounts import api_key
from turnout.network import user_agent
from turnout.protocol.capabilities import OPENAI
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.upstream.http import HttpStream, Transport
from turnout.upstream.input_tokens import InputTokens

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.config import OpenAISettings, Timing
    from turnout.upstream.base import Call

CAPABILITIES = OPENAI

SCOPES = (
    ("OpenAI-Organization", ("OPENAI_ORGANIZATION", "OPENAI_ORG_ID")),
    ("OpenAI-Project", ("OPENAI_PROJECT", "OPENAI_PROJECT_ID")),
)
"""Headers that say which organisation and project pay, and the variables that name them."""


class OpenAIUpstream:
    """Sends requests to ``/responses`` with an API key."""

    name = "openai"

    def __init__(
        self, settings: OpenAISettings, timing: Timing, accounts: Accounts, environ: Mapping[str, str]
    ) -> None:
        """Raises `SettingsError` if the configured address cannot be used."""
        self._settings = settings
        self._accounts = accounts
        self.capabilities = msgspec.structs.replace(CAPABILITIES, hosted_search=settings.hosted_search)
        self._environ = environ
        url = f"{settings.base_url.rstrip('/')}/responses"
        self._transport = Transport("The OpenAI API", url, connect=timing.connect, environ=environ)
        self._input_tokens = InputTokens(
            "The OpenAI API", f"{url}/input_tokens", connect=timing.connect, environ=environ
        )
        self._headers = CIMultiDict(
            {"User-Agent": user_agent(), "Accept": "text/event-stream", "Content-Type": "application/json"}
        )
        for header, variables in SCOPES:
            value = next((environ[name] for name in variables if environ.get(name)), None)
            if value:
                self._headers[header] = value

    async def credential(self, account: str | None = None) -> Credential:
        """The key of the named account; without one that of the settings or the environment, else of an account."""
        if account or (not api_key.given(self._settings, self._environ) and self._accounts.has("api_key")):
            return await self._accounts.credential(account, "api_key")
        return api_key.read(self._settings, self._environ)

    async def renew(self, refused: Credential) -> Credential | None:
        return None  # a key has no successor

    async def open(self, call: Call, credential: Credential) -> HttpStream:
        headers = self._headers.copy()
        headers["Authorization"] = f"Bearer {credential.token}"
        try:
            return await self._transport.post(headers, call.body, fresh=call.fresh)
        except TurnoutError as error:
            if error.failure.kind is not FailureKind.SIGN_IN:
                raise
            what = "Check the API key: OPENAI_API_KEY, then start Turnout again. Or give one: turnout login --api-key"
            raise TurnoutError(msgspec.structs.replace(error.failure, next_step=what)) from None

    async def count(self, request: bytes, credential: Credential) -> int | None:
        """The tokens of a request by the API's own count (`turnout.upstream.input_tokens`)."""
        headers = {**self._headers, "Accept": "application/json", "Authorization": f"Bearer {credential.token}"}
        return await self._input_tokens.count(request, headers)

    async def close(self) -> None:
        await self._transport.close()
