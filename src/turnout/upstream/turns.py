"""A cap on the requests that an upstream gets at the same time: further ones wait their turn."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.upstream.base import UpstreamStream


class Turns:
    """The turns of one upstream."""

    def __init__(self, name: str, cap: int, seconds: float) -> None:
        """``name`` is for messages; ``cap`` 0: no cap; ``seconds`` is how long a request waits, at most."""
        self._name = name
        self._cap = cap
        self._seconds = seconds
        self._free = asyncio.Semaphore(cap) if cap else None

    async def take(self) -> Callable[[], None]:
        """Waits for a turn; what is given ends it, and is harmless when called again.

        Raises `TurnoutError` (`RATE_LIMITED`) when it does not come in time.
        """
        free = self._free
        if free is None:
            return lambda: None
        try:
            async with asyncio.timeout(self._seconds):
                await free.acquire()
        except TimeoutError:
            raise fail(
                FailureKind.RATE_LIMITED,
                f"{self._name} has been busy with {self._cap} requests of yours for {self._seconds:g} seconds, and "
                "gets no more at the same time.",
                "Raise custom.NAME.concurrency if the server can do more, or try again.",
            ) from None
        ended = False

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                free.release()

        return end


class TurnStream:
    """A stream that ends its turn with itself, and counts as dead after ``idle`` seconds of silence (0: never)."""

    def __init__(self, stream: UpstreamStream, end_turn: Callable[[], None], name: str, idle: float) -> None:
        self._stream = stream
        self._end_turn = end_turn
        self._name = name
        self._idle = idle

    @property
    def headers(self) -> Mapping[str, str]:
        return self._stream.headers

    @property
    def ended(self) -> bool:
        return self._stream.ended

    async def read(self) -> bytes:
        if not self._idle:
            return await self._stream.read()
        try:
            async with asyncio.timeout(self._idle):
                return await self._stream.read()
        except TimeoutError:
            raise fail(
                FailureKind.UPSTREAM_TIMEOUT,
                f"{self._name} has sent nothing for {self._idle:g} seconds and counts as dead.",
                "Try again; custom.NAME.idle sets the time.",
            ) from None

    def close(self) -> None:
        self._end_turn()
        self._stream.close()
