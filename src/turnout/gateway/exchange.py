"""One HTTP exchange with a client: the only module that speaks ASGI. Knows nothing of what the bytes mean."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from turnout.gateway.encoding import decoded
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from turnout.gateway.response_store import ConnectionMemory
    from turnout.gateway.tap import Tap

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CONNECTION = "turnout.connection"
"""The ASGI extension with the request's `Connection`, where there is one: where the gateway's own server runs it."""

LINGER_SECONDS = 2.0
"""How long the rest of a refused body is read and thrown away. Closing at once would reset the connection, and the
client would see that in place of the answer."""


_RUN = secrets.token_hex(8)
_numbers = itertools.count()


def new_request_id() -> str:
    """An id that no other request has, of this process or another one: ``req_`` and 24 hexadecimal digits."""
    return f"req_{_RUN}{next(_numbers):08x}"


class ClientGone(Exception):
    """The client closed its connection."""


class Connection(Protocol):
    """What the gateway's own server tells beyond ASGI, so that what has happened already need not be waited for, and
    what hardly ever happens not in a task of its own."""

    def whole_body(self) -> bytes | None:
        """The request's body, if all of it has come; ASGI's ``receive`` has nothing of it then."""
        ...

    def when_gone(self, callback: Callable[[], None] | None) -> None:
        """Has ``callback`` called when the client closes its connection before it has the whole answer. None: no
        more."""
        ...


class Exchange:
    """A request and the answer to it."""

    tap: Tap | None = None
    """Listens to it, where a trace is recorded (`turnout.gateway.tap`)."""
    memory: ConnectionMemory | None = None
    """What its connection remembers, if that is a WebSocket (`turnout.gateway.responses_socket`)."""

    __slots__ = (
        "_body_over",
        "_connection",
        "_leaving",
        "_receive",
        "_send",
        "also",
        "arrived",
        "headers",
        "listening",
        "method",
        "passed",
        "path",
        "query",
        "request_id",
        "size",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.arrived = time.perf_counter()
        self.request_id = new_request_id()
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        """Header names in lower case; of a repeated header the last one."""
        server = scope.get("server")
        self.listening: str = server[0] if server else ""
        """Local address that the connection came in on."""
        self.size = 0
        """Bytes of the request's body, decompressed, once it has been read."""
        self.status = 0
        """Status of the answer, 0 until it has begun."""
        self.also: Iterable[tuple[bytes, bytes]] = ()
        """Headers that the answer gets whatever becomes of it."""
        self.passed: Iterable[tuple[bytes, bytes]] = ()
        """Headers of upstream's answer that go on to the client."""
        self._receive = receive
        self._send = send
        self._connection: Connection | None = scope["extensions"].get(CONNECTION) if "extensions" in scope else None
        self._leaving: asyncio.Task[None] | None = None
        self._body_over = b"content-length" not in self.headers and b"transfer-encoding" not in self.headers

    def header(self, name: bytes) -> str:
        """A header's value as text, empty if it was not sent."""
        value = self.headers.get(name)
        return value.decode("latin-1") if value else ""

    async def body(self, limit: int, seconds: float) -> bytes:
        """The whole request body, decompressed. ``limit`` is in bytes, before and after.

        Raises `ClientGone`, or `TurnoutError`: `BODY_TOO_LARGE`, `REQUEST_TIMEOUT`, `BAD_REQUEST`.
        """
        announced = self.headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced) > limit:
            raise too_large(limit)
        body = self._connection.whole_body() if self._connection is not None else None
        if body is None:
            body = await self._body_in_time(limit, seconds)
        elif len(body) > limit:
            raise too_large(limit)
        self._body_over = True
        encoding = self.headers.get(b"content-encoding")
        if encoding is not None:
            body = decoded(body, encoding.decode("latin-1"), limit)
        self.size = len(body)
        return body

    async def _body_in_time(self, limit: int, seconds: float) -> bytes:
        try:
            async with asyncio.timeout(seconds):
                return await self._body_as_it_comes(limit)
        except TimeoutError:
            raise fail(
                FailureKind.REQUEST_TIMEOUT,
                f"The request's body was not complete after {seconds:g} seconds.",
                "Raise TURNOUT_BODY_TIMEOUT if the connection is that slow.",
            ) from None

    async def _body_as_it_comes(self, limit: int) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while not self._body_over:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            pieces.append(message.get("body", b""))
            size += len(pieces[-1])
            if size > limit:
                raise too_large(limit)
            self._body_over = not message.get("more_body", False)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def when_gone(self, callback: Callable[[], None] | None) -> None:
        """Has ``callback`` called when the client closes its connection before it has the whole answer. None: no more.

        To be called once the body has been read.
        """
        if self._connection is not None:
            self._connection.when_gone(callback)
            return
        if self._leaving is not None:
            self._leaving.cancel()
            self._leaving = None
        if callback is not None:
            self._leaving = asyncio.get_running_loop().create_task(self._gone(callback))

    async def _gone(self, callback: Callable[[], None]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        callback()

    async def begin(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Sends the head of the answer; every one has the request's id, where either family of clients looks for it."""
        self.status = status
        headers += self.also
        headers += self.passed
        request_id = self.request_id.encode()
        headers += ((b"request-id", request_id), (b"x-request-id", request_id))
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Sends a piece of the answer's body; waits while the client is not reading."""
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Sends a complete answer. If the request's body was not read, the connection ends with it."""
        fields = [
            (name.encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in headers.items()
            if name not in ("request-id", "x-request-id")
        ]
        fields.append((b"content-length", str(len(body)).encode()))
        if not self._body_over:
            fields.append((b"connection", b"close"))
        await self.begin(status, fields)
        await self.write(body, last=self._body_over)
        if not self._body_over:
            await self._throw_away_body()
            await self.write(b"", last=True)

    async def _throw_away_body(self) -> None:
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._body_over:
                    message = await self._receive()
                    self._body_over = message["type"] != "http.request" or not message.get("more_body", False)
        except TimeoutError:
            self._body_over = True


def too_large(limit: int) -> Exception:
    """The error for a body of more than ``limit`` bytes."""
    size = f"{limit / 1024**2:g} MiB" if limit >= 1024**2 else f"{limit:,} bytes"
    return fail(
        FailureKind.BODY_TOO_LARGE,
        f"The request's body is larger than {size} ({limit:,} bytes), the most that this gateway takes.",
        "Shorten the conversation, or raise TURNOUT_BODY_LIMIT.",
    )
