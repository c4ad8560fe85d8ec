"""The child's environment: pointed at the gateway, and at nothing else."""

from __future__ import annotations

import pytest

from turnout.launch.environment import for_claude

URL = "http://127.0.0.1:4000"


def test_the_child_is_pointed_at_the_gateway() -> None:
    child = for_claude({"PATH": "/bin"}, URL, "tok", 258_400)
    assert child["ANTHROPIC_BASE_URL"] == URL
    assert child["ANTHROPIC_AUTH_TOKEN"] == "tok"
    assert child["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == child["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == "258400"
    assert child["PATH"] == "/bin"


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"])
def test_nothing_sends_it_elsewhere(name: str) -> None:
    assert name not in for_claude({name: "1"}, URL, "tok", 1)


def test_what_the_user_had_for_the_gateway_is_replaced_and_the_callers_stays() -> None:
    users = {"ANTHROPIC_BASE_URL": "https://else", "ANTHROPIC_AUTH_TOKEN": "old", "ANTHROPIC_API_KEY": "sk"}
    before = dict(users)
    assert for_claude(users, URL, "tok", 1)["ANTHROPIC_BASE_URL"] == URL
    assert users == before


def test_a_window_that_the_user_set_stays() -> None:
    child = for_claude({"CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100000"}, URL, "tok", 258_400)
    assert child["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == "100000"
    assert child["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "258400"


@pytest.mark.parametrize(
    ("users", "exempt"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "corp.example"}, "corp.example,127.0.0.1,localhost"),
        ({"no_proxy": "localhost"}, "localhost,127.0.0.1"),
    ],
)
def test_a_proxy_never_gets_what_is_meant_for_this_machine(users: dict[str, str], exempt: str) -> None:
    child = for_claude({"HTTPS_PROXY": "http://proxy", **users}, URL, "tok", 1)
    assert child["NO_PROXY"] == child["no_proxy"] == exempt
    assert child["HTTPS_PROXY"] == "http://proxy"


def test_the_small_model_has_the_name_that_the_version_knows() -> None:
    for version, name in [
        ("", "claude-haiku-5-5"),
        ("2.1.328", "claude-haiku-5-5"),
        ("3.0.0", "claude-haiku-5-5"),
        ("2.1.197", "claude-haiku-4-5-20251001"),
        ("2.1.327", "claude-haiku-4-5-20251001"),
    ]:
        assert for_claude({}, URL, "tok", 1, version=version)["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == name


def test_the_longest_answer_is_told_where_it_is_known() -> None:
    assert for_claude({}, URL, "tok", 1, output=128_000)["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "128000"
    assert "CLAUDE_CODE_MAX_OUTPUT_TOKENS" not in for_claude({}, URL, "tok", 1)


@pytest.mark.parametrize("name", ["ENABLE_TOOL_SEARCH", "API_TIMEOUT_MS", "CLAUDE_CODE_AUTO_MODE_SERVER"])
def test_whatever_else_the_user_set_stays(name: str) -> None:
    assert for_claude({name: "of the user"}, URL, "tok", 1)[name] == "of the user"
