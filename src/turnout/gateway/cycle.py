"""One request on a client's connection and the answer to it, as ASGI has them. In place of uvicorn's own class: the
head of an answer goes out together with the first of its body, and what has come already need not be waited for.

Knows bytes, events and states of a connection, nothing of what they say.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from turnout.gateway.exchange import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGI3Application
    from uvicorn.protocols.http.flow_control import FlowControl

    from turnout.gateway.exchange import Message

WITHOUT_BODY = (204, 304)
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
FAILED = b"Internal Server Error"

_log = logging.getLogger("uvicorn.error")


class Pieces:
    """What has come of a body. It is joined once, if at all."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def add(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self.size += len(piece)

    def take(self) -> bytes:
        """All of it, which is let go of."""
        pieces, self._pieces, self.size = self._pieces, [], 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class Cycle:
    """A request and its answer. uvicorn's protocol knows some of its attributes; see `turnout.gateway.http1`."""

    __slots__ = (
        "_chunked",
        "_default_headers",
        "_flow",
        "_gone",
        "_head",
        "_on_response",
        "_room",
        "_scope",
        "_transport",
        "_wants_continue",
        "_without_body",
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
        "response_started",
    )

    def __init__(
        self,
        scope: dict[str, Any],
        transport: asyncio.Transport,
        flow: FlowControl,
        *,
        default_headers: list[tuple[bytes, bytes]],
        wants_continue: bool,
        keep_alive: bool,
        on_response: Callable[[], None],
    ) -> None:
        """``wants_continue``: the client waits for ``100 Continue``. ``on_response`` is called once the answer is out.

        ``keep_alive``: the connection may be used again after it.
        """
        self._scope = scope
        self._transport = transport
        self._flow = flow
        self._default_headers = default_headers
        self._wants_continue = wants_continue
        self._on_response = on_response
        self.keep_alive = keep_alive
        self.message_event = asyncio.Event()
        """There is something new to `receive`."""
        self.body = Pieces()
        """What has come and was not taken."""
        self.more_body = True
        self.disconnected = False
        self.response_started = False
        self.response_complete = False
        self._gone: Callable[[], None] | None = None
        self._head = b""
        """The answer's head, until it can go out with the first of its body."""
        self._chunked = False
        self._room = 0
        """Bytes that the body may yet have, if its length was announced."""
        self._without_body = scope["method"] == "HEAD"
        scope["extensions"] = {CONNECTION: self}

    async def run_asgi(self, app: ASGI3Application) -> None:
        """Has the application answer. Whatever it does not get done ends the connection."""
        try:
            await app(self._scope, self.receive, self.send)  # type: ignore[arg-type]
        except BaseException:  # noqa: BLE001 (nobody above could do more)
            _log.exception("Exception in ASGI application")
            if self.response_started:
                self._transport.close()
        finally:
            self._scope = {}  # it leads back here
            self._gone = None
        if self.disconnected or self.response_complete:
            return
        if self.response_started:
            self._transport.close()
            return
        fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(FAILED)), (b"connection", b"close")]
        await self.send({"type": "http.response.start", "status": 500, "headers": fields})
        await self.send({"type": "http.response.body", "body": FAILED})

    # The request

    async def receive(self) -> Message:
        """ASGI's ``receive``."""
        if self._wants_continue and not self._transport.is_closing():
            self._transport.write(CONTINUE)
            self._wants_continue = False
        if not self.disconnected and not self.response_complete:
            self._flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
        if self.disconnected or self.response_complete:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": self.body.take(), "more_body": self.more_body}

    def whole_body(self) -> bytes | None:
        """See `turnout.gateway.exchange.Connection`."""
        if self.more_body or self.disconnected:
            return None
        self.message_event.clear()
        return self.body.take()

    def when_gone(self, callback: Callable[[], None] | None) -> None:
        """See `turnout.gateway.exchange.Connection`."""
        self._gone = callback
        if callback is not None:
            self._flow.resume_reading()
            if self.disconnected:
                asyncio.get_running_loop().call_soon(self.left)

    def left(self) -> None:
        """The client has closed its connection."""
        callback, self._gone = self._gone, None
        if callback is not None:
            callback()

    # The answer

    async def send(self, message: Message) -> None:
        """ASGI's ``send``. Waits while the client is not reading."""
        if self._flow.write_paused and not self.disconnected:
            await self._flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._begin(message["status"], [*self._default_headers, *message.get("headers", ())])
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._go_on(message.get("body", b""), last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"{kind} is not what comes next in the answer")

    def _begin(self, status: int, fields: list[tuple[bytes, bytes]]) -> None:
        """Makes the head. It is kept until there is something of the body, as ASGI wants it."""
        lines = [b"%b: %b" % field for field in fields]
        named = dict(fields)
        if named.get(b"connection") == b"close":
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close")
        self._without_body = self._without_body or status in WITHOUT_BODY
        length = named.get(b"content-length")
        if length is not None:
            self._room = 0 if self._without_body else int(length)
        elif not self._without_body:
            self._chunked = True
            lines.append(b"transfer-encoding: chunked")
        head = b"\r\n".join(lines)
        ends = max(0, len(lines) - 1)
        if head.count(b"\n") > ends or head.count(b"\r") > ends or b"\0" in head:
            # What an upstream says must not become a header of its own (RFC 9110 5.5).
            raise RuntimeError("a header of the answer has a line end in it")
        self._wants_continue = False
        self.response_started = True
        self._head = b"%b%b\r\n\r\n" % (STATUS_LINE[status], head)

    def _go_on(self, body: bytes, *, last: bool) -> None:
        head, self._head = self._head, b""
        if self._without_body:
            body = b""
        if self._chunked:
            chunk = (b"%x\r\n" % len(body), body, b"\r\n") if body else ()
            data = b"".join((head, *chunk, LAST_CHUNK if last else b""))
        else:
            self._room -= len(body)
            if self._room < 0 or (last and self._room):
                raise RuntimeError("The answer's body has not the length that was announced.")
            data = head + body if head else body
        if data:
            self._transport.write(data)
        if last:
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self._transport.close()
            self._on_response()
