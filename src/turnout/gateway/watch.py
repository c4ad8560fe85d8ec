"""Watches the silence around one answer: the client's (it must hear something) and upstream's (it may be dead).

One timer per answer that looks at two times now and then; nothing is done per event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from turnout.config import Timing

MINIMUM_SLEEP = 0.005


class Watch:
    """Calls ``beat`` when the client has heard nothing for too long, ``expire`` when nothing has moved for too long."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        timing: Timing,
        *,
        beat: Callable[[], None] | None,
        expire: Callable[[bool], None],
    ) -> None:
        """``beat`` is None for an answer that must not begin early (one without streaming).

        ``expire`` is told whether it was upstream that was waited for; else it was the client.
        """
        self._time = loop.time
        self._call_at = loop.call_at
        self._keepalive = timing.keepalive
        self._idle = timing.upstream_idle
        self._beat = beat
        self._expire = expire
        now = loop.time()
        self._moved = now
        """When upstream last sent something, or the client last took something."""
        self._next_beat = now + timing.hold
        self.waiting = True
        """Upstream is being waited for; False while the client is (it gets no keep-alive: it does not read)."""
        self._timer = loop.call_at(self._due(), self._look)

    @property
    def room(self) -> float:
        """Seconds until the client has to hear something; none are left when this is below zero."""
        return self._next_beat - self._time()

    def heard(self) -> None:
        """Upstream has sent bytes."""
        self._moved = self._time()

    def told(self) -> None:
        """The client was sent bytes."""
        self._moved = now = self._time()
        self._next_beat = now + self._keepalive

    def stop(self) -> None:
        """Ends watching. Harmless when called again."""
        self._timer.cancel()

    def _due(self) -> float:
        deadline = self._moved + self._idle
        return deadline if self._beat is None else min(deadline, self._next_beat)

    def _look(self) -> None:
        now = self._time()
        if now >= self._moved + self._idle:
            self._expire(self.waiting)
            return
        if self._beat is not None and now >= self._next_beat:
            self._next_beat = now + self._keepalive
            if self.waiting:
                self._beat()
        self._timer = self._call_at(max(self._due(), now + MINIMUM_SLEEP), self._look)
