"""WebSockets at ``/v1/responses``: each frame ``response.create`` is a request like any other, its events are frames.

Knows frames and the order of things on a connection (codex-backend.md 7), not what requests and events say.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from turnout.gateway.exchange import Exchange
from turnout.gateway.response_store import ConnectionMemory
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.sse import blocks_of, parse
from turnout.translate.openai_errors import to_openai

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from turnout.gateway.exchange import Message, Receive, Scope, Send

LIFE_SECONDS = 3600.0
"""How long a connection lives: as long as at OpenAI (codex-backend.md 7)."""
FRAMES_WAITING = 8
"""Frames that may wait while an answer is given."""
DRAINING = "turnout.draining"
"""The message that tells a connection that its gateway is about to end."""
GOING_AWAY = 1012
"""Close code: the service restarts."""
UPGRADE_REQUIRED = 426
"""Status of a handshake where there are no WebSockets: clients turn to HTTP at once (codex-backend.md 7)."""
OFF = "websockets_off"
POLICY = 1008
UNSUPPORTED = 1003

_CREATE = "response.create"
_WITHOUT_ANSWER = frozenset({"response.processed"})
"""Frames of older clients that want none (codex-backend.md 7)."""
_TOLD = (b"retry-after", b"x-request-id", b"x-should-retry", b"x-codex-")
"""Beginnings of the headers that an error frame repeats."""
_HTTP_ONLY = frozenset(
    {b"connection", b"content-encoding", b"content-length", b"content-type", b"transfer-encoding", b"upgrade"}
)
"""Headers of the handshake that say nothing of a frame."""

_encode = msgspec.json.encode


class _Frame(msgspec.Struct):
    type: str = ""


_decode_frame = msgspec.json.Decoder(_Frame).decode


class SocketExchange(Exchange):
    """One frame of a connection and its answer, as the doors see any request."""

    __slots__ = ("memory",)

    def __init__(self, scope: Scope, body: bytes, memory: ConnectionMemory, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in _HTTP_ONLY]
        headers.append((b"content-length", str(len(body)).encode()))
        super().__init__({**scope, "method": "POST", "headers": headers}, receive, send)
        self.memory = memory


class ResponsesSocket:
    """One connection."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._frames: asyncio.Queue[Message] = asyncio.Queue()
        self._gone = asyncio.Event()
        self._draining = False
        self._memory = ConnectionMemory()

    async def refuse(self, failure: Failure) -> int:
        """Answers the handshake with an HTTP error; its status."""
        answer = to_openai(failure, "", time.time())
        headers = [
            (name.encode(), value.encode("latin-1", "replace")) for name, value in answer.headers.items() if value
        ]
        status = UPGRADE_REQUIRED if failure.code == OFF else answer.status
        start = {"type": "websocket.http.response.start", "status": status, "headers": headers}
        await self._receive()
        await self._send(start)
        await self._send({"type": "websocket.http.response.body", "body": answer.body})
        return status

    async def run(self, serve: Callable[[Exchange], Awaitable[None]]) -> None:
        """Answers frames, one after another, until the client leaves, the connection is too old or the gateway ends."""
        await self._receive()
        await self._send({"type": "websocket.accept"})
        reading = asyncio.get_running_loop().create_task(self._read())
        ends_at = asyncio.get_running_loop().time() + LIFE_SECONDS
        try:
            while not self._gone.is_set() and (frame := await self._next(ends_at)) is not None:
                await self._take(frame, serve)
        finally:
            reading.cancel()

    # Reading

    async def _read(self) -> None:
        """Sorts what comes, also while an answer is given."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._gone.set()
            elif message["type"] == DRAINING:
                self._draining = True
            elif self._frames.qsize() >= FRAMES_WAITING:
                await self._close(POLICY, "one response at a time")
            else:
                self._frames.put_nowait(message)
                continue
            self._frames.put_nowait({})  # wakes whoever waits for a frame
            if self._gone.is_set():
                return

    async def _next(self, ends_at: float) -> Message | None:
        """The next frame; None if the connection is to end."""
        try:
            async with asyncio.timeout_at(ends_at):
                frame = await self._frames.get()
        except TimeoutError:
            limit = "Responses websocket connection limit reached (60 minutes). Create a new websocket connection."
            await self._tell(_error_frame(400, _error("websocket_connection_limit_reached", limit)))
            await self._close(1000, "connection limit reached")
            return None
        if frame:
            return frame
        if self._draining:
            await self._close(GOING_AWAY, "the gateway ends")
        return None

    async def _take(self, message: Message, serve: Callable[[Exchange], Awaitable[None]]) -> None:
        """One frame of the client's."""
        text = message.get("text")
        if text is None:
            await self._close(UNSUPPORTED, "frames are text")
            return
        body = text.encode("utf-8", "surrogatepass")
        try:
            kind = _decode_frame(body).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            await self._tell(_error_frame(400, _error("invalid_json", "The frame is not a JSON object with a type.")))
            return
        if kind == _CREATE:
            await serve(self._exchange(body))
        elif kind not in _WITHOUT_ANSWER:
            said = f"type: {kind[:80]!r} is not known here; expected {_CREATE}."
            await self._tell(_error_frame(400, _error("unknown_frame", said, "type")))

    def _exchange(self, body: bytes) -> SocketExchange:
        """The frame as a request: its body is there at once, and then the client is listened to."""
        waiting = [body]

        async def receive() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.pop(), "more_body": False}
            await self._gone.wait()
            return {"type": "http.disconnect"}

        return SocketExchange(self._scope, body, self._memory, receive, _Teller(self._tell))

    # Telling

    async def _tell(self, frame: bytes) -> None:
        if not self._gone.is_set():
            try:
                await self._send({"type": "websocket.send", "text": frame.decode()})
            except OSError:
                self._gone.set()

    async def _close(self, code: int, reason: str) -> None:
        if not self._gone.is_set():
            self._gone.set()
            self._frames.put_nowait({})
            with contextlib.suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})


class _Teller:
    """Takes an HTTP answer as a door gives it, and makes frames of it."""

    def __init__(self, tell: Callable[[bytes], Awaitable[None]]) -> None:
        self._tell = tell
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._refusal = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], message["headers"]
        elif self._status == 200:
            for block in blocks_of(message["body"]):
                _, data = parse(block)
                if data:  # a comment keeps HTTP connections alive; this one has pings
                    await self._tell(data)
        else:
            self._refusal += message["body"]
            if not message.get("more_body", False):
                error = msgspec.json.decode(self._refusal, type=dict[str, Raw])["error"]
                told = {
                    name.decode(): value.decode("latin-1") for name, value in self._headers if name.startswith(_TOLD)
                }
                await self._tell(_error_frame(self._status, error, told))


def _error(code: str, message: str, param: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": "invalid_request_error", "param": param, "code": code}


def _error_frame(status: int, error: dict[str, Any] | Raw, headers: dict[str, str] | None = None) -> bytes:
    return _encode({"type": "error", "status": status, "error": error, "headers": headers or {}})


def not_here() -> Failure:
    """The failure where WebSockets are off."""
    return Failure(
        kind=FailureKind.BAD_REQUEST,
        message="WebSockets are off here.",
        code=OFF,
        next_step="Send the request by HTTP, or turn them on (TURNOUT_RESPONSES_WEBSOCKET=1).",
    )
