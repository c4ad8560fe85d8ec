"""Claude Code on a server that has nothing but Chat Completions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from tests.e2e.stack import Stack, start_gateway
from turnout.simulator import ChatRules, Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STRICT = ChatRules(one_system_message=True)
"""As strict as such servers are: no role ``developer``, no second system message, results right behind their calls."""


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The gateway knows this upstream and has no other login or key."""
    with Simulator(settings=Settings(chat=STRICT)) as simulator:
        box = {"base_url": simulator.openai_url, "wire": "chat", "key": "env:BOX_KEY", "model": "qwen3-coder"}
        environment = {
            "TURNOUT_CUSTOM": json.dumps({"box": box, "gone": {"base_url": "http://127.0.0.1:9/v1", "wire": "chat"}}),
            "BOX_KEY": simulator.api_key,
            "CODEX_HOME": str(tmp_path / "nothing"),
            "OPENAI_API_KEY": "",
        }
        with start_gateway(simulator, tmp_path / "gateway", upstream="box", environment=environment) as gateway:
            yield Stack(simulator, gateway)


def bodies(stack: Stack) -> list[dict[str, Any]]:
    """What arrived of the coding conversation."""
    found = [json.loads(request.raw) for request in stack.requests]
    return [body for body in found if body.get("tools")]


def test_a_session_with_tools_and_thoughts(version: str, stack: Stack, tmp_path: Path) -> None:
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.play(use(bash("echo one"), bash("echo two"), saying="I count."), say("Done."), say("Again."))
    assert claude.run("Count", "--allowedTools", "Bash").succeeded().stdout == "Done.\n"
    assert claude.run("Once more", "--continue").succeeded().stdout == "Again.\n"

    assert {request.path for request in stack.requests} == {"/v1/chat/completions"}
    assert {request.status for request in stack.requests} == {200}
    first, second, third = bodies(stack)
    assert first["model"] == "qwen3-coder"
    assert first["stream_options"] == {"include_usage": True}
    turn = [each for each in second["messages"] if each["role"] in ("assistant", "tool")]
    assert turn[0]["content"] == "I count."
    assert turn[0]["reasoning_content"] == "Weighing what to do next."
    assert [call["function"]["name"] for call in turn[0]["tool_calls"]] == ["Bash", "Bash"]
    results = {result["tool_call_id"]: result["content"].strip() for result in turn[1:]}
    assert [results[called["id"]] for called in turn[0]["tool_calls"]] == ["one", "two"]
    # DeepSeek and its like want reasoning back while tools are called, and not once the user has spoken again.
    assert not any("reasoning_content" in each for each in third["messages"])


def test_a_chain_goes_on_where_a_server_is_gone(stack: Stack, tmp_path: Path) -> None:
    """The first of the chain does not answer at all; Claude Code never hears of it."""
    claude = ClaudeCode(CLAUDE_CODE_VERSIONS[-1], tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.play(use(bash("echo one")), say("Done."))
    asked = claude.run("Count", "--model", "[gone/x, box/qwen3-coder]", "--allowedTools", "Bash").succeeded()
    assert asked.stdout == "Done.\n"
    assert {body["model"] for body in bodies(stack)} == {"qwen3-coder"}
