"""uvicorn's HTTP/1.1 protocol with what it lacks: a time limit for a request's head, a limit for its size, and bodies
in few large pieces. Knows connections, no requests' meaning."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from turnout.gateway.cycle import Cycle
from turnout.gateway.deadline import Deadline
from turnout.gateway.exchange import new_request_id
from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.errors import to_anthropic

if TYPE_CHECKING:
    import asyncio

    from uvicorn._types import HTTPScope

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


class LimitedProtocol(HttpToolsProtocol):
    """One connection of a client."""

    header_timeout = 20.0
    cycle: Cycle  # type: ignore[assignment]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._in_head = True
        self._head_size = 0
        self._upgrades = False
        """Another protocol takes the connection over: there is nothing to answer here."""
        self._waiting: deque[Cycle] = deque()
        """Requests whose turn comes when those before them have their answers."""
        self._deadline = Deadline(self.loop, self._time_is_up)
        self._deadline.set_in(self.header_timeout)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.close()
        super().connection_lost(exc)
        if self.cycle is not None and self.cycle.disconnected:
            self.cycle.left()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._wait_for_head(len(data))

    def _wait_for_head(self, size: int) -> None:
        """Only a head that is still unfinished counts: one that came whole is small enough to be in memory once."""
        if self._head_size == 0:
            self._deadline.set_in(self.header_timeout)
        self._head_size += size
        if self._head_size > HEAD_LIMIT:
            self._end_with(
                431, FailureKind.BODY_TOO_LARGE, f"The request's headers are larger than {HEAD_LIMIT:,} bytes."
            )

    def on_message_begin(self) -> None:
        self._in_head = True
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_size = 0
        self._deadline.lift()
        parser, target = self.parser, httptools.parse_url(self.url)
        version, path = parser.get_http_version(), target.path.decode("ascii")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": parser.get_method().decode("ascii"),
            "root_path": self.root_path,
            "path": unquote(path) if "%" in path else path,
            "raw_path": target.path,
            "query_string": target.query or b"",
            "headers": self.headers,
            "state": self.app_state.copy(),
        }
        self.scope = cast("HTTPScope", scope)
        self._upgrades = parser.should_upgrade() and self._should_upgrade()
        if self._upgrades:
            return
        before = self.cycle
        self.cycle = Cycle(
            scope,
            self.transport,
            self.flow,
            default_headers=self.server_state.default_headers,
            wants_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start(self.cycle)
        else:  # the client has not waited for the answer before
            self.flow.pause_reading()
            self._waiting.append(self.cycle)

    def _start(self, cycle: Cycle) -> None:
        task = self.loop.create_task(cycle.run_asgi(self.app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if self._upgrades or cycle.response_complete:
            return
        cycle.body.add(body)
        if cycle.body.size > BODY_PIECE:
            self.flow.pause_reading()
            cycle.message_event.set()

    def on_message_complete(self) -> None:
        cycle = self.cycle
        if self._upgrades or cycle.response_complete:
            return
        cycle.more_body = False
        cycle.message_event.set()

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self._waiting:
            self._start(self._waiting.popleft())
        elif not self._in_head:
            self._deadline.set_in(self.timeout_keep_alive)

    def send_400_response(self, msg: str) -> None:
        self._end_with(400, FailureKind.BAD_REQUEST, "This is not a valid HTTP request.")

    def _time_is_up(self) -> None:
        if self.transport.is_closing() or (self.cycle is not None and not self.cycle.response_complete):
            return
        if self._head_size == 0:
            self.transport.close()  # opened in advance and never used, or not used again: nothing to answer
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
