"""Records the wire of one session: what the client asked, what upstream was sent and said, what the client was told.

Where nothing is recorded, nothing of this is on the path of a byte: exchange and upstream are wrapped for the requests
that are recorded, and only those. Secrets are taken out, and lines are written, in a thread of the recording's own.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import time
from typing import TYPE_CHECKING, Protocol

from turnout import __version__, log
from turnout.gateway.exchange import Exchange
from turnout.ledger import trace
from turnout.ledger.record import short_name
from turnout.ledger.standins import StandIns
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.protocol.sse import SseOverflowError, SseSplitter, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from turnout.accounts.credential import Credential
    from turnout.gateway.exchange import Receive, Scope, Send
    from turnout.ledger.record import RequestRecord
    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.errors import Failure
    from turnout.upstream.base import Call, Upstream, UpstreamStream

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


class Tap:
    """Takes what passes in one exchange to the recording, once it is known to be of the session that is recorded."""

    def __init__(self, recording: Recording, exchange: Exchange) -> None:
        self._recording = recording
        self._exchange = exchange
        self._number: int | None = None
        self._body = b""
        self._attempts = 0
        self._told: SseSplitter | None = None
        self._whole: list[bytes] = []

    def asked(self, body: bytes) -> None:
        """The client's request, held until its session is known."""
        self._body = body

    def admit(self, session: str) -> bool:
        """The request is of this session (an id; empty if it names none). Whether it is recorded."""
        body, self._body = self._body, b""
        number = self._number = self._recording.begin(session)
        if number is None:
            return False
        exchange = self._exchange
        at = round(time.time() - (time.perf_counter() - exchange.arrived), 3)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in exchange.headers.items()}

        def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
            yield trace.Asked(
                exchange=number,
                t=0.0,
                at=at,
                request_id=exchange.request_id,
                session=short_name(session),
                method=exchange.method,
                path=exchange.path,
                headers=stand_ins.headers(headers),
                body=stand_ins.json(body),
            )

        self._recording.put(len(body), lines)
        return True

    def around(self, upstream: Upstream) -> Upstream:
        """The upstream, listened to."""
        return _TappedUpstream(upstream, self)

    def sent(self, upstream: str, call: Call) -> None:
        """A request goes upstream."""
        self._attempts += 1
        attempt, body, model, lite = self._attempts, call.body, call.model, call.lite
        self._put(
            len(body),
            lambda number, t, stand_ins: trace.SentUp(
                exchange=number,
                t=t,
                attempt=attempt,
                upstream=upstream,
                model=model,
                lite=lite,
                body=stand_ins.json(body),
            ),
        )

    def opened(self, headers: Mapping[str, str]) -> None:
        """Upstream has answered."""
        held = dict(headers)
        self._put(0, lambda number, t, stand_ins: trace.Opened(exchange=number, t=t, headers=stand_ins.headers(held)))

    def refused(self, failure: Failure) -> None:
        """Upstream has failed."""
        self._put(
            0,
            lambda number, t, stand_ins: trace.Refused(
                exchange=number, t=t, failure=failure.kind, text=stand_ins.text(failure.text)
            ),
        )

    def heard(self, splitter: SseSplitter, data: bytes) -> None:
        """Bytes of upstream's stream."""
        number, t = self._number, self._now()
        if number is None:
            return

        def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
            for name, content in _events(splitter, data):
                yield trace.Heard(exchange=number, t=t, event=name, data=stand_ins.json(content))

        self._recording.put(len(data), lines)

    def answered(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """The head of the answer."""
        shown = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
        if shown.get("content-type", "").startswith("text/event-stream"):
            self._told = SseSplitter()
        self._put(
            0,
            lambda number, t, stand_ins: trace.Answered(
                exchange=number, t=t, status=status, headers=stand_ins.headers(shown)
            ),
        )

    def told(self, data: bytes, *, last: bool) -> None:
        """Bytes of the answer."""
        number, t, splitter = self._number, self._now(), self._told
        if number is None:
            return
        if splitter is not None:

            def lines(stand_ins: StandIns) -> Iterable[trace.Line]:
                for name, content in _events(splitter, data):
                    yield trace.Told(exchange=number, t=t, event=name, data=stand_ins.json(content))

            self._recording.put(len(data), lines)
            return
        self._whole.append(data)
        if last:
            whole, self._whole = b"".join(self._whole), []
            self._put(
                len(whole), lambda number, t, stand_ins: trace.Whole(exchange=number, t=t, data=stand_ins.json(whole))
            )

    def ended(self, record: RequestRecord) -> None:
        """The exchange is over."""
        self._body = b""
        if self._number is not None:
            self._put(0, lambda number, t, _: trace.Ended(exchange=number, t=t, record=record))
            self._recording.one_is_over()

    def _put(self, size: int, line: Callable[[int, float, StandIns], trace.Line]) -> None:
        number, t = self._number, self._now()
        if number is not None:
            self._recording.put(size, lambda stand_ins: (line(number, t, stand_ins),))

    def _now(self) -> float:
        return round((time.perf_counter() - self._exchange.arrived) * 1000, 3)


class TappedExchange(Exchange):
    """An exchange that a tap listens to."""

    __slots__ = ("tap",)

    def __init__(self, scope: Scope, receive: Receive, send: Send, recording: Recording) -> None:
        super().__init__(scope, receive, send)
        self.tap: Tap | None = Tap(recording, self)

    async def body(self, limit: int, seconds: float) -> bytes:
        data = await super().body(limit, seconds)
        if self.tap is not None:
            self.tap.asked(data)
        return data

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if self.tap is not None:
            self.tap.answered(status, headers)
        await super().begin(status, headers)

    async def write(self, data: bytes, *, last: bool = False) -> None:
        if self.tap is not None:
            self.tap.told(data, last=last)
        await super().write(data, last=last)


class _TappedUpstream:
    """An upstream that a tap listens to."""

    def __init__(self, upstream: Upstream, tap: Tap) -> None:
        self.name = upstream.name
        self.capabilities: Capabilities = upstream.capabilities
        self._upstream = upstream
        self._tap = tap

    async def credential(self, account: str | None = None) -> Credential:
        return await self._upstream.credential(account)

    async def renew(self, refused: Credential) -> Credential | None:
        return await self._upstream.renew(refused)

    async def open(self, call: Call, credential: Credential) -> UpstreamStream:
        self._tap.sent(self.name, call)
        try:
            stream = await self._upstream.open(call, credential)
        except TurnoutError as error:
            self._tap.refused(error.failure)
            raise
        self._tap.opened(stream.headers)
        return _TappedStream(stream, self._tap)

    async def close(self) -> None:
        await self._upstream.close()


class _TappedStream:
    """An upstream's stream that a tap listens to."""

    def __init__(self, stream: UpstreamStream, tap: Tap) -> None:
        self._stream = stream
        self._tap = tap
        self._splitter = SseSplitter()

    @property
    def headers(self) -> Mapping[str, str]:
        return self._stream.headers

    @property
    def ended(self) -> bool:
        return self._stream.ended

    async def read(self) -> bytes:
        try:
            data = await self._stream.read()
        except TurnoutError as error:
            self._tap.refused(error.failure)
            raise
        self._tap.heard(self._splitter, data)
        return data

    def close(self) -> None:
        self._stream.close()


def _events(splitter: SseSplitter, data: bytes) -> Iterable[tuple[str, bytes]]:
    """The events that ``data`` completes; at the end of the stream, which is empty data, what was left."""
    try:
        blocks = splitter.feed(data) if data else splitter.close()
    except SseOverflowError:
        return
    for block in blocks:
        name, content = parse(block)
        if content:
            yield name.decode("utf-8", "replace"), content
