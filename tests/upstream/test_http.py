"""The transport: pooled connections, what breaks them, proxies and certificates."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from typing import TYPE_CHECKING, Any

import pytest
from multidict import CIMultiDict

from turnout.network import Way
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.settings import SettingsError
from turnout.upstream import pool
from turnout.upstream.http import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Handler = Callable[["Peer"], Awaitable[None]]

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = STREAM + b"5\r\nhello\r\n0\r\n\r\n"


class Peer:
    """The other end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []

    async def request(self) -> bytes:
        """The next request's body; raises `asyncio.IncompleteReadError` when there is none."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        self.bodies.append(await self.reader.readexactly(length))
        return self.bodies[-1]

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


class Server:
    """A server of one test: a handler per connection."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.handler: Handler = answer_all
        self.url = ""

    @property
    def bodies(self) -> list[bytes]:
        return [body for peer in self.peers for body in peer.bodies]

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        self.peers.append(peer)
        try:
            await self.handler(peer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass  # the other end, or the test, is over
        finally:
            writer.close()


async def answer_all(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.send(WHOLE)


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.connected, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/responses"
    yield made
    listening.close()


@pytest.fixture
async def transport(server: Server) -> AsyncIterator[Transport]:
    made = Transport("The upstream", server.url, connect=2, stale_after=0.1)
    yield made
    await made.close()


async def read_all(transport: Transport, body: bytes = b"{}", *, fresh: bool = False) -> bytes:
    stream = await transport.post(CIMultiDict({"Content-Type": "application/json"}), body, fresh=fresh)
    data = b""
    while piece := await stream.read():
        data += piece
    stream.close()
    return data


async def failure(transport: Transport) -> Any:
    with pytest.raises(TurnoutError) as raised:
        await read_all(transport)
    return raised.value.failure


async def test_a_connection_is_used_again(server: Server, transport: Transport) -> None:
    for _ in range(3):
        assert await read_all(transport) == b"hello"

    assert len(server.peers) == 1


async def test_a_fresh_connection_is_one_and_is_not_kept(server: Server, transport: Transport) -> None:
    for fresh in (False, True, True, False):
        assert await read_all(transport, fresh=fresh) == b"hello"

    assert [len(peer.bodies) for peer in server.peers] == [2, 1, 1]
    await asyncio.sleep(0.05)
    assert [peer.reader.at_eof() for peer in server.peers] == [False, True, True]


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 3_000_000])
async def test_a_body_of_any_size_arrives_whole(server: Server, transport: Transport, size: int) -> None:
    body = bytes(index % 251 for index in range(min(size, 1000))) * (size // 1000 if size > 1000 else 1)

    await read_all(transport, body)

    assert server.bodies == [body]
    assert b"transfer-encoding" not in server.peers[0].heads[0].lower()


async def test_nothing_is_sent_that_was_not_asked_for(server: Server, transport: Transport) -> None:
    await read_all(transport)

    names = [line.split(b":")[0].lower() for line in server.peers[0].heads[0].split(b"\r\n")[1:-2]]
    assert sorted(names) == [b"content-length", b"content-type", b"host"]


async def test_closing_in_mid_answer_closes_the_connection(server: Server, transport: Transport) -> None:
    closed = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(STREAM + b"5\r\nhello\r\n")
        await peer.reader.read()
        closed.set()

    server.handler = handler
    stream = await transport.post(CIMultiDict({"Content-Type": "application/json"}), b"{}")
    assert await stream.read() == b"hello"
    assert not stream.ended
    stream.close()
    stream.close()

    async with asyncio.timeout(0.5):
        await closed.wait()


async def test_a_header_cannot_become_two(transport: Transport) -> None:
    for value in ("a\r\nx-evil: 1", "a\nx-evil: 1", "a\rx", "a\0"):
        with pytest.raises(ValueError, match="line end"):
            await transport.post(CIMultiDict({"x-good": value}), b"{}")


async def test_other_letters_than_ascii_in_a_header(server: Server, transport: Transport) -> None:
    stream = await transport.post(CIMultiDict({"x-title": "Zürich"}), b"{}")
    stream.close()

    assert "x-title: Zürich\r\n".encode() in server.peers[0].heads[0]


async def test_idle_connections_are_closed_after_a_while(
    server: Server, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "IDLE_SECONDS", 0.2)
    first, second = [await transport.post(CIMultiDict(), b"{}") for _ in range(2)]
    for stream in (first, second):
        assert await stream.read() == b"hello"
        await stream.read()
    async with asyncio.timeout(10):
        for stream, peer in zip((first, second), server.peers, strict=True):
            assert not peer.reader.at_eof(), "one that is in use is not idle"
            stream.close()
            while not peer.reader.at_eof():
                await asyncio.sleep(0.02)
    assert await read_all(transport) == b"hello"
    assert len(server.peers) == 3


async def test_one_that_the_other_side_has_closed_is_not_used(server: Server, transport: Transport) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.send(WHOLE)

    server.handler = handler
    for number in range(3):
        assert await read_all(transport) == b"hello"
        await asyncio.sleep(0.05)
        assert len(server.peers) == number + 1


async def test_giving_up_before_the_answer_closes_the_connection(server: Server, transport: Transport) -> None:
    closed = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.reader.read()
        closed.set()

    server.handler = handler
    asking = asyncio.ensure_future(transport.post(CIMultiDict(), b"{}"))
    await asyncio.sleep(0.1)
    asking.cancel()

    async with asyncio.timeout(0.5):
        await closed.wait()


class TestCompressedAnswers:
    """Nobody asks for them; some proxies send them all the same."""

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
    async def test_are_read(self, server: Server, transport: Transport, coding: str) -> None:
        plain = b"data: 1\n\n" * 1000
        sent = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}.get(coding, plain)

        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM[:-2] + f"content-encoding: {coding}\r\n\r\n".encode())
            for start in range(0, len(sent), 20):
                piece = sent[start : start + 20]
                await peer.send(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await peer.send(b"0\r\n\r\n")

        server.handler = handler

        assert await read_all(transport) == plain

    @pytest.mark.parametrize("coding", ["br", "gzip, br"])
    async def test_of_an_unknown_kind(self, server: Server, transport: Transport, coding: str) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM[:-2] + f"content-encoding: {coding}\r\n\r\n".encode())

        server.handler = handler

        found = await failure(transport)
        assert found.kind is FailureKind.UPSTREAM_ERROR
        assert coding in found.message

    async def test_that_are_damaged(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM[:-2] + b"content-encoding: gzip\r\n\r\n5\r\nhello\r\n")

        server.handler = handler

        assert (await failure(transport)).kind is FailureKind.UPSTREAM_ERROR


class TestStaleConnections:
    """The other side closes idle connections whenever it likes, also just as one is used."""

    async def _leave_idle(self, server: Server, transport: Transport, seconds: float) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(WHOLE)
            if len(server.peers) == 1:
                await peer.request()  # and closes without an answer, as if it had closed just before
                return
            await answer_all(peer)

        server.handler = handler
        await read_all(transport)
        await asyncio.sleep(seconds)

    async def test_one_that_was_idle_is_replaced_without_a_word(self, server: Server, transport: Transport) -> None:
        await self._leave_idle(server, transport, 0.2)

        assert await read_all(transport, b'{"second":1}') == b"hello"
        assert server.peers[1].bodies == [b'{"second":1}']

    async def test_one_that_was_busy_a_moment_ago_was_cut(self, server: Server, transport: Transport) -> None:
        await self._leave_idle(server, transport, 0)

        assert (await failure(transport)).kind is FailureKind.CUT
        assert len(server.peers) == 1

    async def test_a_long_answer_is_no_idleness(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM)
            await asyncio.sleep(0.2)
            await peer.send(b"5\r\nhello\r\n0\r\n\r\n")
            await peer.request()

        server.handler = handler
        await read_all(transport)

        assert (await failure(transport)).kind is FailureKind.CUT
        assert len(server.peers) == 1


class TestFailures:
    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            (b"", FailureKind.CUT),
            (STREAM + b"5\r\nhel", FailureKind.CUT),
            (STREAM + b"5\r\nhello\r\n", FailureKind.CUT),
            (STREAM + b"zz\r\n", FailureKind.UPSTREAM_ERROR),
            (b"hello\r\n\r\n", FailureKind.UPSTREAM_ERROR),
            (b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", FailureKind.UPSTREAM_ERROR),
            (b"HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", FailureKind.UPSTREAM_ERROR),
            (b"HTTP/1.1 429 No\r\nretry-after: 7\r\ncontent-length: 100\r\n\r\n{}", FailureKind.RATE_LIMITED),
            (
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>",
                FailureKind.UPSTREAM_ERROR,
            ),
        ],
    )
    async def test_are_told_apart(self, server: Server, transport: Transport, answer: bytes, kind: FailureKind) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(answer)

        server.handler = handler

        assert (await failure(transport)).kind is kind
        assert len(server.bodies) == 1

    async def test_an_error_with_an_endless_body(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n")
            while True:
                await peer.send(b"400\r\n" + b"x" * 1024 + b"\r\n")

        server.handler = handler

        async with asyncio.timeout(3):
            assert (await failure(transport)).kind is FailureKind.OVERLOADED

    async def test_nobody_listens(self) -> None:
        transport = Transport("The upstream", "http://127.0.0.1:9/responses", connect=1)

        found = await failure(transport)

        assert found.kind is FailureKind.UNREACHABLE
        assert "127.0.0.1" in found.message
        assert found.next_step
        await transport.close()

    async def test_a_name_that_does_not_exist(self) -> None:
        transport = Transport("The upstream", "http://nowhere.invalid/responses", connect=5)

        assert (await failure(transport)).kind is FailureKind.UNREACHABLE
        await transport.close()

    async def test_an_untrusted_certificate(self, certificate: Path) -> None:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        listening = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        transport = Transport("The upstream", f"https://127.0.0.1:{port}/responses", connect=2, environ={})

        found = await failure(transport)

        assert found.kind is FailureKind.UNREACHABLE
        assert "not trusted" in found.message
        assert "SSL_CERT_FILE" in found.next_step
        await transport.close()
        listening.close()

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "CODEX_CA_CERTIFICATE"])
    async def test_a_certificate_that_is_named_is_trusted(self, certificate: Path, variable: str) -> None:
        server = Server()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]
        url, environ = f"https://127.0.0.1:{port}/responses", {variable: str(certificate)}
        transport = Transport("The upstream", url, connect=2, environ=environ)

        assert await read_all(transport) == b"hello"
        await transport.close()
        listening.close()


class TestProxies:
    @pytest.fixture
    async def proxy(self, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
        made = Server()
        listening = await asyncio.start_server(made.connected, "127.0.0.1", 0)
        made.url = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name.upper(), raising=False)
        yield made
        listening.close()

    async def test_is_asked_for_other_machines(self, proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("http_proxy", f"http://user:pass%20word@{proxy.url}")
        transport = Transport("The upstream", "http://upstream.example/responses", connect=2)

        assert await read_all(transport) == b"hello"

        head = proxy.peers[0].heads[0]
        assert head.startswith(b"POST http://upstream.example/responses HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=" in head
        await transport.close()

    @pytest.mark.parametrize("excluded", ["upstream.invalid", ".invalid", "*", "upstream.invalid:80"])
    async def test_is_not_asked_for_what_no_proxy_names(
        self, proxy: Server, monkeypatch: pytest.MonkeyPatch, excluded: str
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://{proxy.url}")
        monkeypatch.setenv("no_proxy", excluded)
        transport = Transport("The upstream", "http://upstream.invalid/responses", connect=2)

        assert (await failure(transport)).kind is FailureKind.UNREACHABLE
        assert not proxy.peers
        await transport.close()

    async def test_is_never_asked_for_this_machine(
        self, proxy: Server, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", f"http://{proxy.url}")
        transport = Transport("The upstream", server.url, connect=2)

        assert await read_all(transport) == b"hello"
        assert not proxy.peers
        await transport.close()

    async def test_is_told_of_the_way_to_https(
        self, proxy: Server, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        secure = Server()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        listening = await asyncio.start_server(secure.connected, "127.0.0.2", 0, ssl=context)
        port = listening.sockets[0].getsockname()[1]

        async def handler(peer: Peer) -> None:
            peer.heads.append(await peer.reader.readuntil(b"\r\n\r\n"))
            reader, writer = await asyncio.open_connection("127.0.0.2", port)
            await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(carry(peer.reader, writer), carry(reader, peer.writer))

        proxy.handler = handler
        way = Way(proxy=f"http://user:secret@{proxy.url}")
        environ = {"SSL_CERT_FILE": str(certificate)}
        transport = Transport(
            "The upstream", f"https://127.0.0.1:{port}/responses", connect=2, environ=environ, way=way
        )

        for _ in range(2):
            assert await read_all(transport, b"{}") == b"hello"

        (tunnel,) = proxy.peers
        assert tunnel.heads[0].startswith(f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n".encode())
        assert b"Proxy-Authorization: Basic" in tunnel.heads[0]
        assert secure.bodies == [b"{}", b"{}"]
        assert not any(b"roxy" in head for head in secure.peers[0].heads)
        assert secure.peers[0].heads[0].startswith(b"POST /responses HTTP/1.1\r\n")
        await transport.close()
        listening.close()

    async def test_that_refuses(self, proxy: Server, monkeypatch: pytest.MonkeyPatch) -> None:
        async def handler(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            await peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")

        proxy.handler = handler
        monkeypatch.setenv("https_proxy", f"http://user:secret@{proxy.url}")
        transport = Transport("The upstream", "https://upstream.example/responses", connect=2)

        found = await failure(transport)

        assert found.kind is FailureKind.UNREACHABLE
        assert "through the proxy 127.0.0.1" in found.message
        assert "secret" not in found.text
        await transport.close()

    def test_of_a_kind_that_cannot_be_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "socks5://127.0.0.1:1080")

        with pytest.raises(SettingsError, match="socks5"):
            Transport("The upstream", "https://upstream.example/responses", connect=2)


@pytest.mark.parametrize("url", ["", "upstream.example", "ftp://upstream.example/x", "http://", "https:///x"])
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(SettingsError, match="address of The upstream"):
        Transport("The upstream", url, connect=2)


def test_certificates_that_are_none(tmp_path: Path) -> None:
    wrong = tmp_path / "ca.pem"
    wrong.write_text("not a certificate")

    for path in (wrong, tmp_path / "missing.pem"):
        with pytest.raises(SettingsError, match="CODEX_CA_CERTIFICATE"):
            Transport(
                "The upstream", "https://upstream.example/x", connect=2, environ={"CODEX_CA_CERTIFICATE": str(path)}
            )


class TestReading:
    """What the transport hands over of an answer."""

    async def test_many_pieces_are_one_read(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM + b"5\r\nhello\r\n" * 1000 + b"0\r\n\r\n")

        server.handler = handler
        stream = await transport.post(CIMultiDict({"Content-Type": "application/json"}), b"{}")
        await asyncio.sleep(0.1)

        assert await stream.read() == b"hello" * 1000
        assert await stream.read() == b""
        assert stream.ended
        stream.close()

    async def test_a_slow_reader_stops_the_sender_and_loses_nothing(self, server: Server, transport: Transport) -> None:
        piece = b"x" * 10_000
        sent: list[int] = []

        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM)
            for number in range(5000):
                await peer.send(b"2710\r\n" + piece + b"\r\n")
                sent.append(number)
            await peer.send(b"0\r\n\r\n")

        server.handler = handler
        stream = await transport.post(CIMultiDict({"Content-Type": "application/json"}), b"{}")
        await asyncio.sleep(0.5)
        assert len(sent) < 2500
        total = 0
        while data := await stream.read():
            total += len(data)

        assert total == 5000 * len(piece)
        stream.close()

    async def test_a_cut_after_some_bytes(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(STREAM + b"5\r\nhello\r\n")
            await asyncio.sleep(0.1)

        server.handler = handler
        stream = await transport.post(CIMultiDict({"Content-Type": "application/json"}), b"{}")

        assert await stream.read() == b"hello"
        with pytest.raises(TurnoutError) as raised:
            await stream.read()
        assert raised.value.failure.kind is FailureKind.CUT
        stream.close()

    async def test_an_empty_answer(self, server: Server, transport: Transport) -> None:
        async def handler(peer: Peer) -> None:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 0\r\n\r\n")

        server.handler = handler

        assert await read_all(transport) == b""
