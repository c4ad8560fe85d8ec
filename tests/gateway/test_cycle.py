"""What one request and its answer look like on the connection: as with uvicorn's own class, in fewer pieces."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, cast

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from turnout.gateway.cycle import Cycle
from turnout.gateway.exchange import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from turnout.gateway.exchange import Connection, Message, Receive, Scope, Send

    App = Callable[[Scope, Receive, Send], Awaitable[None]]

DATE = [(b"date", b"Fri, 20 Nov 2026 16:00:00 GMT")]
PLAIN = [(b"content-type", b"text/plain")]


class Wire:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False
        self.paused = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def _scope(method: str = "POST") -> dict[str, Any]:
    return {"type": "http", "method": method}


def _cycle(wire: Wire, *, method: str = "POST", keep_alive: bool = True, wants_continue: bool = False) -> Cycle:
    transport = cast("asyncio.Transport", wire)
    return Cycle(
        _scope(method),
        transport,
        FlowControl(transport),
        default_headers=DATE,
        wants_continue=wants_continue,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


def _uvicorns(wire: Wire, *, method: str, keep_alive: bool) -> RequestResponseCycle:
    transport, logger = cast("asyncio.Transport", wire), logging.getLogger("test")
    return RequestResponseCycle(
        cast("Any", _scope(method)),
        transport,
        FlowControl(transport),
        logger,
        logger,
        False,
        DATE,
        asyncio.Event(),
        False,
        keep_alive,
        lambda: None,
    )


def _start(status: int, *fields: tuple[bytes, bytes]) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(fields)}


def _body(data: bytes = b"", *, more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


LENGTH_5 = (b"content-length", b"5")
CLOSE = (b"connection", b"close")
ANSWERS: dict[str, tuple[str, list[Message]]] = {
    "a stream": ("POST", [_start(200, *PLAIN), _body(b"one", more=True), _body(b"two", more=True), _body()]),
    "a stream in one piece": ("POST", [_start(200, *PLAIN), _body(b"one")]),
    "an empty stream": ("POST", [_start(200), _body(b"", more=True), _body()]),
    "a body of known length": ("GET", [_start(200, LENGTH_5), _body(b"hello")]),
    "in pieces": ("GET", [_start(200, LENGTH_5), _body(b"he", more=True), _body(b"llo", more=True), _body()]),
    "no body": ("GET", [_start(200, (b"content-length", b"0")), _body()]),
    "the last of its connection": ("POST", [_start(413, LENGTH_5, CLOSE), _body(b"hello")]),
    "for HEAD": ("HEAD", [_start(200, LENGTH_5), _body(b"hello")]),
    "for HEAD, of unknown length": ("HEAD", [_start(200), _body(b"hello")]),
    "without content": ("DELETE", [_start(204), _body()]),
    "not modified": ("GET", [_start(304), _body()]),
    "a status without a name": ("GET", [_start(599, LENGTH_5), _body(b"hello")]),
}


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize("name", ANSWERS)
def test_the_bytes_are_those_of_uvicorn(name: str, keep_alive: bool) -> None:
    method, messages = ANSWERS[name]
    ours, theirs = Wire(), Wire()

    async def answer() -> None:
        cycle, uvicorns = (
            _cycle(ours, method=method, keep_alive=keep_alive),
            _uvicorns(theirs, method=method, keep_alive=keep_alive),
        )
        for message in messages:
            await cycle.send(message)
            await uvicorns.send(cast("Any", message))
        assert cycle.response_complete

    asyncio.run(answer())
    assert b"".join(ours.writes) == b"".join(theirs.writes)
    assert ours.closed == theirs.closed
    assert len(ours.writes) <= sum(message["type"] == "http.response.body" for message in messages)


def test_the_head_waits_for_the_first_of_the_body() -> None:
    wire = Wire()

    async def answer() -> None:
        cycle = _cycle(wire)
        await cycle.send(_start(200))
        assert wire.writes == []
        await cycle.send(_body(more=True))  # nothing yet, but the head is wanted
        assert wire.writes[0].endswith(b"transfer-encoding: chunked\r\n\r\n")

    asyncio.run(answer())


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\x00"])
def test_a_header_cannot_bring_another_one(value: bytes) -> None:
    wire = Wire()

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send(_start(200, (b"x-said", value)))

    asyncio.run(_cycle(wire).run_asgi(cast("Any", answer)))
    assert wire.writes[0].startswith(b"HTTP/1.1 500 ")
    assert b"x-said" not in wire.writes[0]


@pytest.mark.parametrize("pieces", [(b"hell",), (b"hello", b"!")])
def test_a_body_of_another_length_than_announced_is_no_answer(pieces: tuple[bytes, ...]) -> None:
    async def answer() -> None:
        cycle = _cycle(Wire())
        await cycle.send(_start(200, LENGTH_5))
        for piece in pieces[:-1]:
            await cycle.send(_body(piece, more=True))
        await cycle.send(_body(pieces[-1]))

    with pytest.raises(RuntimeError, match="length"):
        asyncio.run(answer())


@pytest.mark.parametrize("messages", [[_body()], [_start(200), _start(200)], [_start(200), _body(), _body()]])
def test_messages_in_the_wrong_order(messages: list[Message]) -> None:
    async def answer() -> None:
        cycle = _cycle(Wire())
        for message in messages:
            await cycle.send(message)

    with pytest.raises(RuntimeError, match="next"):
        asyncio.run(answer())


class TestAnApplicationThatFails:
    def test_before_its_answer_is_a_500(self) -> None:
        wire = Wire()

        async def fails(_: Scope, __: Receive, ___: Send) -> None:
            raise ValueError

        asyncio.run(_cycle(wire).run_asgi(cast("Any", fails)))
        assert wire.writes[0].startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
        assert wire.closed

    def test_that_says_nothing_is_a_500_too(self) -> None:
        wire = Wire()

        async def says_nothing(_: Scope, __: Receive, ___: Send) -> None:
            pass

        asyncio.run(_cycle(wire).run_asgi(cast("Any", says_nothing)))
        assert wire.writes[0].startswith(b"HTTP/1.1 500 ")

    @pytest.mark.parametrize("raises", [True, False])
    def test_in_its_answer_breaks_the_connection(self, raises: bool) -> None:
        wire = Wire()

        async def breaks_off(_: Scope, __: Receive, send: Send) -> None:
            await send(_start(200))
            await send(_body(b"one", more=True))
            if raises:
                raise ValueError

        asyncio.run(_cycle(wire).run_asgi(cast("Any", breaks_off)))
        assert wire.closed
        assert not b"".join(wire.writes).endswith(b"0\r\n\r\n")


class TestBeyondAsgi:
    """The extension `turnout.gateway.exchange.Connection`."""

    @staticmethod
    def run(app: Callable[[Connection, Cycle, Receive], Awaitable[None]], wire: Wire | None = None) -> None:
        async def whole() -> None:
            cycle = _cycle(wire or Wire())

            async def runs(scope: Scope, receive: Receive, send: Send) -> None:
                await app(scope["extensions"][CONNECTION], cycle, receive)
                await send(_start(204))
                await send(_body())

            cycle.body.add(b"one ")
            await cycle.run_asgi(cast("Any", runs))

        asyncio.run(whole())

    def test_a_body_that_is_all_there_is_given_at_once_and_once(self) -> None:
        async def app(connection: Connection, cycle: Cycle, receive: Receive) -> None:
            assert connection.whole_body() is None
            cycle.body.add(b"two")
            cycle.more_body = False
            cycle.message_event.set()
            assert connection.whole_body() == b"one two"
            assert cycle.body.size == 0
            cycle.disconnected = True
            cycle.message_event.set()
            assert await receive() == {"type": "http.disconnect"}

        self.run(app)

    def test_pieces_are_received_as_asgi_has_them(self) -> None:
        async def app(connection: Connection, cycle: Cycle, receive: Receive) -> None:
            cycle.message_event.set()
            assert await receive() == {"type": "http.request", "body": b"one ", "more_body": True}
            cycle.body.add(b"two")
            cycle.more_body = False
            cycle.message_event.set()
            assert await receive() == {"type": "http.request", "body": b"two", "more_body": False}

        self.run(app)

    def test_whoever_wants_to_know_is_told_that_the_client_has_left(self) -> None:
        told: list[str] = []

        async def app(connection: Connection, cycle: Cycle, receive: Receive) -> None:
            connection.when_gone(lambda: told.append("first"))
            connection.when_gone(None)
            cycle.left()
            connection.when_gone(lambda: told.append("second"))
            cycle.left()
            cycle.left()

        self.run(app)
        assert told == ["second"]

    def test_and_that_it_had_left_before(self) -> None:
        told: list[str] = []

        async def app(connection: Connection, cycle: Cycle, receive: Receive) -> None:
            cycle.disconnected = True
            connection.when_gone(lambda: told.append("gone"))
            await asyncio.sleep(0)

        self.run(app)
        assert told == ["gone"]

    def test_a_client_is_heard_leaving_though_its_body_was_too_much_to_read_on(self) -> None:
        wire = Wire()

        async def app(connection: Connection, cycle: Cycle, receive: Receive) -> None:
            cycle._flow.pause_reading()
            connection.when_gone(lambda: None)
            assert not wire.paused

        self.run(app, wire)
