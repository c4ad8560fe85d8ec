"""What routing wants to know of accounts: the plan that they have, and the upstream that they are for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.accounts.account import Account
    from turnout.accounts.credential import Credential
    from turnout.accounts.store import Accounts
    from turnout.routing.route import Route
    from turnout.upstream.base import Upstream

KNOWN_SECONDS = 10.0
"""How long accounts count as known: a plan changes once in a while, and requests come by the second."""

UPSTREAMS = {"chatgpt": "codex", "api_key": "openai"}
"""Where accounts of each kind are of use."""


class _Seen(NamedTuple):
    at: float
    by_name: dict[str, Account]
    """By nickname, in the user's order."""
    default: Account | None
    """The default one of those that have a plan."""


class Who:
    """The accounts, looked at now and then."""

    def __init__(self, accounts: Accounts, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._seen = _Seen(float("-inf"), {}, None)

    def plan(self, name: str = "") -> str:
        """The plan of the account of that nickname, without one of the default one; empty if it is not known."""
        seen = self._look()
        account = seen.by_name.get(name) if name else seen.default
        return account.plan if account is not None else ""

    def upstream(self, name: str) -> str:
        """The upstream that the account of that nickname is for; empty if there is no such account."""
        account = self._look().by_name.get(name)
        return UPSTREAMS[account.kind] if account is not None else ""

    async def credential(self, upstream: Upstream, chosen: Route, *, in_use: str) -> Credential:
        """The credential to send a request to the upstream with that goes by this route: that of the account that it
        names, else of the usual one.

        Beside the upstream called ``in_use``, which the account in use is for, one for the route's may serve as well.
        Raises `TurnoutError` as `Upstream.credential` does.
        """
        if chosen.account:
            return await upstream.credential(chosen.account)
        try:
            return await upstream.credential()
        except TurnoutError:
            if chosen.upstream == in_use:
                raise
            fitting = [each.name for each in self._look().by_name.values() if UPSTREAMS[each.kind] == chosen.upstream]
            if not fitting:
                raise
            return await upstream.credential(fitting[0])

    def _look(self) -> _Seen:
        now = self._clock()
        if now - self._seen.at > KNOWN_SECONDS:
            try:
                found = self._accounts.list()
            except TurnoutError:
                found = []  # a registry that cannot be read is told to whoever wants a credential
            plans = [each for each in found if each.kind == "chatgpt"]
            default = next((each for each in plans if each.default), plans[0] if plans else None)
            self._seen = _Seen(now, {each.name: each for each in found}, default)
        return self._seen
