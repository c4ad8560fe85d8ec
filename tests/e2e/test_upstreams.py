"""The other ways to the models: the OpenAI API by key, and the backend's lite framing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from turnout.simulator import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack


def test_a_session_by_api_key(version: str, own_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = own_stack(upstream="openai")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.play(use(bash("echo one"), bash("echo two")), say("Done."), say("Again."))
    assert claude.run("Count", "--allowedTools", "Bash").succeeded().stdout == "Done.\n"
    assert claude.run("Once more", "--continue").succeeded().stdout == "Again.\n"
    assert {request.path for request in stack.requests} == {"/v1/responses"}
    first, second, third = stack.requests
    assert upstream.tool_outputs(second) == ["one", "two"]
    assert upstream.replayed_reasoning(third) == upstream.issued_reasoning([first, second])


def test_a_model_that_wants_lite_framing_gets_it(version: str, own_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = own_stack(Settings(require_lite={"gpt-6-astra"}))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    stack.play(use(bash("echo one")), say("Done."))
    result = claude.run("Count", "--model", "gpt-6-astra", "--allowedTools", "Bash").succeeded()
    assert result.stdout == "Done.\n"
    refused, *accepted = stack.requests
    assert (refused.status, len(accepted)) == (400, 2), "one refusal teaches it for good"
    assert all("x-openai-internal-codex-responses-lite" in request.headers for request in accepted)
    assert upstream.tool_outputs(accepted[-1]) == ["one"]
    assert upstream.replayed_reasoning(accepted[-1]) == upstream.issued_reasoning(accepted[:1])
