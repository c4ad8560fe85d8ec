"""`turnout migrate`: shows what it would take over, and writes on request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from turnout.settings import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.inside import Shell


@pytest.fixture
def ccs(shell: Shell) -> Path:
    file = shell.home / ".ccs" / "codex.settings.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"env": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "gpt-5.5"}}))
    return file


def own(shell: Shell) -> Path:
    return shell.home / "turnout" / "config.toml"


def test_nothing_to_take_over(shell: Shell) -> None:
    assert "Nothing was found. Looked for: claudex, ccs" in shell.run("migrate")


def test_it_shows_first_and_writes_nothing(shell: Shell, ccs: Path) -> None:
    before = ccs.read_bytes()
    said = shell.run("migrate")
    assert f"CCS: {ccs}" in said
    assert "slots.opus.model  gpt-5.5" in said
    assert "turnout migrate --apply" in said
    assert not own(shell).exists()
    assert ccs.read_bytes() == before


def test_it_writes_on_request_and_keeps_what_is_there(shell: Shell, ccs: Path) -> None:
    own(shell).parent.mkdir(exist_ok=True)
    own(shell).write_text("# mine\nstrict = true\n")
    shell.run("migrate", "--apply", "--yes")
    config = resolve(shell.environ, {}).config
    assert (config.strict, config.slots.opus.model) == (True, "gpt-5.5")
    assert "# mine" in own(shell).read_text()
    assert "There is no setting to take over" in shell.run("migrate")


def test_nobody_is_there_to_say_yes(shell: Shell, ccs: Path) -> None:
    assert "--yes" in shell.run("migrate", "--apply", code=2)
    assert not own(shell).exists()


def test_a_file_that_is_named(shell: Shell, ccs: Path) -> None:
    elsewhere = ccs.rename(shell.home / "x.json")
    assert "gpt-5.5" in shell.run("migrate", "--from", "ccs", str(elsewhere))
    assert "--from" in shell.run("migrate", str(elsewhere), code=2)
    assert "has no file of its own" in shell.run("migrate", "--from", "claudex", str(elsewhere), code=2)


def test_json(shell: Shell, ccs: Path) -> None:
    told = shell.json("migrate", "--json")
    assert told["takes"] == [
        {"key": "slots.opus.model", "value": "gpt-5.5", "origin": f"ANTHROPIC_DEFAULT_OPUS_MODEL in {ccs}"}
    ]
