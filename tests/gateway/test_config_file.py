"""Changing the configuration file in one step: what was changed by others meanwhile is not lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout.accounts import atomic
from turnout.gateway import config_file
from turnout.settings import SettingsError, editing

PORT = {"server.port": 4100}


def setting_the_port(text: str, path: Path) -> str:
    return editing.with_values(text, path, PORT)


def test_a_change_of_somebody_else_in_between_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    edit = config_file.prepare(file, setting_the_port)
    file.write_text("strict = true\n")
    with pytest.raises(SettingsError, match="was changed by somebody else just now"):
        config_file.write(edit)
    assert file.read_text() == "strict = true\n"


def test_a_change_that_would_break_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    with pytest.raises(SettingsError, match=r"has 'x' for server\.port"):
        config_file.prepare(file, lambda text, path: editing.with_values(text, path, {"server.port": "x"}))
    with pytest.raises(SettingsError, match="does not know"):
        config_file.replacement(file, "colour = 1\n")
    assert not file.exists()


def test_a_failure_in_the_middle_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("strict = true\n")
    edit = config_file.prepare(file, setting_the_port)

    def cut(beside: Path, target: Path) -> None:
        raise OSError("the power went out")

    monkeypatch.setattr(atomic, "replace", cut)
    with pytest.raises(OSError, match="power"):
        config_file.write(edit)
    assert file.read_text() == "strict = true\n"
