"""Upstreams that do to the gateway what no simulator of a well-made server would: each connection is a test's own."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(kind: str, **fields: object) -> bytes:
    """One event of a Responses stream."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


CREATED = event("response.created", response={"id": "resp_1", "status": "in_progress"})
IN_PROGRESS = event("response.in_progress", response={"id": "resp_1", "status": "in_progress"})
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "content": []}
BEGIN_TEXT = CREATED + event("response.output_item.added", output_index=0, item=MESSAGE)


def delta(text: str) -> bytes:
    return event("response.output_text.delta", output_index=0, content_index=0, item_id="msg_1", delta=text)


def completed(text: str) -> bytes:
    """The end of an answer of one text."""
    item = {**MESSAGE, "content": [{"type": "output_text", "text": text}]}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    return event("response.output_item.done", output_index=0, item=item) + event(
        "response.completed", response={"id": "resp_1", "status": "completed", "output": [], "usage": usage}
    )


class Connection:
    """The gateway's connection to the upstream, as the upstream sees it."""

    def __init__(self, accepted: socket.socket) -> None:
        self.socket = accepted
        self.closed_at: float | None = None

    def read_request(self) -> bytes:
        """The body of the next request; ``b""`` when the gateway has closed the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(body) < length:
            body += self.socket.recv(1 << 20)
        return body

    def write(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, text: str) -> None:
        """A complete answer of one text."""
        self.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta(text) + completed(text)) + b"0\r\n\r\n")

    def wait_closed(self, timeout: float = 10) -> float:
        """Waits until the gateway closes the connection; the time at which it did (`time.monotonic`)."""
        self.socket.settimeout(timeout)
        with contextlib.suppress(ConnectionResetError):
            while self.socket.recv(65536):
                pass
        self.closed_at = time.monotonic()
        return self.closed_at


class ScriptedUpstream:
    """Listens on loopback; runs ``script`` in a thread for each connection."""

    def __init__(self, script: Callable[[Connection], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.connections: list[Connection] = []
        self.bodies: list[int] = []
        self.errors: list[BaseException] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/responses"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for connection in self.connections:
            connection.socket.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(accepted)
            self.connections.append(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):  # the gateway, or the end of the test, closed the connection
            self._script(connection)
