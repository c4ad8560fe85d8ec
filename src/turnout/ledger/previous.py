"""Remembers, for each conversation, the body that was sent last, and says how the next one continues it.

Bodies are held as they are, without copies and without hashing, within a budget for the whole process: what was not
asked about for longest goes first. Knows nothing of the network; touched from one thread only.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from turnout.ledger.prefix import Body, continues, kinship, parting
from turnout.ledger.record import PrefixFinding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.ledger.prefix import Parting
    from turnout.ledger.record import Verdict

BUDGET = 8 * 1024 * 1024
"""Bytes of bodies that are held in all: some thirty sessions of 250 KB, or a few very long ones."""
CONVERSATIONS = 1024
"""Conversations that are known at all."""
KINDS = 4
"""Kinds of requests that are told apart within a conversation: its own, those for a title, for a search …"""

OWN_KIND, SAME_WORDS = 2, 1
"""Values of `kinship`: requests of one kind, and requests that have no more than the user's first words in common."""


class Sent:
    """A request that upstream has accepted."""

    __slots__ = ("account", "at", "body", "model", "request_id", "tokens")

    def __init__(
        self, request_id: str, body: bytes, *, model: tuple[str, str], account: tuple[str, str], at: float
    ) -> None:
        """``model`` and ``account`` name upstream and model, and upstream and account; ``at`` is in Unix seconds."""
        self.request_id = request_id
        self.body: bytes | None = body
        """None once it was let go of."""
        self.model = model
        self.account = account
        self.at = at
        self.tokens = 0
        """Its prompt's tokens, once upstream has counted them."""


class PreviousRequests:
    """What was sent last, by conversation."""

    def __init__(self, budget: int = BUDGET) -> None:
        """``budget`` is in bytes."""
        self.held = 0
        """Bytes of the bodies that are held."""
        self._budget = budget
        self._conversations: OrderedDict[str, list[Sent]] = OrderedDict()
        """The latest request of each kind, the latest kind last."""
        self._holding: OrderedDict[int, Sent] = OrderedDict()
        """Requests whose body is held, by identity, the latest last."""

    def follow(self, conversation: str, present: Sent) -> PrefixFinding:
        """How ``present`` continues the conversation; it is what the next one is compared with.

        Requests of clients that name no conversation (an empty string) are told apart by what the user said first.
        """
        kinds = self._conversations.setdefault(conversation, [])
        self._conversations.move_to_end(conversation)
        before, finding = _compare(kinds, present, named=bool(conversation))
        if before is not None:
            kinds.remove(before)
            self._let_go(before)
        kinds.append(present)
        if len(kinds) > KINDS:
            self._let_go(kinds.pop(0))
        self._hold(present)
        while len(self._conversations) > CONVERSATIONS:
            for forgotten in self._conversations.popitem(last=False)[1]:
                self._let_go(forgotten)
        return finding

    def _hold(self, sent: Sent) -> None:
        self._holding[id(sent)] = sent
        self.held += len(sent.body or b"")
        while self.held > self._budget:
            self._let_go(next(iter(self._holding.values())))

    def _let_go(self, sent: Sent) -> None:
        if self._holding.pop(id(sent), None) is not None:
            self.held -= len(sent.body or b"")
            sent.body = None


def _compare(kinds: Sequence[Sent], present: Sent, *, named: bool) -> tuple[Sent | None, PrefixFinding]:
    """The request that ``present`` comes after, if there is one, and what there is to say about the two."""
    body = present.body or b""
    for before in reversed(kinds):
        if before.body is not None and continues(before.body, body):
            return before, _finding(before, present, "unchanged")
    after = Body(body)
    related = [
        (kin, before, old)
        for before in reversed(kinds)
        if before.body is not None and (kin := kinship(old := Body(before.body), after))
    ]
    if related:
        kin, before, old = max(related, key=lambda found: found[0])
        said_alike = bool(kin & SAME_WORDS)
        if (kin >= OWN_KIND or before.model == present.model) if named else said_alike:
            found = parting(old, after)
            return before, _finding(before, present, "changed" if found else "unchanged", found)
    gone = next((before for before in reversed(kinds) if before.body is None and before.model == present.model), None)
    if gone is not None and named:
        return gone, _finding(gone, present, "unknown")
    return None, PrefixFinding(verdict="first")


def _finding(before: Sent, present: Sent, verdict: Verdict, parting: Parting | None = None) -> PrefixFinding:
    return PrefixFinding(
        verdict=verdict,
        parting=parting,
        against=before.request_id,
        seconds=round(max(0.0, present.at - before.at), 1),
        tokens=before.tokens,
        other_account=before.account != present.account,
        other_model=before.model != present.model,
    )
