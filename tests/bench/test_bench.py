"""The bench itself: its stub and its load generator count right, and a tiny run prints ratios.

Short runs only; the figures are not judged here.
"""

from __future__ import annotations

import http.client
import importlib
import itertools
import json
import shutil
import subprocess
import sys
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BENCH = Path(__file__).parents[2] / "bench"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not (shutil.which("cc") or shutil.which("gcc")),
    reason="the bench runs on Linux and needs a C compiler",
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stub and load generator, freshly built, warnings being errors."""
    folder = tmp_path_factory.mktemp("programs")
    for name in ("stub", "load"):
        command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(folder / name), str(BENCH / f"{name}.c")]
        subprocess.run(command, check=True)
    return folder


class Stub:
    def __init__(self, port: int) -> None:
        self.port = port

    def ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body)
            return connection.getresponse().read()

    def set(self, deltas: int, microseconds: int = 0, echo: int = 0, reasoning: int = 0) -> None:
        self.ask("GET", f"/__set/{deltas}/{microseconds}/{echo}/{reasoning}")

    def stats(self) -> dict[str, int]:
        return json.loads(self.ask("GET", "/__stats"))  # type: ignore[no-any-return]


@pytest.fixture
def stub(programs: Path) -> Iterator[Stub]:
    with subprocess.Popen([programs / "stub", "0"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield Stub(int(child.stdout.readline()))
        child.terminate()


def load(programs: Path, port: int, *options: object) -> dict[str, Any]:
    command = [programs / "load", "--port", port, *options]
    done = subprocess.run([str(part) for part in command], capture_output=True, check=True, timeout=30)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body.json"
    path.write_bytes(b'{"session":"123456","text":"' + b"x" * 300_000 + b'"}')
    return path


ONE_DELTA = (
    b'event: content_block_delta\ndata: {"delta":{"type":"text_delta","text":"hi"}}\n\n'
    b"event: message_stop\ndata: {}\n\n"
)
ERROR_EVENT = b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"upstream went away"}}\n\n'


@contextmanager
def recorder(status: int = 200, answer: bytes = ONE_DELTA) -> Iterator[tuple[int, list[tuple[str, bytes]]]]:
    """An HTTP server that notes session header and body, and gives always the same answer."""
    seen: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            seen.append((self.headers["x-session"], self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port, seen
        server.shutdown()
        thread.join()


def events_of(stream: bytes) -> list[dict[str, Any]]:
    events = []
    for event in stream.decode().strip().split("\n\n"):
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert events[-1]["type"] == name.removeprefix("event: ")
    return events


def test_the_stub_streams_an_answer_as_the_responses_api_does(stub: Stub) -> None:
    stub.set(deltas=3, reasoning=100, echo=50)
    events = events_of(stub.ask("POST", "/backend-api/codex/responses", b"{}"))

    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[:2] == ["created", "in_progress"]
    assert kinds[-8:] == [
        "content_part.added",
        *["output_text.delta"] * 3,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    reasoning = next(event["item"] for event in events if event["type"] == "response.output_item.done")
    assert reasoning["type"] == "reasoning"
    assert len(reasoning["encrypted_content"]) == 100
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert said == next(event["text"] for event in events if event["type"] == "response.output_text.done")
    final = events[-1]["response"]
    assert final["output"] == []
    assert final["usage"]["total_tokens"] == final["usage"]["input_tokens"] + final["usage"]["output_tokens"]
    assert len(final["instructions"]) == 50


def test_load_and_stub_agree_on_requests_bytes_and_deltas(programs: Path, stub: Stub, body: Path) -> None:
    stub.set(deltas=700)
    before = stub.stats()
    result = load(programs, stub.port, "--body", body, "--conns", 5, "--requests", 42, "--expect", 700)
    after = stub.stats()

    assert (result["answers"], result["errors"], result["events"]) == (42, 0, 42 * 700)
    assert after["requests"] - before["requests"] == 42
    assert after["body_bytes"] - before["body_bytes"] == 42 * body.stat().st_size
    assert after["deltas"] - before["deltas"] == 42 * 700


def test_paced_deltas_are_timed_one_by_one(programs: Path, stub: Stub, body: Path) -> None:
    stub.set(deltas=10, microseconds=20_000)
    result = load(programs, stub.port, "--body", body, "--conns", 8, "--requests", 8, "--expect", 10)

    assert result["errors"] == 0
    assert result["most_streaming"] == 8
    assert result["total_us"]["p50"] > 190_000
    assert 0 < result["event_us"]["p50"] < result["first_us"]["p50"]


def test_a_wrong_number_of_deltas_is_an_error(programs: Path, stub: Stub, body: Path) -> None:
    stub.set(deltas=7)
    result = load(programs, stub.port, "--body", body, "--requests", 3, "--expect", 8)

    assert (result["answers"], result["errors"]) == (0, 3)
    assert result["error"] == "wrong number of text deltas: 7 instead of 8"


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (401, b'{"detail":"Unauthorized"}', "status 401: { detail : Unauthorized }"),
        (200, ERROR_EVENT, "the stream holds an error event: "),
        (200, ONE_DELTA.partition(b"event: message_stop")[0], "the stream ended without its last event"),
    ],
)
def test_a_bad_answer_is_an_error_in_its_own_words(
    programs: Path, body: Path, status: int, answer: bytes, words: str
) -> None:
    with recorder(status, answer) as (port, _):
        result = load(programs, port, "--body", body, "--requests", 2)
    assert (result["answers"], result["errors"]) == (0, 2)
    assert result["error"].startswith(words)


def test_sessions_differ_where_the_mark_stands(programs: Path, tmp_path: Path) -> None:
    """A server that keeps what it got: eight requests of two bodies are four sessions, each with its own number."""
    bodies = []
    for number in (1, 2):
        path = tmp_path / f"{number}.json"
        path.write_bytes(b"turn %d of 740159, again 740159" % number)
        bodies += ["--body", path]
    with recorder() as (port, seen):
        result = load(programs, port, *bodies, "--mark", "740159", "--requests", 8, "--header", "x-session: 740159")
    assert (result["answers"], result["errors"]) == (8, 0)
    expected = [(f"{n // 2:06d}", f"turn {n % 2 + 1} of {n // 2:06d}, again {n // 2:06d}".encode()) for n in range(8)]
    assert seen == expected


def test_bodies_are_the_same_every_time_and_have_the_sizes_they_claim(tmp_path: Path) -> None:
    for run in ("a", "b"):
        command = [sys.executable, str(BENCH / "bodies.py"), str(tmp_path / run)]
        subprocess.run(command, check=True, capture_output=True)
    sizes = {}
    for path in sorted((tmp_path / "a").iterdir()):
        content = path.read_bytes()
        assert content == (tmp_path / "b" / path.name).read_bytes()
        assert json.loads(content)["stream"] is True
        sizes[path.stem] = len(content)
    assert sizes["small"] == pytest.approx(2_200, rel=0.05)
    assert sizes["mid"] == pytest.approx(242_000, rel=0.02)
    assert sizes["big"] == pytest.approx(2_070_000, rel=0.02)
    assert sizes["session-8"] == sizes["mid"]


def test_each_turn_of_a_session_begins_with_the_one_before(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(BENCH / "bodies.py"), str(tmp_path)], check=True, capture_output=True)
    turns = [json.loads((tmp_path / f"session-{number}.json").read_bytes()) for number in range(1, 9)]
    for earlier, later in itertools.pairwise(turns):
        assert later["tools"] == earlier["tools"]
        assert later["system"] == earlier["system"]
        count = len(earlier["messages"])
        assert len(later["messages"]) > count
        assert later["messages"][: count - 1] == earlier["messages"][:-1]  # the last one moves its cache_control on


@pytest.mark.parametrize(
    ("turnout_us", "disturbed", "error", "kept"),
    [
        (900.0, 0.0, "", True),
        (1100.0, 0.0, "", False),
        (900.0, 0.0, "3 of 9 answers were wrong", False),
        (900.0, 0.5, "", None),
        (1100.0, 0.5, "", None),
    ],
)
def test_a_goal_is_judged_by_its_ratio_unless_neighbours_disturbed_the_runs(
    monkeypatch: pytest.MonkeyPatch, turnout_us: float, disturbed: float, error: str, kept: bool | None
) -> None:
    monkeypatch.syspath_prepend(str(BENCH))
    report, cases = importlib.import_module("report"), importlib.import_module("cases")
    figures = report.Figures(
        [
            cases.Sample(case="request", target="nginx", round=0, values={"cpu_us": 100.0}),
            cases.Sample(
                case="request",
                target="turnout",
                round=0,
                values={"cpu_us": turnout_us, "disturbed": disturbed},
                error=error,
            ),
        ]
    )
    goal = next(goal for goal in report.GOALS if goal.case == "request")
    assert goal.limit == 10
    assert goal.kept(figures) is kept


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_a_tiny_run_prints_ratios() -> None:
    command = [sys.executable, str(BENCH / "run.py"), "--json", "--rounds", "1", "--seconds", "0.1"]
    command += ["--only", "ttft,request,burst", "--targets", "direct,nginx,reference"]
    done = subprocess.run(command, capture_output=True, timeout=60, text=True)
    assert done.returncode == 0, done.stderr

    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert report["results"]["request"]["reference"]["cpu_us"]["times_nginx"] > 1
    assert report["results"]["ttft"]["reference"]["added_us"]["median"] > 0
    assert report["results"]["burst"]["nginx"]["events_s"]["median"] > 0
    assert {goal["kept"] for goal in report["goals"]} == {None}  # Turnout was not asked for
