"""`turnout trace`: recorded at a running gateway, shown, and sent again to another upstream."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import anthropic
import pytest

from tests.cli.command import read_until, running, turnout
from turnout.ledger import trace
from turnout.simulator import FunctionCall, Message, Reasoning, Simulator, Turn

TOKEN = "a-token-of-the-tests"
ANSWER = "An answer of a few words."
ASKED = {"model": "claude-opus-5-5", "max_tokens": 9000}
TOOL = {"name": "Read", "description": "Reads.", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running_one:
        yield running_one


def converse(url: str) -> None:
    """Two turns: a tool call, streamed, and an answer, whole."""
    client = anthropic.Anthropic(base_url=url, auth_token=TOKEN, api_key=None, max_retries=0)
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Write to ada@example.com."}]
    with client.messages.stream(messages=messages, tools=[TOOL], **ASKED) as stream:  # type: ignore[arg-type]
        first = stream.get_final_message()
    [call] = [block for block in first.content if block.type == "tool_use"]
    messages += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "done"}]},
    ]
    client.messages.create(messages=messages, tools=[TOOL], **ASKED)  # type: ignore[call-overload]


def script(simulator: Simulator) -> None:
    simulator.reset()
    simulator.script(
        Turn(output=[Reasoning(summary=["Hm."]), FunctionCall(name="Read", arguments={})]), Message(text=ANSWER)
    )


def variables(simulator: Simulator, home: Path) -> dict[str, str]:
    simulator.write_auth_json(home / "codex")
    return {"CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses", "TURNOUT_TOKEN": TOKEN}


@pytest.fixture(scope="module")
def recorded(simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace made with `turnout serve --trace`."""
    home = tmp_path_factory.mktemp("recording")
    file = home / "session.jsonl"
    script(simulator)
    with running(home, "serve", "--port", "0", "--trace", str(file), variables=variables(simulator, home)) as process:
        url = re.search(r"http://\S+", read_until(process, " claude"))
        assert url
        converse(url[0])
        process.terminate()
        _, errors = process.communicate(timeout=10)
    assert "Recording a trace to" in errors
    assert "Prompts, files and answers stand in it as they are" in errors
    return file


def test_it_is_recorded_from_the_start_of_a_gateway(recorded: Path) -> None:
    found = trace.read(recorded)
    assert [exchange.record.status for exchange in found.exchanges if exchange.record] == [200, 200]
    text = recorded.read_text("utf-8")
    assert "email-1@redacted.invalid" in text
    assert ANSWER in text
    for secret in ("ada@example.com", TOKEN, "turnout:1:"):
        assert secret not in text


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_it_is_recorded_at_a_running_gateway_until_ctrl_c(simulator: Simulator, tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    environ = variables(simulator, tmp_path)
    script(simulator)
    with running(tmp_path, "serve", "--port", "0", variables=environ) as gateway:
        url = re.search(r"http://\S+", read_until(gateway, " claude"))
        assert url
        with running(tmp_path, "trace", "record", str(file), "--url", url[0], variables=environ) as recorder:
            deadline = time.monotonic() + 10
            while not file.exists() or not file.stat().st_size:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            again = turnout(tmp_path, "trace", "record", "other.jsonl", "--url", url[0], variables=environ)
            converse(url[0])
            while file.read_bytes().count(b'{"kind":"end"') < 2:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            recorder.send_signal(signal.SIGINT)
            _, errors = recorder.communicate(timeout=10)
            assert recorder.returncode == 0
    assert "Recording a trace" in errors
    assert re.search(r"2 requests, [\d,]+ bytes in ", errors)
    assert len(trace.read(file).exchanges) == 2
    assert again.returncode == 1
    assert "records a trace already" in again.stderr
    assert not (tmp_path / "other.jsonl").exists()


def test_no_gateway_and_a_wrong_token(simulator: Simulator, tmp_path: Path) -> None:
    done = turnout(tmp_path, "trace", "record", "t.jsonl", "--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "No gateway answers at http://127.0.0.1:9" in done.stderr
    with running(tmp_path, "serve", "--port", "0", variables=variables(simulator, tmp_path)) as gateway:
        url = re.search(r"http://\S+", read_until(gateway, " claude"))
        assert url
        done = turnout(tmp_path, "trace", "record", "t.jsonl", "--url", url[0], "--token", "wrong")
    assert done.returncode == 1
    assert "refuses (401)" in done.stderr
    assert not (tmp_path / "t.jsonl").exists()


def test_it_is_shown_as_a_timeline(recorded: Path, tmp_path: Path) -> None:
    done = turnout(tmp_path, "trace", "show", str(recorded))
    assert done.returncode == 0
    rows = [line.strip() for line in done.stdout.splitlines()]
    assert sum("POST /v1/messages" in row for row in rows) == 2
    for words in (
        r"client ▸ turnout +[\d,]+ bytes",
        r"turnout ▸ upstream +attempt 1 to codex: ",
        r"upstream ▸ turnout +response\.completed",
        r"turnout ▸ client +message_start",
        r"end +200 · tool_use · tools: Read · ",
        r"end +200 · end_turn · ",
    ):
        assert re.search(words, done.stdout), words
    full = turnout(tmp_path, "trace", "show", str(recorded), "--full")
    assert ANSWER in full.stdout


def test_it_is_sent_again_and_compared(simulator: Simulator, recorded: Path, tmp_path: Path) -> None:
    script(simulator)
    done = turnout(tmp_path, "trace", "replay", str(recorded), variables=variables(simulator, tmp_path))
    assert done.returncode == 0, done.stderr
    assert "2 of 2 requests came out alike" in done.stdout
    assert re.search(r"stop reason +tool_use +tool_use", done.stdout)
    _, two = simulator.requests
    assert [item.get("type") for item in two.input].count("function_call_output") == 1
    assert not any(item.get("type") == "reasoning" for item in two.input), "it belongs to another account"


def test_it_is_sent_to_another_upstream(simulator: Simulator, recorded: Path, tmp_path: Path) -> None:
    simulator.reset()
    simulator.script(Message(text="No tool."))
    simulator.fault("context-400", after=1, times=3)
    environ = {"OPENAI_API_KEY": simulator.api_key}
    done = turnout(
        tmp_path, "trace", "replay", str(recorded), "--upstream", simulator.openai_url, "--json", variables=environ
    )
    assert done.returncode == 1
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["then"]["tools"], "tools" in first["now"]) == (["Read"], False)
    assert set(first["differences"]) == {"stop_reason", "tools"}
    assert second["now"]["status"] >= 400
    assert "status" in second["differences"]
    assert all(call.path == "/v1/responses" for call in simulator.requests)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("hello", "is not a trace"),
        ('{"kind":"trace","turnout":"1","at":1}', "There is no request in"),
    ],
)
@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_file_that_is_no_trace(tmp_path: Path, content: str, words: str, command: str) -> None:
    (tmp_path / "t.jsonl").write_text(content)
    done = turnout(tmp_path, "trace", command, "t.jsonl")
    assert done.returncode == 1
    assert words in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = turnout(tmp_path, "trace", "show", "none.jsonl")
    assert done.returncode == 1
    assert "none.jsonl" in done.stderr
