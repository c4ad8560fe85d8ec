"""Records one session's wire: the one recording that a gateway may have, and the thread that writes it.

Secrets are taken out, and lines are written, in that thread. What is recorded comes from `turnout.gateway.tap`.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from typing import TYPE_CHECKING, Protocol

from turnout import __version__, log
from turnout.ledger import trace
from turnout.ledger.record import short_name
from turnout.ledger.standins import StandIns
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

CLOSE_SECONDS = 5.0
"""How long the end of a recording is waited for."""
BACKLOG = 256 * 1024 * 1024
"""Bytes that may wait to be written; a recording that falls further behind ends."""


class Outlet(Protocol):
    """Where a trace goes. Its methods are called in the recording's thread, and may block."""

    def write(self, line: bytes) -> None:
        """Takes one line, its end included. Raises `OSError`."""
        ...

    def close(self) -> None:
        """No line comes any more."""
        ...


class FileOutlet:
    """A file that must not exist yet, for the user's eyes only. Raises `OSError` if it cannot be made."""

    def __init__(self, path: Path) -> None:
        path.touch(mode=0o600, exist_ok=False)
        self._file = path.open("wb")

    def write(self, line: bytes) -> None:
        self._file.write(line)
        self._file.flush()

    def close(self) -> None:
        self._file.close()


class Recording:
    """One trace while it is being recorded."""

    def __init__(self, outlet: Outlet, session: str = "") -> None:
        """``session`` is a session's id or its short name; without one, the first session that comes is recorded."""
        self.over = False
        self._wanted = session
        self._outlet = outlet
        self._numbers = itertools.count(1)
        self._queue: queue.SimpleQueue[tuple[int, Callable[[StandIns], Iterable[trace.Line]]] | None] = (
            queue.SimpleQueue()
        )
        self._backlog = 0
        self._open = 0
        """Exchanges that have begun and not ended."""
        self._finishing = False
        self._thread = threading.Thread(target=self._write_all, name="turnout-trace", daemon=True)
        self._thread.start()
        opening = trace.Opening(turnout=__version__, at=round(time.time(), 3))
        self.put(0, lambda _: (opening,))

    def begin(self, session: str) -> int | None:
        """The number of an exchange of this session that begins; None if it is not to be recorded."""
        if self.over:
            return None
        name = short_name(session)
        if not self._wanted:
            self._wanted = name or "anonymous"
        if self._wanted not in (session, name or "anonymous"):
            return None
        self._open += 1
        return next(self._numbers)

    def one_is_over(self) -> None:
        """An exchange has ended."""
        self._open -= 1
        if self._finishing and not self._open:
            self.end()

    def finish(self) -> None:
        """Ends it as soon as the exchanges that are under way have ended."""
        self._finishing = True
        if not self._open:
            self.end()

    def put(self, size: int, lines: Callable[[StandIns], Iterable[trace.Line]]) -> None:
        """Has lines made and written, in the order of the calls. ``size`` is that of the bytes held for them."""
        if self.over:
            return
        if self._backlog + size > BACKLOG:
            log.get().warning("the trace ends: it cannot be written as fast as there is to write")
            self.end()
            return
        self._backlog += size
        self._queue.put((size, lines))

    def end(self) -> None:
        """Ends it: what was put is still written. Harmless when called again."""
        if not self.over:
            self.over = True
            self._queue.put(None)

    def wait(self, seconds: float) -> None:
        """Waits until everything is written, or for that long. Blocks."""
        self._thread.join(seconds)

    def _write_all(self) -> None:
        stand_ins = StandIns()
        try:
            while (entry := self._queue.get()) is not None:
                size, lines = entry
                for line in lines(stand_ins):
                    self._outlet.write(trace.encode_line(line) + b"\n")
                self._backlog -= size
        except OSError as error:
            log.get().warning("the trace ends: it cannot be written", reason=error.strerror or str(error))
        except Exception:  # noqa: BLE001 (nobody waits for this thread: told in the log)
            log.get().exception("the trace ends through a defect")
        finally:
            self.over = True
            self._outlet.close()


class Tracer:
    """The one recording that a gateway may have."""

    def __init__(self) -> None:
        self._recording: Recording | None = None

    @property
    def recording(self) -> Recording | None:
        """The recording under way."""
        if self._recording is not None and self._recording.over:
            self._recording = None
        return self._recording

    def start(self, outlet: Callable[[], Outlet], session: str = "") -> Recording:
        """Begins a recording. Raises `TurnoutError` if there is one already, and what ``outlet`` raises."""
        if self.recording is not None:
            raise fail(
                FailureKind.BAD_REQUEST,
                "This gateway records a trace already, and does one at a time.",
                "End that one first (Ctrl-C where `turnout trace record` runs).",
            )
        self._recording = Recording(outlet(), session)
        return self._recording

    def finish(self) -> None:
        """Ends the recording under way with the last of its exchanges."""
        if self._recording is not None:
            self._recording.finish()

    async def close(self) -> None:
        """Ends it at once, and waits until all of it is written."""
        if self._recording is not None:
            self._recording.end()
            await asyncio.to_thread(self._recording.wait, CLOSE_SECONDS)
