"""Configuration files: where they are looked for, TOML and YAML, and what is said of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout import settings
from turnout.config import Slot
from turnout.settings import SettingsError, files


def home(tmp_path: Path) -> dict[str, str]:
    return {"TURNOUT_HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.toml", "[slots.opus]\nmodel = 'gpt-5.5'\n"),
        ("config.yaml", "slots:\n  opus: {model: gpt-5.5}\n"),
        ("config.yml", "# mine\nslots:\n  opus:\n    model: gpt-5.5\n"),
    ],
)
def test_the_users_file_may_have_three_names(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    loaded = settings.resolve(home(tmp_path), {})
    assert loaded.config.slots.opus == Slot(model="gpt-5.5")
    assert loaded.origins["slots.opus.model"] == f"the file {tmp_path / name}"


def test_two_files_at_once_are_an_error_that_names_both(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "config.yml").write_text("")
    with pytest.raises(SettingsError, match="two configuration files") as refused:
        settings.load(home(tmp_path), {})
    assert str(tmp_path / "config.toml") in str(refused.value)
    assert str(tmp_path / "config.yml") in str(refused.value)


def test_a_file_that_is_named_counts_alone(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("upstream = 'openai'")
    (tmp_path / "other.yaml").write_text("strict: true")
    config = settings.load(home(tmp_path), {}, tmp_path / "other.yaml")
    assert (config.upstream, config.strict) == ("codex", True)


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "$schema: ./turnout.schema.json\nversion: 2\n"])
def test_a_yaml_file_may_say_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    assert settings.load(home(tmp_path), {}).server.port == 4000


def test_yaml_words_are_what_they_look_like(tmp_path: Path) -> None:
    """YAML 1.2: `no` is text and no boolean, so a model or an account may be called so."""
    (tmp_path / "config.yaml").write_text("accounts: {use: no}\nstrict: true\n")
    config = settings.load(home(tmp_path), {})
    assert (config.accounts.use, config.strict) == ("no", True)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("server: [", "is not valid YAML: "),
        ("server:\n  port: 1\n  port: 2\n", "is not valid YAML: found duplicate key"),
        ("- a\n", "holds no table of settings"),
        ("server:\n  prot: 1\n", "does not know the setting server.prot in the file"),
        ("server:\n  port: '1'\n", "has '1' for server.port, but it must be a whole number"),
        ("server: 3\n", "server is a section"),
        ("1: 2\n", "does not know the setting 1"),
        ("a: !!python/object/apply:os.system ['true']\n", "is not valid YAML"),
        ("version: 99\n", "is written for a newer Turnout (version 99"),
        ("version: x\n", "has 'x' for version, but it must be 2"),
    ],
)
def test_a_broken_yaml_file_is_told(tmp_path: Path, content: str, told: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(SettingsError) as refused:
        settings.load(home(tmp_path), {})
    assert told in str(refused.value)
    assert str(tmp_path / "config.yaml") in str(refused.value)


def test_what_a_running_gateway_was_told_outranks_everything(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[timing]\nhold = 1\n")
    sources = settings.Sources(home(tmp_path) | {"TURNOUT_HOLD_SECONDS": "2"}, {"timing.hold": 3.0})
    assert sources.resolve({}).config.timing.hold == 3
    loaded = sources.resolve({"timing.hold": 4})
    assert (loaded.config.timing.hold, loaded.origins["timing.hold"]) == (4, "a request to the gateway")
    with pytest.raises(SettingsError, match=r"A request to the gateway has '4' for timing\.hold"):
        sources.resolve({"timing.hold": "4"})


def test_sources_know_the_files_that_can_change(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".turnout.toml").write_text("")
    sources = settings.Sources(home(tmp_path), {}, project=project)
    assert sources.watched() == (*(tmp_path / name for name in files.NAMES), project / ".turnout.toml")
    assert sources.written() == tmp_path / "config.toml"
    (tmp_path / "config.yml").write_text("")
    assert sources.written() == tmp_path / "config.yml"
