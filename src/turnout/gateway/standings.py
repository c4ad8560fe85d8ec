"""The accounts that requests may be tried with, and what is known of their limits: what `turnout.routing.accounts`
decides by."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from turnout.accounts.account import State
from turnout.routing.accounts import Standing
from turnout.translate.reasoning import account_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from turnout.accounts.account import Account
    from turnout.accounts.store import Accounts
    from turnout.quota.board import Board

LIST_SECONDS = 2.0
"""How long the list of accounts counts as known."""
SERVING = (State.OK, State.EXPIRED)
"""States of accounts that are worth trying: what has expired may have been renewed by its owner meanwhile."""


class Standings:
    """Those of all ChatGPT accounts, looked at now and then."""

    def __init__(self, accounts: Accounts, board: Board) -> None:
        self._accounts = accounts
        self._board = board
        self._seen_at = float("-inf")
        self._serving: list[Account] = []

    def now(self, *, all_accounts: bool) -> list[Standing]:
        """The accounts that may be tried, the default one first; only that one unless ``all_accounts`` may be.

        Raises `TurnoutError` if they cannot be listed.
        """
        moment = time.time()
        return [self._standing(each, moment) for each in self._listed()[: None if all_accounts else 1]]

    def account_in(self, thoughts: Sequence[Raw]) -> str:
        """The nickname of the account whose reasoning comes last in these parts of a conversation; empty if none's
        does. Raises as `now` does."""
        tag = next((tag for thought in reversed(thoughts) if (tag := account_in(bytes(thought)))), "")
        return next((each.name for each in self._listed() if tag and each.tag == tag), "")

    def _listed(self) -> list[Account]:
        moment = time.monotonic()
        if moment - self._seen_at > LIST_SECONDS:
            found = [each for each in self._accounts.list() if each.kind == "chatgpt" and each.state in SERVING]
            found.sort(key=lambda each: not each.default)
            self._seen_at, self._serving = moment, found
        return self._serving

    def _standing(self, account: Account, now: float) -> Standing:
        quota = self._board.get(account.name, account.tag)
        if quota is None or not quota.is_reached(now):
            return Standing(name=account.name)
        return Standing(name=account.name, dry=True, opens_at=quota.resets_at, refused_at=quota.refused_at)
