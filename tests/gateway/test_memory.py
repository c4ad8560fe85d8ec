"""Bodies are let go of once upstream answers: an answer of minutes does not hold a request of megabytes."""

from __future__ import annotations

import gc
import json
import threading
import time
import tracemalloc
from typing import TYPE_CHECKING

from tests.gateway.client import Wire, message
from tests.gateway.upstreams import BEGIN_TEXT, STREAM_HEAD, Connection, ScriptedUpstream, chunk, completed, delta
from turnout.gateway import continuation, memory

if TYPE_CHECKING:
    from tests.gateway.conftest import Start

STREAMS = 20
BODY = 2_000_000


def test_open_streams_do_not_hold_their_bodies(start: Start) -> None:
    go = threading.Event()

    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Hello")))
        go.wait(20)
        upstream.write(chunk(completed("Hello")) + b"0\r\n\r\n")

    body = _body()
    with ScriptedUpstream(script) as upstream:
        gateway = start(endpoint=upstream.url)
        tracemalloc.start()
        try:
            clients = []
            for _ in range(STREAMS):
                client = Wire(gateway)
                client.post(body)
                client.read_until(b"Hello")
                clients.append(client)
            time.sleep(0.2)
            gc.collect()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        go.set()
        for client in clients:
            client.read_until(b"message_stop")
            client.socket.close()

    # Some are held for a while within a budget: an answer may have to be continued, a next request to be compared.
    assert held < continuation.BUDGET + BODY * 2, f"{held:,} bytes are held for {STREAMS} streams"


def _body() -> bytes:
    return json.dumps(message("x" * BODY, stream=True)).encode()


def test_tuning_the_allocator_is_harmless() -> None:
    assert memory.tune_malloc() in (True, False)
    assert len(bytes(50 * memory.MIB)) == 50 * memory.MIB
