"""What the answers say of the accounts' quota, and the doors that tell it. Nothing is done per event."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from turnout.gateway.doors import JSON, QUOTA
from turnout.protocol.errors import FailureKind, fail
from turnout.quota import readers, unified, wham
from turnout.quota.report import Reporter, as_json
from turnout.upstream.base import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.gateway.exchange import Exchange
    from turnout.protocol.errors import Failure, TurnoutError
    from turnout.quota.board import Board
    from turnout.quota.windows import Quota

ACCOUNT_HEADER = b"x-turnout-account"
"""Names the account that a request is for."""


class Meter:
    """Reads the quota out of the answers to one request, and lets its client know."""

    def __init__(
        self,
        board: Board,
        exchange: Exchange,
        notice: Callable[[Credential, Mapping[str, str]], None] | None = None,
        *,
        passes: tuple[str, ...] = (),
    ) -> None:
        """``notice`` is shown the headers of each answer as well; those that begin with one of ``passes`` (in lower
        case) go on to the client."""
        self._passes = passes
        self._board = board
        self._notice = notice
        self._exchange = exchange
        self._refusal: Mapping[str, str] = {}
        self._headers_said = False

    def chosen(self, credential: Credential) -> None:
        """The request is going to be sent with this credential."""
        self._tell(self._board.get(credential.account, credential.tag) if credential.account_id else None)

    def all_dry(self, account: str) -> None:
        """No account can be used; ``account`` is the one that can be first (empty: it is not so)."""
        if account:
            self._tell(self._board.get(account), refused=True)

    def opened(self, credential: Credential, headers: Mapping[str, str]) -> None:
        """Upstream has answered with a stream."""
        if self._notice is not None:
            self._notice(credential, headers)
        if self._passes:
            self._exchange.passed = [
                (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in headers.items()
                if name.lower().startswith(self._passes)
            ]
        if credential.account_id and (seen := readers.from_headers(headers, credential, time.time())) is not None:
            self._headers_said = True
            self._tell(self._board.saw_soon_written(seen))

    def refused(self, error: TurnoutError) -> None:
        """Upstream has answered with an error, or not at all."""
        self._refusal = error.headers if isinstance(error, Refused) else {}

    def ended(self, credential: Credential, failure: Failure | None, rate_limits: bytes) -> None:
        """An attempt is over. ``rate_limits`` is the data of upstream's event ``codex.rate_limits``, if one came."""
        headers, self._refusal = self._refusal, {}
        said_already, self._headers_said = self._headers_said, False
        if not credential.account_id:
            return
        now = time.time()
        if rate_limits and not said_already and (said := readers.from_event(rate_limits, credential, now)) is not None:
            self._board.saw_soon_written(said)
        if failure is not None and failure.kind is FailureKind.USAGE_LIMIT:
            refusal = readers.from_refusal(failure, headers, credential, now)
            self._tell(self._board.saw_soon_written(refusal), refused=True)
        elif headers and (seen := readers.from_headers(headers, credential, now)) is not None:
            self._tell(self._board.saw_soon_written(seen))

    def _tell(self, quota: Quota | None, *, refused: bool = False) -> None:
        self._exchange.also = unified.headers(quota, time.time(), refused=refused) if quota is not None else ()


class QuotaDoor:
    """Tells the quota: ``GET /turnout/quota`` in Turnout's own form, the other paths in the ChatGPT backend's."""

    def __init__(self, config: Config, accounts: Accounts, board: Board) -> None:
        self._accounts = accounts
        self._reporter = Reporter(config, os.environ, accounts, board)

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request. Raises `TurnoutError`."""
        body = await (self._own(exchange) if path == QUOTA else self._usage(exchange))
        await exchange.answer(200, dict(JSON), body)

    async def _own(self, exchange: Exchange) -> bytes:
        named = parse_qs(exchange.query.decode("latin-1")).get("account", [""])[-1]
        accounts = [self._accounts.get(named)] if named else self._accounts.list()
        return as_json(await self._reporter.lines(accounts), time.time())

    async def _usage(self, exchange: Exchange) -> bytes:
        """The figures of the account that the client's requests are sent with, as a Codex client reads them."""
        account = self._accounts.check(exchange.header(ACCOUNT_HEADER) or None)
        (line,) = await self._reporter.lines([account])
        if line.quota is None:
            raise fail(FailureKind.UPSTREAM_ERROR, f"Nothing is known of the quota of {account.name!r}.", line.problem)
        return wham.write(line.quota, time.time())
