"""Which upstreams could not be reached a moment ago: a chain of models asks the others first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.protocol.errors import Failure

REMEMBERED_SECONDS = 30.0
"""How long an upstream that could not be reached is asked last. Its next request then finds out whether it is back."""


class Outages:
    """Those that one gateway has met."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` is in seconds."""
        self._clock = clock
        self._met: dict[str, tuple[float, Failure]] = {}
        """When it was and how, by the upstream's name: there are no more than are configured."""

    def saw(self, upstream: str, failure: Failure) -> None:
        """A request to the upstream has failed. Only that no connection could be made counts: it concerns all of its
        models, and an upstream that answers can say itself what is wrong."""
        if failure.kind is FailureKind.UNREACHABLE:
            self._met[upstream] = (self._clock(), failure)

    def of(self, upstream: str) -> Failure | None:
        """Why the upstream should be asked last; None if nothing is known against it."""
        met = self._met.get(upstream)
        if met is None:
            return None
        at, failure = met
        age = self._clock() - at
        if age > REMEMBERED_SECONDS:
            del self._met[upstream]
            return None
        return msgspec.structs.replace(failure, message=f"It could not be reached {age:.0f} s ago and was not asked.")
