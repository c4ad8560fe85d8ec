"""A deadline that moves all the time and is hardly ever reached, such as the end of an idle connection's time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Deadline:
    """Calls ``reached`` when its moment has come. A timer runs for it that is set anew when it fires too early, not
    each time the deadline moves: two timers a request would cost more than reading the request's head."""

    __slots__ = ("_loop", "_moment", "_reached", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, reached: Callable[[], None]) -> None:
        self._loop = loop
        self._reached = reached
        self._moment: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def set_in(self, seconds: float) -> None:
        """Puts the deadline there, wherever it was."""
        moment = self._moment = self._loop.time() + seconds
        if self._timer is not None and self._timer.when() > moment:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(moment, self._look)

    def lift(self) -> None:
        """There is no deadline for now."""
        self._moment = None

    def close(self) -> None:
        """There will be none any more."""
        self._moment = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._moment is None:
            return
        if self._loop.time() < self._moment:
            self._timer = self._loop.call_at(self._moment, self._look)
            return
        self._moment = None
        self._reached()
