"""Silence: how long the head is held back, what keeps a client waiting, and when an upstream counts as dead."""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import Wire, events, message, record, send, wait_for
from tests.gateway.upstreams import (
    BEGIN_TEXT,
    CREATED,
    IN_PROGRESS,
    STREAM_HEAD,
    Connection,
    ScriptedUpstream,
    chunk,
    completed,
    delta,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.conftest import Start

DELTAS = 40_000
"""Each of 1 KB, so that they do not fit into the buffers of the kernel's four sockets."""

FAST = {"hold": 0.3, "keepalive": 0.2}


def test_the_head_waits_for_the_first_real_event_and_no_longer(start: Start) -> None:
    go = threading.Event()

    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(CREATED + IN_PROGRESS))
        go.wait(5)
        upstream.write(chunk(BEGIN_TEXT[len(CREATED) :] + delta("Hello")))
        time.sleep(0.2)
        upstream.write(chunk(completed("Hello")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url)) as client:
        client.post(message(stream=True))
        client.socket.settimeout(0.4)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        went = time.monotonic()
        go.set()
        client.read_until(b"Hello")
        assert time.monotonic() - went < 0.1
        client.read_until(b"message_stop")


@pytest.mark.parametrize("where", ["before the headers", "after the handshake"])
def test_after_the_hold_the_stream_is_opened_and_kept_alive(start: Start, where: str) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        if where == "before the headers":
            time.sleep(1.2)
            upstream.write(STREAM_HEAD + chunk(CREATED))
        else:
            upstream.write(STREAM_HEAD + chunk(CREATED))
            time.sleep(1.2)
        upstream.write(chunk(BEGIN_TEXT[len(CREATED) :] + delta("Hello") + completed("Hello")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url, timing=FAST)) as client:
        began = time.monotonic()
        client.post(message(stream=True))
        client.read_until(b"event: message_start")
        assert 0.25 < time.monotonic() - began < 0.6
        arrivals = [time.monotonic()]
        while b"Hello" not in client.received:
            _read_some(client)
            arrivals.append(time.monotonic())
        data = client.read_until(b"message_stop")

    assert max(later - earlier for earlier, later in itertools.pairwise(arrivals)) < 0.4
    found = _stream(data)
    kinds = [name for name, _ in found]
    assert kinds.count("message_start") == 1
    assert kinds.count("ping") >= 3
    empty = [data for name, data in found if name == "content_block_delta" and data["delta"].get("thinking") == ""]
    assert len(empty) >= 3  # older clients do not count pings (claude-code-wire.md 6)


def test_so_is_the_next_answer_over_the_same_connection(start: Start) -> None:
    numbers = itertools.count()

    def script(upstream: Connection) -> None:
        upstream.read_request()
        if next(numbers) == 0:
            upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Hello") + completed("Hello")))
            time.sleep(0.6)  # the end of its HTTP answer is late
            upstream.write(b"0\r\n\r\n")
            return
        time.sleep(1.5)
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Hello") + completed("Hello")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url, timing=FAST)) as client:
        client.post(message(stream=True))
        client.read_until(b"0\r\n\r\n")
        client.received = b""
        client.post(message(stream=True))
        data = client.read_until(b"Hello")

    assert data.count(b"event: ping") >= 3


def test_events_that_mean_nothing_to_the_client_do_not_keep_it_waiting(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("One")))
        for _ in range(12):
            time.sleep(0.1)
            upstream.write(chunk(b'event: keepalive\ndata: {"type":"keepalive"}\n\n'))
        upstream.write(chunk(delta(" two") + completed("One two")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream:
        answer = send(start(endpoint=upstream.url, timing=FAST), message(stream=True))

    assert answer.text == "One two"
    assert answer.names.count("ping") >= 3


def test_a_failure_after_the_hold_is_an_error_event(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        time.sleep(0.6)
        upstream.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n")

    with ScriptedUpstream(script) as upstream:
        answer = send(start(endpoint=upstream.url, timing=FAST), message(stream=True))

    assert answer.status == 200
    assert answer.names[0] == "message_start"
    assert answer.names[-1] == "error"
    assert len(upstream.connections) == 1


def test_a_dead_upstream_is_given_up(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Hello")))
        upstream.wait_closed()

    with ScriptedUpstream(script) as upstream:
        gateway = start(endpoint=upstream.url, timing={**FAST, "upstream_idle": 0.8})
        began = time.monotonic()
        answer = send(gateway, message(stream=True))
        took = time.monotonic() - began

    assert 0.7 < took < 1.5
    assert answer.names[-1] == "error"
    assert "0.8 seconds" in answer.events[-1][1]["error"]["message"]
    assert record(gateway, answer).failure == "upstream_timeout"


@pytest.mark.parametrize("stream", [True, False])
def test_a_dead_upstream_before_the_headers_is_an_http_error(start: Start, stream: bool) -> None:
    with ScriptedUpstream(_read_and_wait) as upstream:
        gateway = start(endpoint=upstream.url, timing={"upstream_idle": 0.5})
        answer = send(gateway, message(stream=stream))

    assert (answer.status, answer.error[0]) == (504, "timeout_error")
    assert record(gateway, answer).attempts == 1


def test_without_streaming_nothing_is_sent_early(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        time.sleep(1)
        upstream.answer("Hello")

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url, timing=FAST)) as client:
        client.post(message(stream=False))
        client.socket.settimeout(0.8)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
        assert client.answer().text == "Hello"


def test_a_client_that_does_not_read_stops_upstream_and_gets_everything_later(start: Start) -> None:
    text = "x" * 1000
    sent: list[int] = []

    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT))
        for number in range(DELTAS):
            upstream.write(chunk(delta(text)))
            sent.append(number)
        upstream.write(chunk(completed("")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url, timing=FAST)) as client:
        client.post(message(stream=True))
        assert _settles(lambda: len(sent))
        assert len(sent) < DELTAS / 2  # what fits into the buffers on the way
        received = bytearray()
        while b"message_stop" not in received[-1000:]:
            received += client.socket.recv(1 << 20)

    assert received.count(text.encode()) == DELTAS


def test_a_client_that_never_reads_again_is_given_up(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT))
        while True:
            upstream.write(chunk(delta("x" * 1000)))

    with ScriptedUpstream(script) as upstream:
        gateway = start(endpoint=upstream.url, timing={"upstream_idle": 0.8})
        with Wire(gateway) as client:
            client.post(message(stream=True))
            wait_for(lambda: gateway.gateway.last, seconds=15)

    assert gateway.gateway.last[-1].status == 499


def _read_and_wait(upstream: Connection) -> None:
    upstream.read_request()
    upstream.wait_closed()


def _read_some(client: Wire) -> None:
    client.socket.settimeout(5)
    data = client.socket.recv(65536)
    assert data
    client.received += data


def _stream(data: bytes) -> list[tuple[str, dict[str, object]]]:
    """The events in an answer with chunked encoding."""
    body = data.partition(b"\r\n\r\n")[2]
    pieces = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size or b"0", 16)
        pieces, body = pieces + rest[:length], rest[length + 2 :] if length else b""
    return list(events(pieces))


def _settles(count: Callable[[], int], seconds: float = 0.5) -> bool:
    """Whether a count stops growing for a while, within 10 s."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        before = count()
        time.sleep(seconds)
        if before and before == count():
            return True
    return False
