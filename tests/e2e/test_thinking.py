"""The model's encrypted reasoning travels through the client and comes back to the upstream byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from turnout.simulator import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stack import Stack


@pytest.mark.capability("Thinking kept from turn to turn")
def test_reasoning_comes_back_across_tool_turns(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo one")), use(bash("echo two")), say("Done."))
    claude.run("Count", "--allowedTools", "Bash").succeeded()
    first, second, third = stack.requests
    assert upstream.replayed_reasoning(first) == []
    assert upstream.replayed_reasoning(second) == upstream.issued_reasoning([first]) != []
    assert upstream.replayed_reasoning(third) == upstream.issued_reasoning([first, second])


@pytest.mark.capability("Thinking kept from turn to turn", "Continue and resume (--continue, --resume)")
def test_reasoning_comes_back_in_a_new_process(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo one")), say("One."), say("Two."), say("Three."))
    first = claude.run("Count to one", "--allowedTools", "Bash", "--output-format", "json").succeeded().json
    claude.run("On to two", "--continue").succeeded()
    claude.run("On to three", "--resume", first["session_id"]).succeeded()
    *earlier, last = stack.requests
    assert len(earlier) == 3
    issued = upstream.issued_reasoning(earlier)
    assert len(issued) == 3
    assert upstream.replayed_reasoning(last) == issued


def test_reasoning_of_another_account_is_left_out(
    version: str, own_stack: Callable[..., Stack], claude: ClaudeCode, stack: Stack
) -> None:
    """Whoever signs in to another account keeps the conversation; the thoughts of the old one mean nothing there."""
    stack.play(use(bash("echo one")), say("One."))
    claude.run("Count to one", "--allowedTools", "Bash").succeeded()
    other = own_stack(accounts=[Account(account_id="5e0f1a52-7a4e-4d8e-9a55-51b0a70f0002", email="eve@example.com")])
    other.play(say(""), say(""), say("Two."))
    moved = {"ANTHROPIC_BASE_URL": other.gateway.url}
    assert claude.run("On to two", "--continue", environment=moved).succeeded().stdout == "Two.\n"
    [request] = other.requests
    assert upstream.replayed_reasoning(request) == []
    assert upstream.tool_outputs(request) == ["one"], "what was said and done stays"


def test_reasoning_of_another_model_is_left_out(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("One."), say("Two."))
    claude.run("Count to one", "--model", "gpt-5.5").succeeded()
    assert claude.run("On to two", "--continue", "--model", "gpt-5.6-sol").succeeded().stdout == "Two.\n"
    assert upstream.replayed_reasoning(stack.requests[-1]) == []


def test_reasoning_that_the_upstream_refuses_costs_one_more_request(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo one")), say("Done."))
    stack.simulator.fault("invalid-encrypted")
    assert claude.run("Count", "--allowedTools", "Bash").succeeded().stdout == "Done.\n"
    _, refused, retried = stack.requests
    assert refused.status == 400
    assert upstream.replayed_reasoning(refused) != []
    assert upstream.replayed_reasoning(retried) == []
    assert upstream.tool_outputs(retried) == ["one"]


@pytest.mark.capability("Thinking kept from turn to turn", "Prompt cache")
def test_thirty_turns_keep_their_prefix_and_the_cache_serves_them(claude: ClaudeCode, stack: Stack) -> None:
    steps = [use(bash(f"printf '%400d' {number}"), saying=f"Step {number}.") for number in range(28)]
    stack.play(*steps, say("Half."), say("All."))
    # Without a name 2.1.197 asks for another model after --continue, which changes a tool (claude-code-wire.md 10).
    claude.run("Take many steps", "--model", "opus", "--allowedTools", "Bash", timeout=120).succeeded()
    claude.run("And one more", "--model", "opus", "--continue").succeeded()
    requests = stack.requests
    assert len(requests) == 30
    upstream.assert_prefix_grows(requests)
    assert upstream.replayed_reasoning(requests[-1]) == upstream.issued_reasoning(requests[:-1])
    shares = [_cached_share(request.usage) for request in requests]
    assert shares[0] == 0
    assert min(shares[1:]) > 0.9
    cached = [request.usage["input_tokens_details"]["cached_tokens"] for request in requests if request.usage]
    assert cached == sorted(cached)


def _cached_share(usage: dict[str, object] | None) -> float:
    assert usage is not None
    details = usage["input_tokens_details"]
    assert isinstance(details, dict)
    share: float = details["cached_tokens"] / usage["input_tokens"]
    return share
