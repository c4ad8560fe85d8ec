"""uvicorn's HTTP/1.1 protocol with what it lacks: a time limit for a request's head, a limit for its size, and bodies
handed over in few large pieces. Knows connections, no requests' meaning."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from turnout.gateway.exchange import new_request_id
from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.errors import to_anthropic

if TYPE_CHECKING:
    import asyncio

    from turnout.config import Server

HEAD_LIMIT = 64 * 1024
"""Bytes that a request's line and headers may have."""
BODY_PIECE = 1024 * 1024
"""Bytes of a body that are gathered before they are handed over. uvicorn's 64 KiB would wake the gateway four times
for a usual request."""


def protocol(limits: Server) -> type[HttpToolsProtocol]:
    """The protocol class for one gateway's limits."""

    class Http1(LimitedProtocol):
        header_timeout = limits.header_timeout

    return Http1


class Pieces:
    """What has come of a body. uvicorn's own buffer copies each byte twice; here it is joined once, if at all."""

    __slots__ = ("_pieces", "_size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def __iadd__(self, piece: bytes) -> Self:
        self._pieces.append(piece)
        self._size += len(piece)
        return self

    def __len__(self) -> int:
        return self._size

    def __bytes__(self) -> bytes:
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


class HeldHead:
    """A transport for one answer that sends its head together with the first piece of its body.

    uvicorn writes them one after the other, and uvloop sends each write at once: a system call more, and the client is
    woken for nothing.
    """

    __slots__ = ("_head", "_loop", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines((head, data) if data else (head,))
        elif data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 100 "):
            self._head = data
            self._loop.call_soon(self._release)  # for an answer whose body is late, or that has none
        else:
            self._transport.write(data)

    def _release(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)

    def close(self) -> None:
        self._release()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class LimitedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    header_timeout = 20.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = True
        self._head_size = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Only what is still unfinished counts: a head that came whole is small enough to be in memory once.
        if self._in_head and not self.transport.is_closing():
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._end_with(
                    431, FailureKind.BODY_TOO_LARGE, f"The request's headers are larger than {HEAD_LIMIT:,} bytes."
                )

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        if self._head_timer is None:
            self._arm()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_size = 0
        self._disarm()
        super().on_headers_complete()
        if self._becomes_websocket():
            return
        self.cycle.transport = HeldHead(self.transport, self.loop)  # type: ignore[assignment]
        self.cycle.body = Pieces()  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if self._becomes_websocket() or cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > BODY_PIECE:
            self.flow.pause_reading()
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        self._end_with(400, FailureKind.BAD_REQUEST, "This is not a valid HTTP request.")

    def _becomes_websocket(self) -> bool:
        """Another protocol takes the connection over: there is nothing to answer here."""
        return bool(self.parser.should_upgrade()) and self._should_upgrade()

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(self.header_timeout, self._head_is_late)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            return
        if self._head_size == 0:
            self.transport.close()  # a connection opened in advance and never used: nothing to answer
            return
        self._end_with(
            408,
            FailureKind.REQUEST_TIMEOUT,
            f"The request's head was not complete after {self.header_timeout:g} seconds.",
        )

    def _end_with(self, status: int, kind: FailureKind, message: str) -> None:
        """Answers a request that never became one, and closes. With an answer under way it can only close."""
        if self.cycle is None or self.cycle.response_complete:
            answer = to_anthropic(Failure(kind=kind, message=message), new_request_id(), time.time())
            fields = {**answer.headers, "content-length": str(len(answer.body)), "connection": "close"}
            head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields.items())
            self.transport.write(STATUS_LINE[status] + head + b"\r\n" + answer.body)
        self.transport.close()
