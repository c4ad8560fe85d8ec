"""What an answer needs that takes several requests upstream: the body of the one before, and searches in between.

Whether an answer goes on is for the machine to say (`turnout.translate.continuation`); when, is the relay's.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING

from turnout.protocol.fidelity import approximated
from turnout.translate.body import Beginning
from turnout.translate.search import Sites

if TYPE_CHECKING:
    from turnout.protocol.web_search import Outcome
    from turnout.search import SearchBackend
    from turnout.translate.search import Search
    from turnout.translate.search_blocks import Wanted
    from turnout.translate.translation import AnswerStream, Translation
    from turnout.upstream.base import Call, Upstream

BUDGET = 16 * 1024 * 1024
"""Bytes of bodies that are held in all for answers that upstream may ask to continue: hardly any one does."""


class Bodies:
    """Bodies of requests whose answers have begun, within a budget for the process: the oldest go first."""

    def __init__(self, budget: int = BUDGET) -> None:
        """``budget`` is in bytes."""
        self.held = 0
        """Bytes that are held."""
        self._budget = budget
        self._calls: OrderedDict[int, tuple[Call, int]] = OrderedDict()

    def hold(self, call: Call) -> None:
        """Holds on to the call's body, until it is let go of or others need the place: then it is empty."""
        self.let_go(call)
        self._calls[id(call)] = (call, len(call.body))
        self.held += len(call.body)
        while self.held > self._budget:
            _, (oldest, size) = self._calls.popitem(last=False)
            oldest.body = b""
            self.held -= size

    def let_go(self, call: Call) -> None:
        """The body need not be held any more. Harmless for one that is not."""
        _, size = self._calls.pop(id(call), (None, 0))
        self.held -= size


class Continuation:
    """How the answer to one request is continued."""

    def __init__(self, bodies: Bodies, backend: SearchBackend, upstream: Upstream) -> None:
        self._bodies = bodies
        self._backend = backend
        self._may_be_asked = upstream.capabilities.unfinished_turns
        self._beginning = Beginning(0, b"")
        self._search: Search | None = None

    def turn_to(self, upstream: Upstream) -> None:
        """The request goes to another upstream."""
        self._may_be_asked = upstream.capabilities.unfinished_turns

    def begin(self, translation: Translation) -> None:
        """A request is about to be sent; of several attempts the last one counts."""
        self._beginning, self._search = translation.beginning, translation.search

    def accept(self, call: Call) -> None:
        """Upstream has accepted the request: it is sent again only if it has to grow."""
        if self._search is not None and not self._search.hosted:
            return  # each search of ours needs the body
        if self._may_be_asked:
            self._bodies.hold(call)
        else:
            call.body = b""

    async def search(self, wanted: tuple[Wanted, ...]) -> list[tuple[Wanted, Outcome]]:
        """Makes the searches, all at once."""
        sites = self._search.sites if self._search is not None else Sites()
        outcomes = await asyncio.gather(*(self._backend.search(one.query, sites) for one in wanted))
        return list(zip(wanted, outcomes, strict=True))

    def extend(self, call: Call, machine: AnswerStream) -> bool:
        """Makes ``call`` the next request for the answer. Not if its body was let go of: then the answer is over."""
        if not call.body:
            machine.notes.append(
                approximated("output", "upstream had more to say, but the request was not held any more")
            )
            return False
        call.body = self._beginning.extended(call.body, machine.go_on())
        self.accept(call)
        return True

    def end(self, call: Call) -> None:
        """The answer is over."""
        self._bodies.let_go(call)
