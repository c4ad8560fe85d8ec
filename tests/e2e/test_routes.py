"""Which model a user of Claude Code gets, by the ways in which the client lets one be named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import asked, bash, call, say, use

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack


@pytest.fixture
def user(version: str, tmp_path: Path, own_stack: Callable[..., Stack]) -> Callable[..., tuple[ClaudeCode, Stack]]:
    """Makes a user, and the stack before them: `user(TURNOUT_EFFORT="low")` with the environment of the gateway."""

    def make(**environment: str) -> tuple[ClaudeCode, Stack]:
        stack = own_stack(**environment)
        return ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token), stack

    return make


@pytest.mark.parametrize(
    ("name", "model", "effort"),
    [
        ("gpt-5.5", "gpt-5.5", "high"),  # the client's own default for models that it does not know
        ("gpt-5.5-low", "gpt-5.5", "low"),
        ("gpt-5.5@xhigh", "gpt-5.5", "xhigh"),
        ("claudex:gpt-5.5:low", "gpt-5.5", "low"),
        ("turnout:haiku:max", "gpt-6-luna", "max"),
        ("gpt-5.5?reasoning_effort=low", "gpt-5.5", "low"),
        ("codex/gpt-5.6-terra", "gpt-5.6-terra", "high"),
        ("quick", "gpt-6-luna", "low"),
        ("claude-3-5-sonnet-20241022", "gpt-6-sol", None),
    ],
)
def test_models_by_name(
    user: Callable[..., tuple[ClaudeCode, Stack]], name: str, model: str, effort: str | None
) -> None:
    claude, stack = user(TURNOUT_MODEL_ALIASES="quick=gpt-6-luna@low")
    stack.play(say("Here."))
    shown = claude.run("Hello", "--model", name, "--output-format", "json").succeeded().json
    assert shown["result"] == "Here."
    body = upstream.body(stack.conversation[-1])
    assert body["model"] == model
    assert effort is None or body["reasoning"]["effort"] == effort


def test_one_gateway_serves_two_upstreams(user: Callable[..., tuple[ClaudeCode, Stack]]) -> None:
    claude, stack = user()
    stack.play(say("Here."))
    for name in ("openai/gpt-5.5", "gpt-5.5"):
        assert claude.run("Hello", "--model", name).succeeded().stdout == "Here.\n"
    by_key, by_plan = stack.conversation
    assert (by_key.path, "chatgpt-account-id" in by_key.headers) == ("/v1/responses", False)
    assert "chatgpt-account-id" in by_plan.headers


def test_headers_and_extra_body_fix_what_is_sent(user: Callable[..., tuple[ClaudeCode, Stack]]) -> None:
    claude, stack = user()
    stack.play(say("Here."))
    by_headers = {"ANTHROPIC_CUSTOM_HEADERS": "x-turnout-model: gpt-5.5\nx-turnout-effort: low"}
    by_body = {"CLAUDE_CODE_EXTRA_BODY": json.dumps({"turnout": {"model": "gpt-6-luna", "effort": "max"}})}
    for environment in (by_headers, by_body):
        claude.run("Hello", "--effort", "medium", environment=environment).succeeded()
    sent = [upstream.body(request) for request in stack.conversation]
    assert [(body["model"], body["reasoning"]["effort"]) for body in sent] == [
        ("gpt-5.5", "low"),
        ("gpt-6-luna", "max"),
    ]


def test_the_effort_of_every_request_can_be_fixed(user: Callable[..., tuple[ClaudeCode, Stack]]) -> None:
    claude, stack = user(CODEX_REASONING="low", CODEX_MODEL="gpt-5.5")
    stack.play(say("Here."))
    claude.run("Hello", "--effort", "max").succeeded()
    body = upstream.body(stack.conversation[-1])
    assert (body["model"], body["reasoning"]["effort"]) == ("gpt-5.5", "low")


def test_the_effort_that_is_set_for_a_slot_counts_and_not_the_clients(
    user: Callable[..., tuple[ClaudeCode, Stack]],
) -> None:
    claude, stack = user(TURNOUT_HAIKU_EFFORT="low")
    stack.play(say("Here."))
    for name in ("haiku", "sonnet"):
        claude.run("Hello", "--model", name, "--effort", "max").succeeded()
    assert [upstream.body(request)["reasoning"]["effort"] for request in stack.conversation] == ["low", "max"]


def test_fast_mode_is_the_priority_tier(user: Callable[..., tuple[ClaudeCode, Stack]]) -> None:
    """Without the variable the client asks its maker whether the organisation has fast mode (claude-code-wire.md 8)."""
    claude, stack = user()
    stack.play(say("Here."))
    unasked = {"CLAUDE_CODE_SKIP_FAST_MODE_ORG_CHECK": "1"}
    claude.run("Hello", "--settings", '{"fastMode":true}', environment=unasked).succeeded()
    claude.run("Hello", environment=unasked).succeeded()
    fast, usual = stack.conversation
    assert upstream.body(fast)["service_tier"] == "priority"
    assert "service_tier" not in upstream.body(usual)


@pytest.mark.parametrize("by_name", [False, True])
def test_subagents_have_a_slot_of_their_own(user: Callable[..., tuple[ClaudeCode, Stack]], by_name: bool) -> None:
    claude, stack = user(TURNOUT_SUBAGENT_MODEL="gpt-5.5@low")
    delegate = call("Agent", description="Count", prompt="Count the planets.", subagent_type="general-purpose")
    stack.play(
        use(delegate),
        say("Eight."),
        say("Still eight."),
        *asked("Count the planets.", [use(bash("echo eight")), say("There are eight.")]),
    )
    environment = {"CLAUDE_CODE_SUBAGENT_MODEL": "subagent"} if by_name else {}
    claude.run("How many?", "--allowedTools", "Bash", "Agent", environment=environment).succeeded()
    agent = [request for request in stack.conversation if "Count the planets." in upstream.texts(request, "user")[-1]]
    main = [request for request in stack.conversation if request not in agent]
    assert {upstream.body(request)["model"] for request in agent} == {"gpt-5.5"}
    assert {upstream.body(request)["reasoning"]["effort"] for request in agent} == {"low"}
    assert {upstream.body(request)["model"] for request in main} == {"gpt-6.1-sol"}


def test_a_name_that_leads_nowhere_is_answered_with_names_that_do(
    user: Callable[..., tuple[ClaudeCode, Stack]],
) -> None:
    claude, stack = user()
    result = claude.run("Hello", "--model", "sonet-5")
    assert result.code == 1
    assert not stack.conversation
    assert "sonet-5" in result.stdout
