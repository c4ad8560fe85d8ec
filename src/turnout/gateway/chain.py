"""The rest of a chain of models that a request goes by: which one is asked next, and what became of those before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import TurnoutError
from turnout.protocol.fidelity import Note, mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from turnout.gateway.outages import Outages
    from turnout.protocol.errors import Failure
    from turnout.routing.route import Route

NOTE_LENGTH = 300
"""Characters of a failure that a note on the next model repeats."""


class Chain:
    """One request's."""

    def __init__(
        self,
        members: Collection[str],
        route_by: Callable[[str], Route],
        reasons: Collection[str],
        outages: Outages,
    ) -> None:
        """``members`` are model strings, ``route_by`` gives the route by one of them, ``reasons`` are the kinds of
        failure after which the next one is asked. Those whose upstream is among the ``outages`` come last."""
        self._left = list(members)
        self._route_by = route_by
        self._reasons = reasons
        self._outages = outages
        self._out: list[Route] = []
        """Routes that were put off."""
        self._next: Route | None = None
        self._failed: list[str] = []
        """What was asked, and how it failed."""
        self.notes: list[Note] = []
        """What is said of members that were passed over."""

    def goes_on_after(self, failure: Failure) -> bool:
        """Whether the next one is asked after this failure."""
        return failure.kind.value in self._reasons

    def leads_around(self, known: Failure) -> bool:
        """Whether the next one is to be asked at once, since of the upstream of the one before this failure is known:
        where nothing is known against the next one's."""
        if not self.goes_on_after(known):
            return False
        self._next = self.take()
        return self._next is not None and self._outages.of(self._next.upstream) is None

    def take(self) -> Route | None:
        """The next route; None if there is none left."""
        if (found := self._next) is not None:
            self._next = None
            return found
        while self._left:
            member = self._left.pop(0)
            try:
                found = self._route_by(member)
            except TurnoutError as error:
                self.notes.append(mapped("model", f"{member} was passed over: {error.failure.message}"))
                continue
            if self._outages.of(found.upstream) is None:
                return found
            self._out.append(found)
        return self._out.pop(0) if self._out else None

    def pass_over(self, route: Route, failure: Failure) -> None:
        """The route taken last cannot be used."""
        self.notes.append(mapped("model", f"{_name(route)} was passed over: {failure.message}"))

    def turn(self, before: Route, failure: Failure, after: Route) -> Note:
        """The request goes on by the route ``after``: what is said of that."""
        kind = failure.kind.value.replace("_", " ")
        self._failed.append(f"{_name(before)} ({kind})")
        why = f"{_name(before)} failed ({kind}): {failure.message}"
        return mapped("model", f"{why[:NOTE_LENGTH].rstrip('.')}. Sent to {_name(after)}")

    def told(self, failure: Failure) -> Failure:
        """The last failure, with what had failed before it."""
        if not self._failed:
            return failure
        message = (
            f"{failure.message.rstrip('.')}. It was the last of a chain: before it failed {', '.join(self._failed)}."
        )
        return msgspec.structs.replace(failure, message=message)


def _name(route: Route) -> str:
    return f"{route.upstream}/{route.model}"
