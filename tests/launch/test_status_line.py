"""Turnout's line in Claude Code's settings, put in and taken out again."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from turnout.launch import status_line
from turnout.protocol.errors import TurnoutError

PROGRAM = ("turnout",)
OURS = {"type": "command", "command": "turnout statusline"}
USERS = '{\n\t"model": "opus",\n\t"statusLine": {"type": "command", "command": "my-line"},\n\t"env": {"A": "1"}\n}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "claude" / "settings.json"


def written(file: Path, content: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)


def test_it_makes_a_file_and_removes_it_again(file: Path) -> None:
    assert status_line.install(file, PROGRAM) is None
    assert json.loads(file.read_text()) == {"statusLine": OURS}
    assert status_line.uninstall(file, PROGRAM) == "removed"
    assert not file.exists()


def test_what_was_there_comes_back_byte_for_byte(file: Path) -> None:
    written(file, USERS)
    file.chmod(0o640)
    backup = status_line.install(file, PROGRAM)
    assert backup is not None
    assert backup.read_text() == USERS
    assert json.loads(file.read_text()) == {"model": "opus", "statusLine": OURS, "env": {"A": "1"}}
    status_line.install(file, PROGRAM)
    assert backup.read_text() == USERS, "the second time there is nothing of the user's to keep"
    assert status_line.uninstall(file, PROGRAM) == "restored"
    assert file.read_text() == USERS
    assert not backup.exists()
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("before", [USERS, '{"model": "opus"}'])
def test_what_was_changed_since_stays(file: Path, before: str) -> None:
    written(file, before)
    status_line.install(file, PROGRAM)
    changed = json.loads(file.read_text()) | {"model": "haiku"}
    file.write_text(json.dumps(changed))
    assert status_line.uninstall(file, PROGRAM) == "taken_out"
    assert json.loads(file.read_text()) == json.loads(before) | {"model": "haiku"}


@pytest.mark.parametrize("content", [None, "{}", USERS, '{"statusLine": "odd"}'])
def test_a_line_of_somebody_elses_is_left_alone(file: Path, content: str | None) -> None:
    if content is not None:
        written(file, content)
    assert status_line.uninstall(file, PROGRAM) == "not_there"
    assert (file.read_text() if file.exists() else None) == content


def test_a_file_that_is_none_is_not_touched(file: Path) -> None:
    written(file, "{ no json")
    with pytest.raises(TurnoutError):
        status_line.install(file, PROGRAM)
    assert file.read_text() == "{ no json"
    assert list(file.parent.iterdir()) == [file]


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.json"
    kept.write_text("{}")
    file.parent.mkdir()
    file.symlink_to(kept)
    status_line.install(file, PROGRAM)
    assert file.is_symlink()
    assert json.loads(kept.read_text()) == {"statusLine": OURS}
    assert status_line.uninstall(file, PROGRAM) == "restored"
    assert kept.read_text() == "{}"


def test_a_program_with_a_space_in_its_place_is_quoted() -> None:
    command = status_line.setting((r"C:\Program Files\turnout.exe",))["command"]
    assert command == r'"C:\Program Files\turnout.exe" statusline'
