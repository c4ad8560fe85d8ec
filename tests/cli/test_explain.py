"""`turnout explain`: what it shows of a record, and what it says when there is none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import anthropic
import pytest

from tests.cli.command import read_until, running, turnout
from turnout.cli.explanation import duration, spans
from turnout.ledger.prefix import Parting
from turnout.ledger.record import PrefixFinding, RequestRecord
from turnout.ledger.store import JsonLinesStore
from turnout.protocol.errors import FailureKind
from turnout.protocol.fidelity import approximated, dropped, mapped
from turnout.simulator import Simulator
from turnout.translate.messages_writer import TokenUsage

GOOD = RequestRecord(
    request_id="req_5f0c2a9d41b7e3860000002a",
    at=1_795_176_000.0,
    session="1f3a9c07",
    client="claude-cli",
    client_version="2.1.328",
    streamed=True,
    model_asked="claude-opus-5-5",
    slot="opus",
    upstream="codex",
    model="gpt-6-astra",
    effort_asked="max",
    effort="xhigh",
    framing="lite",
    tier="priority",
    account="bef1b494",
    status=200,
    attempts=2,
    sent_ms=1.5,
    opened_ms=301.5,
    ttft_ms=1300.0,
    total_ms=5300.0,
    usage=TokenUsage(input_tokens=40_000, cached_tokens=10_000, output_tokens=900, reasoning_tokens=300),
    notes=(
        mapped("", "sent once more after: cut"),
        dropped("tools[2]", "the server tool code_execution is not offered upstream"),
        approximated("effort", "max became xhigh"),
    ),
    prefix=PrefixFinding(
        verdict="changed",
        against="req_5f0c2a9d41b7e38600000029",
        seconds=12.0,
        tokens=49_000,
        parting=Parting(
            place="tools[3] (Bash)", path=".description", offset=57, size=812, detail="the text goes on", shared=0.2
        ),
    ),
)
FAILED = RequestRecord(
    request_id="req_5f0c2a9d41b7e3860000002b",
    status=529,
    model_asked="claude-haiku-4-5",
    model="gpt-6-luna",
    failure=FailureKind.OVERLOADED,
    failure_text="The model is at capacity.",
    sent_ms=1.0,
    total_ms=220.0,
)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which two requests have been recorded."""
    JsonLinesStore(tmp_path / "turnout" / "state" / "requests").append([GOOD, FAILED])
    return tmp_path


def test_all_of_a_record_is_told(home: Path) -> None:
    done = turnout(home, "explain", GOOD.request_id)
    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "claude-cli 2.1.328 · session 1f3a9c07",
        "claude-opus-5-5 → gpt-6-astra · xhigh (asked: max) · priority · codex · account bef1b494 · slot opus",
        "lite framing",
        "1.5 ms gateway · 300 ms waiting for upstream · 998 ms to the first output · 4.0 s answer",
        "2, of which the times are the last one's",
        "50,000 in, 10,000 (20%) from the cache · 900 out, 300 of them thinking",
        "Missed. The prompt changed against req_5f0c2a9d41b7e38600000029 at tools[3] (Bash), byte 57 of 812",
        "80% of the prompt",
    ):
        assert words in done.stdout, words
    notes = re.findall(r"^(\S.*) \((\w+)\)$", done.stdout, re.M)
    assert notes == [("Left out", "dropped"), ("Said with less", "approximated"), ("Said otherwise", "mapped")]
    assert re.search(r"tools\[2\] +the server tool code_execution is not offered upstream", done.stdout)
    assert re.search(r"the request +sent once more after: cut", done.stdout)


@pytest.mark.parametrize("arguments", [(), ("last",), ("0000002b",), ("req_5f0c2a9d41b7e3860000002b",)])
def test_the_last_one_and_those_that_are_named_in_short(home: Path, arguments: tuple[str, ...]) -> None:
    done = turnout(home, "explain", *arguments)
    assert done.returncode == 0
    assert "overloaded  The model is at capacity." in done.stdout
    assert "until it failed" in done.stdout


def test_json_has_all_of_it_and_the_conclusions(home: Path) -> None:
    done = turnout(home, "explain", GOOD.request_id, "--json")
    found = json.loads(done.stdout)
    assert found["prefix"]["parting"]["place"] == "tools[3] (Bash)"
    assert (found["cache_missed"], found["cached_share"]) == (True, 0.2)
    assert found["cache"].startswith("The prompt changed against req_")
    assert [note["action"] for note in found["notes"]] == ["mapped", "dropped", "approximated"]


def test_a_list_of_the_latest(home: Path) -> None:
    done = turnout(home, "explain", "--list")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["request", FAILED.request_id, GOOD.request_id]
    listed = json.loads(turnout(home, "explain", "--list", "--json").stdout)["requests"]
    assert [each["request_id"] for each in listed] == [FAILED.request_id, GOOD.request_id]


def test_an_unknown_one_offers_others(home: Path) -> None:
    done = turnout(home, "explain", "req_5f0c2a9d41b7e3860000002c")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no record of req_5f0c2a9d41b7e3860000002c." in done.stderr
    assert GOOD.request_id in done.stderr
    assert FAILED.request_id in done.stderr


def test_a_piece_that_fits_several(home: Path) -> None:
    done = turnout(home, "explain", "req_5f0c")
    assert done.returncode == 1
    assert "several requests" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("req_1",), ("--list",)])
def test_nothing_recorded_yet(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = turnout(tmp_path, "explain", *arguments)
    assert done.returncode == 1
    assert "No request has been recorded yet." in done.stderr


def test_an_output_without_utf_8_gets_plain_bars(home: Path) -> None:
    done = turnout(home, "explain", GOOD.request_id, variables={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert re.search(r"time +#{40,}", done.stdout)


def test_what_a_gateway_did_is_explained_while_it_runs_and_after(tmp_path: Path) -> None:
    with Simulator() as simulator:
        simulator.write_auth_json(tmp_path / "codex")
        variables = {"CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses", "TURNOUT_TOKEN": "a-token"}
        with running(tmp_path, "serve", "--port", "0", variables=variables) as process:
            url = re.search(r"http://\S+", read_until(process, " claude"))
            assert url
            client = anthropic.Anthropic(base_url=url[0], auth_token="a-token", api_key=None, max_retries=0)
            message = client.messages.create(
                model="claude-opus-5-5", max_tokens=9000, messages=[{"role": "user", "content": "Hello."}]
            )
            request_id = message._request_id
            assert request_id
            for _ in range(50):
                done = turnout(tmp_path, "explain", request_id)
                if done.returncode == 0:
                    break
            assert request_id in done.stdout
            process.terminate()
            assert process.wait(10) == 0
    assert f"{request_id}" in turnout(tmp_path, "explain", "last").stdout


def test_records_are_not_written_if_they_are_not_wanted(tmp_path: Path) -> None:
    variables = {"TURNOUT_TOKEN": "a-token", "TURNOUT_RECORDS": "false"}
    with running(tmp_path, "serve", "--port", "0", variables=variables) as process:
        url = re.search(r"http://\S+", read_until(process, " claude"))
        assert url
        with pytest.raises(anthropic.APIStatusError):
            anthropic.Anthropic(base_url=url[0], auth_token="a-token", api_key=None, max_retries=0).messages.create(
                model="claude-opus-5-5", max_tokens=9000, messages=[{"role": "user", "content": "Hello."}]
            )
        process.terminate()
        process.wait(10)
    assert not (tmp_path / "turnout" / "state" / "requests").exists()


def test_the_stretches_of_a_requests_time_add_up() -> None:
    assert sum(span.milliseconds for span in spans(GOOD)) == pytest.approx(GOOD.total_ms)
    assert [span.what for span in spans(FAILED)] == ["gateway", "until it failed"]
    assert [span.what for span in spans(RequestRecord(request_id="r", total_ms=2.0))] == ["until it ended"]


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [(0.84, "0.8 ms"), (412.4, "412 ms"), (3_240, "3.2 s"), (125_000, "2 min 5 s"), (3_600_000, "60 min 0 s")],
)
def test_durations_for_people(milliseconds: float, words: str) -> None:
    assert duration(milliseconds) == words
