"""Reads a request and plays the steps of an answer on its connection: writes, waits, cuts, and sees the client leave.

The only module that holds a connection. It uses plain ASGI, plus the transport that server.py puts into the scope.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Literal, TypeVar

from starlette.types import Message, Receive, Scope, Send

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.state import State
from turnout.simulator.steps import Emit, End, Pause, Stall, Step
from turnout.simulator.wire import Framer

TRANSPORT = "turnout.transport"
"""The key of the scope's state under which the connection's asyncio transport is found."""

KEEPALIVE: JsonObject = {"type": "keepalive"}

_Told = TypeVar("_Told")


class Gone(Exception):
    """The client has closed the connection, or the simulator is stopping."""


class Connection:
    """One request's connection, from the complete body on."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: RecordedRequest) -> None:
        self._transport: asyncio.Transport = scope["state"][TRANSPORT]
        self._receive = receive
        self._send = send
        self._record = record
        self._opened = False
        self._gone = asyncio.Event()
        self._watch = asyncio.create_task(self._watch_for_disconnect())

    def leave(self) -> None:
        """Stop at the next wait: the simulator is shutting down."""
        self._gone.set()

    def release(self) -> None:
        """Stop watching; the answer is over."""
        self._watch.cancel()

    async def pause(self, seconds: float) -> None:
        """Wait; raises Gone as soon as the client goes away."""
        if seconds <= 0:
            return
        try:
            await asyncio.wait_for(self._gone.wait(), seconds)
        except TimeoutError:
            return
        raise Gone

    async def open(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """Send status and headers."""
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await self._write({"type": "http.response.start", "status": status, "headers": raw})
        self._record.status = status
        self._opened = True

    async def write(self, piece: bytes) -> None:
        if self._record.first_byte_at is None:
            self._record.first_byte_at = time.monotonic()
        await self._write({"type": "http.response.body", "body": piece, "more_body": True})

    async def write_pieces(self, pieces: Iterable[bytes]) -> None:
        """Write them one by one; after each the loop gets a turn, so that a client's disconnect is seen."""
        for piece in pieces:
            await self.write(piece)
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """End the body properly."""
        self._record.finished_at = time.monotonic()
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def cut(self, how: Literal["close", "reset"]) -> None:
        """Close the connection in the middle of the answer, and wait until it is closed."""
        self._record.finished_at = time.monotonic()
        if how == "reset":
            connection = self._transport.get_extra_info("socket")
            # On and zero seconds: the close sends RST. Windows packs the two numbers as shorts.
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self._transport.abort()
        else:
            self._transport.close()
        await self._watch

    async def abandon(self) -> None:
        """After Gone: note when the client left, or cut it off if the simulator is stopping."""
        if self._watch.done():
            self._record.disconnected_at = time.monotonic()
        else:
            self._transport.abort()
            await self._watch

    async def end(self, how: Literal["eof", "close", "reset"]) -> None:
        """End the answer before it is complete."""
        if how == "eof" and self._opened:
            await self.finish()
        else:
            # Without a status line even a proper end of the body is a cut.
            await self.cut("reset" if how == "reset" else "close")

    async def stall(self) -> None:
        """Keep silent until the client goes away."""
        await self._gone.wait()
        raise Gone

    async def _write(self, message: Message) -> None:
        if self._gone.is_set():
            raise Gone
        await self._send(message)

    async def _watch_for_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone.set()


@asynccontextmanager
async def connected(scope: Scope, receive: Receive, send: Send, record: RecordedRequest) -> AsyncIterator[Connection]:
    """A request's connection while it is answered. The answer ends where the client goes away, or the simulator."""
    connection = Connection(scope, receive, send, record)
    all_of_them = scope["app"].state.connections
    all_of_them.add(connection)
    try:
        yield connection
    except Gone:
        await connection.abandon()
    finally:
        all_of_them.discard(connection)
        connection.release()


def begin(state: State, scope: Scope) -> RecordedRequest:
    """The record of a request that has just come."""
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return state.recorder.begin(scope["method"], scope["path"], scope["query_string"].decode(), headers)


async def read_body(receive: Receive) -> bytes:
    """The whole body, as it came."""
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


async def play(
    steps: Iterable[_Told | Pause | Stall | End],
    connection: Connection,
    tell: Callable[[_Told], Awaitable[None]],
    keepalive: float = 0.0,
    keep_alive: Callable[[], Awaitable[None]] | None = None,
) -> bool:
    """Do what the steps say; `tell` is for those that say something. Whether the answer came to its end. Raises Gone.

    `keep_alive` is called every `keepalive` seconds of a pause; never if that is 0.
    """
    for step in steps:
        match step:
            case Pause(seconds, silent):
                left = seconds
                while keep_alive and not silent and 0 < keepalive < left:
                    await connection.pause(keepalive)
                    left -= keepalive
                    await keep_alive()
                await connection.pause(left)
            case Stall():
                await connection.stall()
            case End(how):
                await connection.end(how)
                return False
            case _:
                await tell(step)
    return True


async def play_events(steps: Iterable[Step], connection: Connection, framer: Framer, keepalive: float) -> None:
    """Send the steps as server-sent events, and end the body. `keepalive` in seconds, 0 for none. Raises Gone."""

    async def tell(emit: Emit) -> None:
        await connection.write_pieces(framer.pieces(framer.frame(emit.event)))

    if await play(steps, connection, tell, keepalive, lambda: tell(Emit(KEEPALIVE))):
        await connection.finish()
