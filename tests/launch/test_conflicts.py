"""Settings files that would lead a session past the gateway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from turnout.launch import conflicts
from turnout.launch.client_settings import Scope, SettingsFile

URL, TOKEN = "http://127.0.0.1:5000", "tn_token"


def settings(folder: Path, content: object, scope: Scope = "user") -> SettingsFile:
    file = folder / f"{scope}.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return SettingsFile(scope=scope, path=file)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ({}, []),
        ({"env": {}}, []),
        ({"env": {"EDITOR": "vi", "ANTHROPIC_MODEL": "opus", "CLAUDE_CODE_AUTO_COMPACT_WINDOW": "100"}}, []),
        ({"env": {"ANTHROPIC_BASE_URL": URL, "ANTHROPIC_AUTH_TOKEN": TOKEN}}, []),
        ({"env": {"ANTHROPIC_BASE_URL": "https://else.example"}}, ["ANTHROPIC_BASE_URL"]),
        ({"env": {"ANTHROPIC_AUTH_TOKEN": "of another gateway"}}, ["ANTHROPIC_AUTH_TOKEN"]),
        ({"env": {"CLAUDE_CODE_USE_VERTEX": "1", "CLAUDE_CODE_USE_BEDROCK": ""}}, ["CLAUDE_CODE_USE_VERTEX"]),
        ({"env": {"ANTHROPIC_API_KEY": "sk-ant"}}, ["ANTHROPIC_API_KEY"]),
        ("{ this is no JSON", []),
        ("[]", []),
    ],
)
def test_what_leads_elsewhere_is_found(tmp_path: Path, content: object, names: list[str]) -> None:
    found = conflicts.found([settings(tmp_path, content)], URL, TOKEN)
    assert [each.name for each in found] == names
    assert all(str(tmp_path) not in each.effect and "tn_token" not in each.effect for each in found)


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert conflicts.found([SettingsFile(scope="user", path=tmp_path / "none.json")], URL, TOKEN) == []


def test_the_answer_is_what_the_session_needs(tmp_path: Path) -> None:
    users = {"env": {"ANTHROPIC_BASE_URL": "https://else.example", "CLAUDE_CODE_USE_BEDROCK": "1"}}
    found = conflicts.found([settings(tmp_path, users)], URL, TOKEN)
    assert conflicts.answer(found) == {"env": {"ANTHROPIC_BASE_URL": URL, "CLAUDE_CODE_USE_BEDROCK": ""}}


@pytest.mark.parametrize("arguments", [("--settings", "mine.json"), ("-p", "hi", "--settings={}")])
def test_the_users_own_settings_option_is_not_taken_away(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    found = conflicts.found([settings(tmp_path, {"env": {"ANTHROPIC_BASE_URL": "https://else.example"}})], URL, TOKEN)
    assert conflicts.unanswerable(found, ("-p", "hi")) == []
    assert conflicts.unanswerable(found, arguments) == found


def test_a_key_is_kept_away_and_hinders_nobody(tmp_path: Path) -> None:
    found = conflicts.found([settings(tmp_path, {"env": {"ANTHROPIC_API_KEY": "sk-ant"}})], URL, TOKEN)
    assert conflicts.answer(found) == {"env": {"ANTHROPIC_API_KEY": ""}}
    assert conflicts.unanswerable(found, ("--settings", "mine.json")) == []
    assert "sk-ant" not in found[0].effect


def test_an_administrators_settings_are_final(tmp_path: Path) -> None:
    said = {"env": {"ANTHROPIC_BASE_URL": "https://company.example"}}
    mine = settings(tmp_path, said)
    found = conflicts.found([settings(tmp_path, said, "managed"), mine], URL, TOKEN)
    assert [each.scope for each in conflicts.unanswerable(found, ())] == ["managed"]
