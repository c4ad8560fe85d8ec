"""Asks the ChatGPT backend how much of a plan is used: only when someone wants to know, and never faster than allowed.

Polling is what gets accounts into trouble (codex-backend.md 6): what answers have said for free counts as well, and
what any process of this machine has asked for.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from turnout.calls import Calls
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.quota import wham
from turnout.translate.errors import classify_http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.calls import Answer
    from turnout.config import Config
    from turnout.quota.board import Board
    from turnout.quota.windows import Quota

PAUSE_SECONDS = 120.0
"""Between two questions about one account, whatever came of the first; and the age up to which figures are fresh."""
NAME = "The ChatGPT backend"


class UsageEndpoint:
    """Fresh figures for accounts."""

    def __init__(
        self,
        config: Config,
        environ: Mapping[str, str],
        accounts: Accounts,
        board: Board,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``now`` gives Unix seconds."""
        base = config.codex.base_url.rstrip("/")
        self.url = f"{base}/wham/usage" if base.endswith("/backend-api") else f"{base}/api/codex/usage"
        self._calls = Calls(environ, connect=config.timing.connect)
        self._accounts = accounts
        self._board = board
        self._now = now

    async def fresh(self, account: str) -> Quota | None:
        """What is known of a ChatGPT account, asked for if that is old and nobody has just done so; None for nothing.

        Raises `TurnoutError` saying why nothing newer could be had; the board still has what was known.
        """
        known = self._board.get(account)
        if known is not None and 0 <= self._now() - known.seen_at < PAUSE_SECONDS:
            return known
        credential = await self._accounts.credential(account)
        if not await self._board.claim(account, PAUSE_SECONDS):
            return self._board.get(account, credential.tag)
        return self._board.saw_soon_written(await self._ask(credential))

    async def _ask(self, credential: Credential) -> Quota:
        answer = await self._get(credential)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = await self._get(await self._accounts.renew(credential))
        if answer.status != HTTPStatus.OK:
            raise TurnoutError(classify_http(answer.status, answer.headers, answer.body))
        try:
            return wham.read(answer.body, credential, self._now())
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise fail(FailureKind.UPSTREAM_ERROR, f"{NAME} told the quota in a form that is not known.") from None

    async def _get(self, credential: Credential) -> Answer:
        headers = {
            "Authorization": f"Bearer {credential.token}",
            "chatgpt-account-id": credential.account_id,
            "originator": "turnout",
            "Accept": "application/json",
        }
        return await self._calls.call(NAME, "GET", self.url, headers=headers)
