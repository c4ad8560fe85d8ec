"""A client that leaves: upstream is told at once, wherever the answer stands (claude-code-wire.md 13.12)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import Wire, message, wait_for
from tests.gateway.upstreams import BEGIN_TEXT, CREATED, STREAM_HEAD, Connection, ScriptedUpstream, chunk, delta

if TYPE_CHECKING:
    from tests.gateway.conftest import Start

AT_ONCE = 0.05
"""Seconds; on a busy machine the best of three counts."""


def _stand(upstream: Connection, place: str) -> None:
    upstream.read_request()
    if place != "before the headers":
        upstream.write(STREAM_HEAD + chunk(CREATED))
    if place == "in mid-text":
        upstream.write(chunk(BEGIN_TEXT[len(CREATED) :] + delta("Hello")))
    upstream.wait_closed()


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("place", ["before the headers", "during the hold", "in mid-text", "after the hold"])
def test_upstream_is_cancelled_at_once(start: Start, place: str, stream: bool) -> None:
    hold = 0.2 if place == "after the hold" else 15
    with ScriptedUpstream(lambda upstream: _stand(upstream, place)) as upstream:
        gateway = start(endpoint=upstream.url, timing={"hold": hold})
        delays = []
        for number in range(3):
            with Wire(gateway) as client:
                client.post(message(stream=stream))
                if stream and place == "in mid-text":
                    client.read_until(b"Hello")
                elif stream and place == "after the hold":
                    client.read_until(b"message_start")
                wait_for(lambda number=number: len(upstream.connections) > number)
                time.sleep(0.3)
                left = time.monotonic()
            connection = upstream.connections[number]
            wait_for(lambda connection=connection: connection.closed_at is not None)
            delays.append((connection.closed_at or 0) - left)

        wait_for(lambda: len(gateway.gateway.last) == 3)

    assert min(delays) < AT_ONCE, delays
    assert [record.status for record in gateway.gateway.last] == [499] * 3
    assert {record.attempts for record in gateway.gateway.last} == {1}


def test_a_client_that_leaves_while_it_sends_its_body_reaches_no_upstream(start: Start) -> None:
    with ScriptedUpstream(lambda upstream: _stand(upstream, "before the headers")) as upstream:
        gateway = start(endpoint=upstream.url)
        with Wire(gateway) as client:
            client.head({"content-length": "5000"})
            client.write(b'{"model":')
        wait_for(lambda: len(gateway.gateway.last) == 1)

    assert gateway.gateway.last[-1].status == 499
    assert not upstream.connections
