"""The case `count`: 25 counts of a 250 KB request at once, as Claude Code asks for them when it shows its context.

The load generator speaks of streams; these answers are small and whole, so they are asked for here.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import TYPE_CHECKING

from bodies import MARK
from cases import HEADERS, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases import Rig
    from targets import Running

PATH = "/v1/messages/count_tokens?beta=true"
AT_ONCE = 25
REPEATS = 5
METRICS = ("same_ms", "same_cpu_ms", "other_ms", "other_cpu_ms", "first_ms")


def run_counts(rig: Rig, target: Running, number: int) -> Sample:
    """Wants a target fresh from its start, since the first count loads the vocabulary.

    `same`: 25 times one request; `other`: requests of 25 sessions, none of which was there before.
    The least of a few repetitions.
    """
    assert target.process is not None
    same = rig.bodies["mid"][0].read_bytes()
    pattern = rig.bodies["cold"][0].read_bytes()
    small = rig.bodies["small"][0].read_bytes()
    values: dict[str, float] = {}
    try:
        values["first_ms"] = _burst(target, [small])[0]
        _burst(target, [same])
        same_times = [_burst(target, [same] * AT_ONCE) for _ in range(REPEATS)]
        values["same_ms"], values["same_cpu_ms"] = min(same_times)
        other_times = []
        for repeat in range(REPEATS):
            marks = (f"{repeat * AT_ONCE + place:0{len(MARK)}d}" for place in range(AT_ONCE))
            other_times.append(_burst(target, [pattern.replace(MARK.encode(), mark.encode()) for mark in marks]))
        values["other_ms"], values["other_cpu_ms"] = min(other_times)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Sample(case="count", target=target.name, round=number, values=values, error=str(error))
    return Sample(case="count", target=target.name, round=number, values=values)


def _burst(target: Running, bodies: Sequence[bytes]) -> tuple[float, float]:
    """Milliseconds until the last answer, and of the gateway's CPU, for one request a body, all at once."""
    assert target.process is not None
    connections = [http.client.HTTPConnection("127.0.0.1", target.port, timeout=30) for _ in bodies]
    counts: list[int] = []
    for connection in connections:
        connection.connect()

    def ask(connection: http.client.HTTPConnection, body: bytes) -> None:
        connection.request("POST", PATH, body, HEADERS)
        counts.append(json.loads(connection.getresponse().read())["input_tokens"])

    threads = [threading.Thread(target=ask, args=each) for each in zip(connections, bodies, strict=True)]
    before, begin = target.process.times(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, after = time.perf_counter() - begin, target.process.times()
    for connection in connections:
        connection.close()
    if len(counts) != len(bodies) or min(counts) < 1:
        raise ValueError(f"{len(counts)} of {len(bodies)} counts were answered")
    return took * 1000, (after.running - before.running) / 1e6
