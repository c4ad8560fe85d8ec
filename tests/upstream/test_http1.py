"""One connection, byte by byte: what h11 writes is read as h11 would read it, however it arrives."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.upstream.http1 import HEAD_LIMIT, WRITE_PIECE, Disconnected, Http1Connection, NotHttp

HEAD = b"POST /responses HTTP/1.1\r\nHost: upstream\r\nContent-Length: 2\r\n\r\n"


class Transport:
    """What the connection does to the network."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = self.aborted = False
        self.reading = True
        self.unsent = 0

    def write(self, data: bytes) -> None:
        self.written.append(bytes(data))

    def writelines(self, pieces: list[bytes]) -> None:
        self.written += [bytes(piece) for piece in pieces]

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = self.aborted = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent


class End:
    """A connection, and the other end of it."""

    def __init__(self) -> None:
        self.transport = Transport()
        self.lost: list[Exception | None] = []
        wire: Any = self.transport
        self.connection = Http1Connection(wire, on_lost=self.lost.append)

    async def ask(self, *pieces: bytes, end: bool = False) -> None:
        """Sends a request that is answered with these pieces, and the connection's ``end``."""
        asking = asyncio.ensure_future(self.connection.ask(HEAD, b"{}"))
        await asyncio.sleep(0)
        for piece in pieces:
            self.connection.data_received(piece)
        if end:
            self.end()
        await asking

    def end(self, reason: Exception | None = None) -> None:
        if reason is None:
            self.connection.eof_received()
        self.connection.connection_lost(reason)

    async def body(self) -> bytes:
        data = b""
        while piece := await self.connection.read():
            data += piece
        return data


def answer(*chunks: bytes, interim: int = 0, length: bool, close: bool, trailer: bool) -> bytes:
    """An answer as h11's server writes it."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(HEAD + b"{}")
    while not isinstance(server.next_event(), h11.EndOfMessage):
        pass
    written = b""
    for _ in range(interim):
        written += server.send(h11.InformationalResponse(status_code=103, headers=[("link", "</a>")])) or b""
    fields = [("Content-Type", "text/event-stream"), ("X-Twice", "a"), ("x-twice", "b")]
    size = sum(len(chunk) for chunk in chunks)
    fields.append(("content-length", str(size)) if length else ("transfer-encoding", "chunked"))
    if close:
        fields.append(("connection", "close"))
    written += server.send(h11.Response(status_code=200, headers=fields)) or b""
    for chunk in chunks:
        written += server.send(h11.Data(data=chunk)) or b""
    trailers = [("x-late", "1")] if trailer and not length else []
    return written + (server.send(h11.EndOfMessage(headers=trailers)) or b"")


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


@given(
    chunks=st.lists(st.binary(min_size=1, max_size=300), max_size=8),
    shape=st.fixed_dictionaries(
        {"interim": st.integers(0, 2), "length": st.booleans(), "close": st.booleans(), "trailer": st.booleans()}
    ),
    places=st.lists(st.integers(0, 5000), max_size=30),
)
def test_an_answer_is_read_however_it_is_split(chunks: list[bytes], shape: dict[str, Any], places: list[int]) -> None:
    async def both_answers() -> None:
        end = End()
        written = answer(*chunks, **shape)
        for _ in range(1 if shape["close"] else 2):  # what the first leaves behind must not be in the second
            await end.ask(*cut(written, places))
            assert end.connection.status == 200
            assert end.connection.headers.getall("X-TWICE") == ["a", "b"]  # type: ignore[attr-defined]
            assert "x-late" not in end.connection.headers
            assert "link" not in end.connection.headers
            assert await end.body() == b"".join(chunks)
            assert end.connection.ended
            assert end.connection.reusable is not shape["close"]

    asyncio.run(asyncio.wait_for(both_answers(), 5))


def test_every_split_of_one_answer() -> None:
    written = answer(b"data: 1\n\n", b"data: 2\n\n", interim=1, length=False, close=False, trailer=True)

    async def every_split() -> None:
        for place in range(1, len(written)):
            end = End()
            await end.ask(written[:place], written[place:])
            assert await end.body() == b"data: 1\n\ndata: 2\n\n"
            assert end.connection.reusable

    asyncio.run(every_split())


async def test_an_answer_without_a_length_lasts_until_the_end() -> None:
    end = End()

    await end.ask(b"HTTP/1.0 200 OK\r\n\r\nhel", b"lo", end=True)

    assert await end.body() == b"hello"
    assert end.connection.ended
    assert not end.connection.reusable
    assert end.lost == [None]


async def test_an_answer_without_a_length_that_breaks() -> None:
    end = End()
    await end.ask(b"HTTP/1.1 200 OK\r\n\r\nhello")

    end.end(ConnectionResetError(104, "Connection reset by peer"))

    assert await end.connection.read() == b"hello"
    with pytest.raises(Disconnected) as raised:
        await end.connection.read()
    assert isinstance(raised.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize(
    "wrong",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x-long: y\r\n" * (HEAD_LIMIT // 11 + 1),
    ],
)
async def test_what_is_no_answer(wrong: bytes) -> None:
    end = End()

    with pytest.raises(NotHttp):
        await end.ask(wrong)

    assert end.transport.closed
    assert not end.connection.reusable


async def test_what_came_before_the_damage_is_read() -> None:
    end = End()
    await end.ask(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", b"zz\r\n")

    assert await end.connection.read() == b"hello"
    with pytest.raises(NotHttp):
        await end.connection.read()


@pytest.mark.parametrize(
    "more", [b"garbage", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nevil", b"HTTP/1.1 408 Late\r\n\r\n"]
)
@pytest.mark.parametrize("later", [True, False])
async def test_an_answer_that_nobody_asked_for_ends_the_connection(more: bytes, later: bool) -> None:
    end = End()
    first = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello"

    await end.ask(*([first, more] if later else [first + more]))

    assert await end.body() == b"hello"
    assert end.transport.closed
    assert not end.connection.reusable


async def test_a_long_body_is_written_as_it_is_taken() -> None:
    end = End()
    body = bytes(range(256)) * 4096
    asking = asyncio.ensure_future(end.connection.ask(HEAD, body))
    end.connection.pause_writing()
    await asyncio.sleep(0)

    assert sum(map(len, end.transport.written)) == len(HEAD) + WRITE_PIECE

    end.connection.resume_writing()
    for _ in range(3):
        await asyncio.sleep(0)
    assert b"".join(end.transport.written) == HEAD + body

    end.connection.data_received(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    await asking
    assert end.connection.reusable


async def test_an_answer_in_the_middle_of_a_body_ends_it() -> None:
    end = End()
    asking = asyncio.ensure_future(end.connection.ask(HEAD, b"x" * (4 * WRITE_PIECE)))
    end.connection.pause_writing()
    await asyncio.sleep(0)

    end.connection.data_received(b"HTTP/1.1 413 Too much\r\ncontent-length: 0\r\n\r\n")
    await asking

    assert end.connection.status == 413
    assert not end.connection.reusable
    assert sum(map(len, end.transport.written)) == len(HEAD) + WRITE_PIECE


async def test_closing_throws_away_what_is_not_sent() -> None:
    end = End()
    end.transport.unsent = 1
    end.connection.close()
    assert end.transport.aborted

    end = End()
    end.connection.close()
    assert end.transport.closed
    assert not end.transport.aborted


async def test_a_reader_that_is_late_stops_the_network() -> None:
    end = End()
    await end.ask(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(3):
        end.connection.data_received(b"20000\r\n" + b"x" * 0x20000 + b"\r\n")
    assert not end.transport.reading

    assert len(await end.connection.read()) == 3 * 0x20000
    assert end.transport.reading
