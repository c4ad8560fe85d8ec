"""The measurements: what is sent, how many at once, for how long, and which figures come out of one run.

One run = one case against one target, once. Rounds, medians and ratios are made elsewhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import process
from bodies import MARK, NEW_EACH_TIME, SESSION_ID
from targets import TOKEN, Running, environment, turnout_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BUILD = Path(__file__).parent / "build"
MESSAGES_PATH = "/v1/messages?beta=true"
HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate, br, zstd",
    "anthropic-version": "2023-06-01",
    "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
    "per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,effort-2025-11-24",
    "anthropic-dangerous-direct-browser-access": "true",
    "user-agent": "claude-cli/2.1.328 (external, sdk-cli)",
    "x-app": "cli",
    "x-claude-code-session-id": SESSION_ID,
    "x-stainless-lang": "js",
    "x-stainless-retry-count": "0",
    "x-stainless-runtime": "node",
    "x-stainless-timeout": "600",
}
"""As Claude Code sends them (claude-code-wire.md 1), with the bench's token."""

OPENAI_HEADERS = {
    "authorization": f"Bearer {TOKEN}",
    "accept": "application/json",
    "user-agent": "OpenAI/Python 3.51.0",
}
OPENAI_PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses"}
"""Where bodies that are not of Messages go."""


class Mode(msgspec.Struct, frozen=True):
    """How the stub answers: text deltas, µs between them (0 = burst), bytes of instructions and of reasoning."""

    deltas: int
    microseconds: int = 0
    echo: int = 0
    reasoning: int = 0


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One load. `body` names a kind of bodies.py; `seconds` is multiplied by the caller's --seconds."""

    name: str
    what: str
    body: str
    mode: Mode
    conns: int
    seconds: float = 1.0
    metrics: tuple[str, ...]
    """The figures worth showing, the main one first."""


SHORT = Mode(8)
REQUEST = ("cpu_us", "answers_s")
LATENCY = ("first_us",)
BURST = ("events_core_s", "events_s", "cpu_event_us")


def _bursts(name: str, what: str, mode: Mode) -> tuple[Case, ...]:
    """One load at each door."""
    doors = (
        ("", "small", what),
        ("-chat", "chat", "the same to a client of Chat Completions"),
        ("-responses", "responses", "the same to a client of the Responses API"),
    )
    return tuple(
        Case(name=name + door, what=words, body=body, mode=mode, conns=16, metrics=BURST) for door, body, words in doors
    )


CASES = (
    Case(name="ttft-small", what="2 KB, one at a time", body="small", mode=SHORT, conns=1, metrics=LATENCY),
    Case(name="ttft", what="250 KB, the same one by one", body="mid", mode=SHORT, conns=1, metrics=LATENCY),
    Case(name="ttft-session", what="8-turn sessions, one by one", body="session", mode=SHORT, conns=1, metrics=LATENCY),
    Case(name="ttft-cold", what="250 KB, nothing ever repeats", body="cold", mode=SHORT, conns=1, metrics=LATENCY),
    Case(name="ttft-big", what="2 MB, one at a time", body="big", mode=SHORT, conns=1, metrics=LATENCY),
    Case(name="small", what="2 KB, 8 at once", body="small", mode=SHORT, conns=8, metrics=REQUEST),
    Case(name="request", what="250 KB, the same again and again", body="mid", mode=SHORT, conns=8, metrics=REQUEST),
    Case(
        name="session", what="sessions: same tools, own history", body="session", mode=SHORT, conns=8, metrics=REQUEST
    ),
    Case(name="cold", what="250 KB, nothing ever repeats", body="cold", mode=SHORT, conns=8, metrics=REQUEST),
    Case(name="big", what="2 MB, 8 at once", body="big", mode=SHORT, conns=8, metrics=REQUEST),
    *_bursts("burst", "500 deltas as fast as they go, 16 at once", Mode(500)),
    *_bursts("stream", "4,000 deltas as fast as they go, 16 at once: what an event costs", Mode(4000)),
    Case(
        name="paced",
        what="16 streams, a delta every 5 ms, 250 KB requests",
        body="mid",
        mode=Mode(200, 5000),
        conns=16,
        seconds=2.0,
        metrics=("delay_p50_us", "delay_p99_us", "cpu_event_us"),
    ),
    Case(
        name="echo",
        what="2 KB, 3 x 80 KB of instructions in the answer",
        body="small",
        mode=Mode(8, 0, 80_000),
        conns=8,
        metrics=REQUEST,
    ),
)

MEMORY_METRICS = ("idle_mib", "peak_mib", "held_mib", "after_mib", "streams", "listen_ms")
START_METRICS = ("version_ratio", "version_ms", "python_ms")
MEMORY_STREAMS = 500
MEMORY_RAMP = 2.0
MEMORY_MODE = Mode(80, 100_000)


class Spread(msgspec.Struct):
    """Percentiles, in microseconds."""

    p50: float
    p90: float
    p99: float
    min: float
    max: float


class Loaded(msgspec.Struct):
    """What load.c prints."""

    answers: int
    errors: int
    seconds: float
    requests_per_second: float
    events: int
    events_per_second: float
    bytes: int
    most_streaming: int
    first_us: Spread | None
    total_us: Spread | None
    event_us: Spread | None
    error: str


class Sample(msgspec.Struct, kw_only=True):
    """The figures of one run, by metric. `error` is empty, or says what went wrong (then figures may be missing)."""

    case: str
    target: str
    round: int
    values: dict[str, float]
    error: str = ""


class Rig:
    """The stub and the bodies: what every run needs."""

    def __init__(self, folder: Path, bodies: Mapping[str, Sequence[Path]]) -> None:
        log = folder / "stub.log"
        self.stub = process.Process(
            [str(BUILD / "stub"), "0"], core=process.LOAD_CORE, log=log, env=environment(folder)
        )
        while not (line := log.read_text()).endswith("\n"):
            if self.stub.child.poll() is not None:
                raise process.StartError(f"the stub ended: {self.stub.last_words()}")
            time.sleep(0.005)
        self.port = int(line)
        self.bodies = bodies

    def stop(self) -> None:
        self.stub.stop()

    def set_mode(self, mode: Mode) -> None:
        self._control(f"/__set/{mode.deltas}/{mode.microseconds}/{mode.echo}/{mode.reasoning}")

    def stats(self) -> dict[str, int]:
        """Requests, body bytes and deltas since the stub's start."""
        return self._control("/__stats")

    def _control(self, path: str) -> dict[str, int]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            values: dict[str, int] = json.load(answer)
            return values

    def load(
        self, port: int, body: str, *, conns: int, seconds: float, expect: int, requests: int = 0, ramp: float = 0.0
    ) -> subprocess.Popen[bytes]:
        """Start the load generator; its one line is on stdout."""
        command = [str(BUILD / "load"), "--port", str(port), "--path", OPENAI_PATHS.get(body, MESSAGES_PATH)]
        command += ["--conns", str(conns), "--seconds", str(seconds), "--expect", str(expect)]
        command += ["--ramp", str(int(ramp * 1000))]
        if requests:
            command += ["--requests", str(requests)]
        if body in NEW_EACH_TIME:
            command += ["--mark", MARK]
        for path in self.bodies[body]:
            command += ["--body", str(path)]
        for name, value in (OPENAI_HEADERS if body in OPENAI_PATHS else HEADERS).items():
            command += ["--header", f"{name}: {value}"]
        return subprocess.Popen(command, stdout=subprocess.PIPE)


def _finish(load: subprocess.Popen[bytes], patience: float) -> Loaded:
    try:
        output, _ = load.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        load.kill()
        raise
    if load.returncode != 0:
        raise RuntimeError(f"the load generator ended with status {load.returncode}; its message is above")
    return msgspec.json.decode(output, type=Loaded)


def run_case(case: Case, rig: Rig, target: Running, number: int, seconds: float) -> Sample:
    """One case against one target. `seconds`: factor on the case's length."""
    rig.set_mode(case.mode)
    before = target.process.times() if target.process else process.Times(0, 0)
    length = case.seconds * seconds
    load = rig.load(target.port, case.body, conns=case.conns, seconds=length, expect=case.mode.deltas)
    loaded = _finish(load, length + 60)
    values: dict[str, float] = {}
    if loaded.answers and loaded.first_us:
        values |= {
            "answers_s": loaded.requests_per_second,
            "events_s": loaded.events_per_second,
            "first_us": loaded.first_us.p50,
            "first_p99_us": loaded.first_us.p99,
        }
        if loaded.event_us:
            values |= {"delay_p50_us": loaded.event_us.p50, "delay_p99_us": loaded.event_us.p99}
        if target.process:
            after = target.process.times()
            running, waiting = after.running - before.running, after.waiting - before.waiting
            cpu = running / 1000
            values |= {"cpu_us": cpu / loaded.answers, "cpu_event_us": cpu / loaded.events}
            values["events_core_s"] = 1e6 / values["cpu_event_us"]
            values["disturbed"] = waiting / (running + waiting)
    return Sample(case=case.name, target=target.name, round=number, values=values, error=_trouble(loaded))


def _trouble(loaded: Loaded) -> str:
    if loaded.errors:
        return f"{loaded.errors} of {loaded.errors + loaded.answers} answers were wrong, the first: {loaded.error}"
    return "" if loaded.answers else "no answer at all"


def run_memory(rig: Rig, target: Running, number: int) -> Sample:
    """500 streams of 250 KB requests, opened within 2 s, open together for 6 s. Wants a target fresh from its start.

    Idle is after one request, when everything that is loaded late has been loaded.
    """
    assert target.process is not None
    rig.set_mode(SHORT)
    first = _finish(rig.load(target.port, "small", conns=1, seconds=10, expect=SHORT.deltas, requests=1), 60)
    time.sleep(0.2)
    values = {"listen_ms": target.listening_s * 1000, "idle_mib": target.process.rss_mib()}
    target.process.forget_peak()
    rig.set_mode(MEMORY_MODE)
    load = rig.load(
        target.port,
        "mid",
        conns=MEMORY_STREAMS,
        seconds=20,
        expect=MEMORY_MODE.deltas,
        requests=MEMORY_STREAMS,
        ramp=MEMORY_RAMP,
    )
    time.sleep(MEMORY_RAMP + 3)
    values["held_mib"] = target.process.rss_mib()
    loaded = _finish(load, 120)
    values |= {
        "peak_mib": target.process.peak_rss_mib(),
        "after_mib": target.process.rss_mib(),
        "streams": float(loaded.most_streaming),
    }
    return Sample(
        case="memory", target=target.name, round=number, values=values, error=_trouble(first) or _trouble(loaded)
    )


def run_start(folder: Path, number: int, repeats: int = 11) -> Sample:
    """`turnout --version` against the same interpreter doing nothing, by turns."""
    env = environment(folder)
    commands = {"version_ms": [str(turnout_command()), "--version"], "python_ms": [sys.executable, "-c", "pass"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeats + 1):
        for name, command in commands.items():
            begin = time.perf_counter()
            done = subprocess.run(command, env=env, capture_output=True, check=False)
            if done.returncode != 0:
                error = f"`{' '.join(command)}` ended with status {done.returncode}: {done.stderr.decode()[-300:]}"
                return Sample(case="start", target="turnout", round=number, values={}, error=error)
            times[name].append((time.perf_counter() - begin) * 1000)
    # The first of each warmed the page cache and wrote byte code.
    values = {name: sorted(all_of[1:])[repeats // 2] for name, all_of in times.items()}
    values["version_ratio"] = values["version_ms"] / values["python_ms"]
    return Sample(case="start", target="turnout", round=number, values=values)
