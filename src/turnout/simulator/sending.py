"""Plays the steps of an answer on one HTTP connection: writes, waits, keeps alive, cuts, and sees the client leave.

The only module that holds a connection. It uses plain ASGI, plus the transport that server.py puts into the scope.
"""

import asyncio
import socket
import struct
import sys
import time
from collections.abc import Iterable
from typing import Literal

from starlette.types import Message, Receive, Scope, Send

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.recorder import RecordedRequest
from turnout.simulator.steps import Emit, End, Pause, Stall, Step
from turnout.simulator.wire import Framer

TRANSPORT = "turnout.transport"
"""The key of the scope's state under which the connection's asyncio transport is found."""

KEEPALIVE: JsonObject = {"type": "keepalive"}


class Gone(Exception):
    """The client has closed the connection, or the simulator is stopping."""


class Connection:
    """One request's connection, from the complete body on."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, record: RecordedRequest) -> None:
        self._transport: asyncio.Transport = scope["state"][TRANSPORT]
        self._receive = receive
        self._send = send
        self._record = record
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

    async def write(self, piece: bytes) -> None:
        if self._record.first_byte_at is None:
            self._record.first_byte_at = time.monotonic()
        await self._write({"type": "http.response.body", "body": piece, "more_body": True})

    async def turn(self) -> None:
        """Give the loop a turn, so that pieces leave one by one and a client's disconnect is seen."""
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
        if how == "eof":
            await self.finish()
        else:
            await self.cut(how)

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


async def play(steps: Iterable[Step], connection: Connection, framer: Framer, keepalive: float) -> None:
    """Send the steps as server-sent events, and end the body. `keepalive` in seconds, 0 for none. Raises Gone."""
    for step in steps:
        match step:
            case Emit(event):
                await _emit(event, connection, framer)
            case Pause(seconds, silent):
                left = seconds
                while not silent and keepalive and left > keepalive:
                    await connection.pause(keepalive)
                    left -= keepalive
                    await _emit(KEEPALIVE, connection, framer)
                await connection.pause(left)
            case Stall():
                await connection.stall()
            case End(how):
                await connection.end(how)
                return
    await connection.finish()


async def _emit(event: JsonObject, connection: Connection, framer: Framer) -> None:
    for piece in framer.pieces(framer.frame(event)):
        await connection.write(piece)
        await connection.turn()
