"""Profiles as real clients want them: the official `openai` package by ``extra_body``, Claude Code by a variable."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import say
from tests.e2e.upstream import body

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack

MODEL = "openai-codex:gpt-5.5"
BACKENDS = "You are Codex, a simulated agent."
"""The instructions in the simulator's catalogue."""
WANTED: Any = {"codex_capabilities": {"prompt_mode": "codex_default"}}


@pytest.fixture
def asked(own_stack: Callable[..., Stack]) -> Callable[..., Stack]:
    """Makes a stack whose gateway has asked the backend for its catalogue: ``asked(TURNOUT_…="…")``."""

    def make(**environment: str) -> Stack:
        stack = own_stack(**environment)
        authorization = {"Authorization": f"Bearer {stack.gateway.token}"}
        url = f"{stack.gateway.url}/turnout/models/refresh"
        with urllib.request.urlopen(urllib.request.Request(url, b"", authorization)) as answer:
            assert answer.status == 200
        return stack

    return make


def client(stack: Stack) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token, max_retries=0)


def sent(stack: Stack) -> dict[str, Any]:
    return body(next(each for each in reversed(stack.requests) if each.path.endswith("/responses")))


def test_the_official_package_wants_it_for_one_request(asked: Callable[..., Stack]) -> None:
    stack = asked()
    stack.play(say("One."), say("Two."), say("Three."))
    messages: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello."}]
    client(stack).chat.completions.create(model=MODEL, messages=messages, extra_body=WANTED)
    assert sent(stack)["instructions"] == BACKENDS
    client(stack).responses.create(model=MODEL, instructions="Be brief.", input="Hello.", extra_body=WANTED)
    assert sent(stack)["instructions"] == BACKENDS
    assert "Be brief." in json.dumps(sent(stack)["input"][0])
    client(stack).responses.create(model=MODEL, instructions="Be brief.", input="Hello.")
    assert sent(stack)["instructions"] == "Be brief."


def test_the_official_package_is_told_what_cannot_be(stack: Stack) -> None:
    wrong = {"codex_capabilities": {"prompt_mode": "mine"}}
    with pytest.raises(openai.BadRequestError, match=r"codex_capabilities\.prompt_mode"):
        client(stack).responses.create(model=MODEL, input="Hello.", extra_body=wrong)


def test_claude_code_wants_it_by_its_variable(asked: Callable[..., Stack], version: str, tmp_path: Path) -> None:
    stack = asked()
    stack.play(say("Here."))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    claude.run("Hello", environment={"CLAUDE_CODE_EXTRA_BODY": json.dumps(WANTED)}).succeeded()
    assert sent(stack)["instructions"] == BACKENDS
    assert sent(stack)["input"][0]["role"] == "developer"


def test_a_gateway_has_it_by_a_variable_of_its_own(asked: Callable[..., Stack]) -> None:
    stack = asked(TURNOUT_CODEX_PROMPT_MODE="merge_custom")
    stack.play(say("One."))
    client(stack).responses.create(model=MODEL, instructions="Be brief.", input="Hello.")
    assert sent(stack)["instructions"] == f"{BACKENDS}\n\nBe brief."
