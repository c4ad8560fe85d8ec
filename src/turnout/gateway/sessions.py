"""The account that each session is sent with: its prompt cache and its reasoning are there."""

from __future__ import annotations

from collections import OrderedDict

KEPT = 4096
"""Sessions that are remembered; the one that has said nothing for longest is forgotten first."""


class Sessions:
    """Which account each session's last request went to."""

    def __init__(self) -> None:
        self._accounts: OrderedDict[str, str] = OrderedDict()

    def account(self, session: str) -> str:
        """The nickname of the account that the session's last request went to; empty if none is known."""
        return self._accounts.get(session, "")

    def settle(self, session: str, account: str) -> None:
        """The session's request goes to this account. One without a session is nobody's."""
        if session:
            self._accounts[session] = account
            self._accounts.move_to_end(session)
            if len(self._accounts) > KEPT:
                self._accounts.popitem(last=False)
