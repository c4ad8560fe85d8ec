"""Files of an older format: they read as ever, and are brought up to date with a copy kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from turnout import settings
from turnout.gateway import config_file
from turnout.settings import SettingsError, editing, files, migrations
from turnout.settings.migrations import Move

OLD_TOML = """\
# mine
strict = true

[tools]  # what the client has
search = false  # slow here
"""
OLD_YAML = """\
# mine
tools:
  search: false  # slow here
"""


@pytest.fixture(params=[("config.toml", OLD_TOML), ("config.yaml", OLD_YAML)], ids=["TOML", "YAML"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    name, text = request.param
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_an_old_file_reads_as_ever_and_is_told_of(old: Path) -> None:
    loaded = settings.resolve({}, {}, old)
    assert loaded.config.tools.tool_search is False
    assert loaded.warnings == (
        f"In the file {old}, tools.search is now called tools.tool_search. "
        "It still counts; `turnout config migrate` brings the file up to date and keeps a copy.",
    )


def test_it_is_brought_up_to_date_and_a_copy_kept(old: Path) -> None:
    before = old.read_text()
    edit = config_file.migration(old)
    config_file.write(edit)
    after = settings.resolve({}, {}, old)
    assert (after.config.tools.tool_search, after.warnings) == (False, ())
    assert files.parse(old.read_text(), old)["version"] == migrations.PRESENT
    assert "# mine" in old.read_text()
    assert edit.backup == old.with_name(f"{old.name}.version-1.bak")
    assert edit.backup.read_text() == before
    assert not config_file.migration(old).changes


def test_any_change_by_turnout_brings_it_up_to_date(old: Path) -> None:
    config_file.write(config_file.prepare(old, lambda text, path: editing.with_values(text, path, {"strict": False})))
    config = settings.load({}, {}, old)
    assert (config.strict, config.tools.tool_search) == (False, False)
    assert old.with_name(f"{old.name}.version-1.bak").exists()


def test_an_earlier_copy_is_never_written_over(old: Path) -> None:
    before = old.read_text()
    for name in ("1", "1-1"):
        old.write_text(before)
        config_file.write(config_file.migration(old))
        assert old.with_name(f"{old.name}.version-{name}.bak").read_text() == before


def test_a_file_without_a_number_that_has_nothing_old_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("strict = true\n")
    assert not config_file.migration(file).changes
    assert settings.resolve({}, {}, file).warnings == ()


def test_in_the_present_format_the_old_name_is_unknown(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("version = 2\n[tools]\nsearch = false\n")
    with pytest.raises(SettingsError, match=r"does not know the setting tools\.search"):
        settings.load({}, {}, file)


def test_a_setting_at_both_places_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("[tools]\nsearch = false\ntool_search = true\n")
    with pytest.raises(SettingsError, match=r"tools\.search is now called tools\.tool_search, and both stand there"):
        settings.load({}, {}, file)


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"a": {"b": 1}}, {"c": {"d": 1}}),
        ({"a": {"b": 1, "x": 2}}, {"a": {"x": 2}, "c": {"d": 1}}),
        ({"a": {"b": 1}, "c": {"x": 2}}, {"c": {"x": 2, "d": 1}}),
        ({"a": 3}, {"a": 3}),
        ({}, {}),
    ],
)
def test_moves(tables: dict[str, Any], expected: dict[str, Any]) -> None:
    steps = {1: (Move("a.b", "c.d"),)}
    for move in migrations.moves(tables, "here", steps):
        migrations.apply(tables, move)
    assert tables == expected


def test_steps_follow_each_other() -> None:
    steps = {1: (Move("a", "b"),), 2: (Move("b", "c.d"),)}
    assert migrations.moves({"a": 1}, "here", steps) == [Move("a", "b"), Move("b", "c.d")]
    assert migrations.moves({"version": 2, "b": 1}, "here", steps) == [Move("b", "c.d")]


def test_every_move_leads_to_a_setting_that_there_is() -> None:
    assert sorted(migrations.STEPS) == list(range(migrations.FIRST, migrations.PRESENT))
    for move in (move for step in migrations.STEPS.values() for move in step):
        assert editing.split(move.new)
