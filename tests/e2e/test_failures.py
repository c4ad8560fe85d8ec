"""What goes wrong upstream ends well for the user, or ends soon and says what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import COMPACTION, bash, say, use
from turnout.simulator import Message, Settings, Turn, When, WireStyle

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.claude_code import Result
    from tests.e2e.stack import Stack

ANSWER = "All is well: 橋は持つ. " + "The bridge holds, and so does every plank of it. " * 5
STREAM_JSON = ("--output-format", "stream-json", "--verbose")
SOON = 15.0
"""Seconds after which a user would wonder. A client that retries in vain goes on for minutes."""


@pytest.mark.capability("A conversation that is too long")
@pytest.mark.parametrize("overflow", ["failed:context_length_exceeded", "context-400"])
def test_a_conversation_that_is_too_long_is_compacted_and_goes_on(
    claude: ClaudeCode, stack: Stack, overflow: str
) -> None:
    summary = "<analysis>Two commands.</analysis>\n<summary>The user counted from one to two.</summary>"
    stack.play(
        Turn(output=[Message(text=summary)], when=COMPACTION),
        say("Three.", when=When(last_user_text="On to three"), fault=overflow),
        use(bash("echo one")),
        say("One."),
        use(bash("echo two")),
        say("Two."),
    )
    claude.run("Count to one", "--allowedTools", "Bash").succeeded()
    claude.run("On to two", "--continue", "--allowedTools", "Bash").succeeded()
    assert claude.run("On to three", "--continue").succeeded().stdout == "Three.\n"
    too_long, compaction, resumed = stack.requests[4:]
    assert upstream.tool_outputs(too_long) == ["one", "two"]
    assert "Respond with TEXT ONLY" in upstream.texts(compaction, "user")[-1]
    assert "one" not in upstream.tool_outputs(resumed), "the start of the conversation is now in the summary"
    assert "The user counted from one to two." in "".join(upstream.texts(resumed, "user"))


@pytest.mark.capability("A plan's limit that is reached")
def test_a_used_up_limit_ends_the_turn_at_once_and_tells_when_it_resets(claude: ClaudeCode, stack: Stack) -> None:
    stack.simulator.fault("429-usage-limit:7200", times=100)
    result = claude.run("Hello")
    assert result.code == 1
    assert re.search(r"usage limit has been reached. It resets at .* UTC \(in (2h 0m|1h 59m)\)", result.stdout)
    assert result.seconds < SOON
    assert len(stack.requests) == 1


@pytest.mark.capability("Failures that pass")
@pytest.mark.parametrize("fault", ["429-burst:1", "429-burst"])
def test_what_passes_soon_is_tried_again(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    stack.play(say(ANSWER))
    stack.simulator.fault(fault)
    result = claude.run("Hello").succeeded()
    assert result.stdout == f"{ANSWER}\n"
    assert len(stack.requests) == 2
    assert result.seconds < SOON


@pytest.mark.capability("Failures that pass")
@pytest.mark.parametrize(
    "fault",
    [
        "500",
        "502-html",
        "drop-before-first-byte",
        "drop-after-created",
        "json-error-200",
        "503",
        "failed-after-created:server_is_overloaded",
        "failed-after-created:slow_down",
    ],
)
def test_one_failure_before_any_output_is_not_noticed(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    stack.play(say(ANSWER))
    stack.simulator.fault(fault)
    result = claude.run("Hello", *STREAM_JSON).succeeded()
    assert _final(result) == ANSWER
    assert [request.fault for request in stack.requests] == [fault, None]
    assert not [event for event in result.events if event.get("subtype") == "api_retry"], "the client saw no failure"


def test_an_overload_that_stays_for_a_while_is_waited_out_by_the_client(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    stack.simulator.fault("503", times=3)
    assert claude.run("Hello").succeeded().stdout == f"{ANSWER}\n"
    assert [request.fault for request in stack.requests] == ["503", "503", "503", None], "twice for each of its tries"


CUTS = ["drop-mid-text", "reset-mid-text", "eof-mid-text", "failed-mid-text:server_error"]


@pytest.mark.capability("Answers that are cut")
@pytest.mark.parametrize("fault", ["drop-mid-reasoning", *CUTS])
def test_a_cut_answer_is_never_taken_for_a_whole_one(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    stack.play(say(ANSWER) if "reasoning" in fault else Turn(output=[Message(text=ANSWER)]))
    stack.simulator.fault(fault)
    result = claude.run("Hello").succeeded()
    assert result.stdout == f"{ANSWER}\n"
    assert len(stack.requests) == 2


# A reset is left out: it throws away what the gateway had not read yet, so the cut may lie before the thought.
@pytest.mark.capability("Answers that are cut")
@pytest.mark.parametrize("fault", [cut for cut in CUTS if cut != "reset-mid-text"])
def test_a_cut_after_a_whole_thought_is_not_hidden(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    """2.1.328 asks again. 2.1.197 cannot once any block is complete, whatever it is sent: it must say so."""
    stack.play(say(ANSWER))
    stack.simulator.fault(fault)
    result = claude.run("Hello")
    if claude.version == "2.1.197":
        assert result.code == 1
        assert result.stdout.startswith("API Error: ")
    else:
        assert result.succeeded().stdout == f"{ANSWER}\n"


@pytest.mark.capability("Answers that are cut")
def test_a_call_whose_arguments_were_cut_is_never_run(claude: ClaudeCode, stack: Stack) -> None:
    trace = claude.work / "trace.txt"
    stack.play(Turn(output=[bash(f"echo run >> {trace}")]), say("Done."))
    stack.simulator.fault("drop-mid-arguments")
    assert claude.run("Run it", "--allowedTools", "Bash").succeeded().stdout == "Done.\n"
    assert trace.read_text() == "run\n", "once, by the second try"


def test_a_stream_in_tiny_pieces_reads_the_same(version: str, own_stack: Callable[..., Stack], tmp_path: Path) -> None:
    style = WireStyle(crlf=True, data_only=True, comments=True, split=3)
    stack = own_stack(Settings(style=style))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.play(use(bash("echo 橋")), say(ANSWER))
    assert claude.run("Hello", "--allowedTools", "Bash").succeeded().stdout == f"{ANSWER}\n"
    assert upstream.tool_outputs(stack.requests[1]) == ["橋"]


@pytest.mark.capability("Sign-in problems")
@pytest.mark.parametrize("fault", ["401", "failed:usage_not_included", "429-usage-not-included", "403", "403-html"])
def test_an_account_that_is_refused_is_told_so_soon(claude: ClaudeCode, stack: Stack, fault: str) -> None:
    stack.simulator.fault(fault, times=100)
    result = claude.run("Hello")
    assert result.code == 1
    assert result.seconds < SOON
    assert len(stack.requests) <= 2
    assert "<html" not in result.stdout.lower()
    if fault == "401":
        assert "turnout login" in result.stdout


@pytest.mark.capability("Sign-in problems")
def test_a_sign_in_that_is_over_for_good_names_the_command_and_asks_no_model(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = own_stack(Settings(token_lifetime=-60))
    stack.simulator.account_fault("expired", times=100)
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    result = claude.run("Hello")
    assert result.code == 1
    assert "turnout login" in result.stdout
    assert result.seconds < SOON
    assert stack.requests == []


@pytest.mark.capability("Sign-in problems")
def test_a_wrong_token_is_told_soon(version: str, stack: Stack, tmp_path: Path) -> None:
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, "not-the-token")
    result = claude.run("Hello")
    assert result.code == 1
    assert "token" in result.stdout
    assert result.seconds < SOON
    assert stack.requests == []


def test_a_model_that_the_account_lacks_is_named(claude: ClaudeCode, stack: Stack) -> None:
    result = claude.run("Hello", "--model", "gpt-9-imaginary")
    assert result.code == 1
    assert "gpt-9-imaginary" in result.stdout
    assert result.seconds < SOON


@pytest.mark.capability("Long silences")
def test_an_upstream_that_falls_silent_is_given_up_and_asked_again(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    """Fifteen minutes of silence by default; two seconds here, with the same ending."""
    stack = own_stack(TURNOUT_UPSTREAM_IDLE_SECONDS="2", TURNOUT_KEEPALIVE_SECONDS="0.5")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.simulator.settings.keepalive_seconds = 0
    stack.play(Turn(output=[Message(text=ANSWER)]))
    stack.simulator.fault("stall-mid-text")
    assert claude.run("Hello").succeeded().stdout == f"{ANSWER}\n"
    silent, answered = stack.requests
    assert silent.disconnected_at is not None, "the dead connection was closed"
    assert answered.status == 200


def test_an_upstream_that_cannot_be_reached_is_named(
    version: str, tmp_path: Path, own_stack: Callable[..., Stack]
) -> None:
    stack = own_stack(CODEX_API_ENDPOINT="http://127.0.0.1:9/backend-api/codex/responses")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    result = claude.run("Hello", environment={"CLAUDE_CODE_MAX_RETRIES": "1"})
    assert result.code == 1
    assert "No connection to 127.0.0.1" in result.stdout


def _final(result: Result) -> str:
    text: str = result.events[-1]["result"]
    return text
