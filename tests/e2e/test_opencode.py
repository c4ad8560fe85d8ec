"""The real opencode at both doors of OpenAI's: its own tools, thoughts, usage, sessions, a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.opencode import Opencode
from tests.e2e.script import SUMMARY, call, say, use
from tests.e2e.upstream import assert_prefix_grows, issued_reasoning, replayed_reasoning, tool_outputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.stack import Stack
    from turnout.simulator import RecordedRequest

MODEL = "gpt-5.5"
OPENROUTER = "@openrouter/ai-sdk-provider"
DOORS = {
    "@ai-sdk/openai": "/v1/responses",
    "@ai-sdk/openai-compatible": "/v1/chat/completions",
    OPENROUTER: "/v1/chat/completions",
}
PATCH = "*** Begin Patch\n*** Add File: track.txt\n+seven\n*** End Patch\n"


@pytest.fixture(params=DOORS)
def package(request: pytest.FixtureRequest) -> str:
    """Runs the test once with each package that asks at a door of OpenAI's."""
    chosen: str = request.param
    return chosen


@pytest.fixture
def user(package: str, stack: Stack, tmp_path: Path) -> Iterator[Opencode]:
    with Opencode(tmp_path / "user", stack.gateway, package=package, model=MODEL) as user:
        yield user
        assert not user.asked_elsewhere


def tokens(request: RecordedRequest) -> dict[str, Any]:
    """What opencode says of a request's tokens, by the usage that upstream told."""
    used = request.usage or {}
    cached, thought = used["input_tokens_details"]["cached_tokens"], used["output_tokens_details"]["reasoning_tokens"]
    return {
        "total": used["total_tokens"],
        "input": used["input_tokens"] - cached,
        "output": used["output_tokens"] - thought,
        "reasoning": thought,
        "cache": {"write": 0, "read": cached},
    }


def parts(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event["part"] for event in events if event["type"] == kind]


def test_its_tools_run(user: Opencode, package: str, stack: Stack) -> None:
    stack.play(
        use(call("bash", command="echo from-the-shell", description="Says where it is")),
        use(call("apply_patch", patchText=PATCH)),
        say("All done."),
    )
    before = stack.gateway.settled_log().count(f"path={DOORS[package]}")

    events = user.run("Write the track down.")

    assert [part["text"] for part in parts(events, "text")] == ["All done."]
    assert (user.work / "track.txt").read_text() == "seven\n"
    # OpenRouter's package shows `reasoning` only, which this door leaves to `reasoning_content`.
    shown = [] if package == OPENROUTER else [SUMMARY] * 3
    assert [part["text"] for part in parts(events, "reasoning")] == shown
    asked = stack.conversation
    assert {request.status for request in stack.requests} == {200}
    assert len(asked) == 3
    assert stack.gateway.settled_log().count(f"path={DOORS[package]}") - before == len(stack.requests)
    assert "from-the-shell" in tool_outputs(asked[1])[0]
    assert "track.txt" in tool_outputs(asked[2])[1]
    assert_prefix_grows(asked)
    # The package for compatible servers keeps nothing of Chat Completions' `reasoning_details`.
    sent_back = [] if package == "@ai-sdk/openai-compatible" else issued_reasoning(asked[:2])
    assert replayed_reasoning(asked[2]) == sent_back
    assert [part["tokens"] for part in parts(events, "step_finish")] == [tokens(request) for request in asked]


def test_a_session_goes_on(user: Opencode, stack: Stack) -> None:
    stack.play(say("One."), say("Two."))
    user.run("First.")
    assert [part["text"] for part in parts(user.run("Second.", "--continue"), "text")] == ["Two."]
    assert_prefix_grows(stack.conversation)


def test_a_refusal_is_told_and_not_tried_again(user: Opencode, stack: Stack) -> None:
    stack.simulator.fault("403", times=5)
    with pytest.raises(AssertionError, match=r"Check the account's plan and region"):
        user.run("First.", "--title", "None asked for")
    assert len(stack.requests) == 1
