"""What routing wants to know of accounts: the plan that they have, and the upstream that they are for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.accounts.account import Account
    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.upstream.base import Upstream

KNOWN_SECONDS = 10.0
"""How long accounts count as known: a plan changes once in a while, and requests come by the second."""

UPSTREAMS = {"chatgpt": "codex", "api_key": "openai"}
"""Where accounts of each kind are of use."""


class Who:
    """The accounts, looked at now and then."""

    def __init__(self, accounts: Accounts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._seen: tuple[float, list[Account]] = (float("-inf"), [])

    def plan(self, name: str = "") -> str:
        """The plan of the account of that nickname, without one of the default one; empty if it is not known."""
        account = self._named(name) if name else self._default()
        return account.plan if account is not None else ""

    def upstream(self, name: str) -> str:
        """The upstream that the account of that nickname is for; empty if there is no such account."""
        account = self._named(name)
        return UPSTREAMS[account.kind] if account is not None else ""

    async def credential(self, upstream: Upstream, name: str, *, beside: bool) -> Credential:
        """The credential to send a request to the upstream called ``name`` with that names no account.

        ``beside``: the account in use is for another upstream, so that one for this upstream may serve as well.
        Raises `TurnoutError` as `Upstream.credential` does.
        """
        try:
            return await upstream.credential()
        except TurnoutError:
            fitting = [each.name for each in self._listed() if UPSTREAMS[each.kind] == name] if beside else []
            if not fitting:
                raise
            return await upstream.credential(fitting[0])

    def _named(self, name: str) -> Account | None:
        return next((each for each in self._listed() if each.name == name), None)

    def _default(self) -> Account | None:
        chatgpt = [each for each in self._listed() if each.kind == "chatgpt"]
        return next((each for each in chatgpt if each.default), next(iter(chatgpt), None))

    def _listed(self) -> list[Account]:
        now = self._clock()
        if now - self._seen[0] > KNOWN_SECONDS:
            try:
                found = self._accounts.list()
            except TurnoutError:
                found = []  # a registry that cannot be read is told to whoever wants a credential
            self._seen = (now, found)
        return self._seen[1]
