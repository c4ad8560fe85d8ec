"""A project's own file, `.turnout.toml`: it chooses the account, and nothing that could send things elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout import settings
from turnout.settings import SettingsError

WORK = '[accounts]\nuse = "work"\n'


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("turnout.paths.config_dir", lambda environ: tmp_path / "user")
    (tmp_path / "user").mkdir()
    folder = tmp_path / "project"
    (folder / "src" / "deep").mkdir(parents=True)
    return folder


def account(folder: Path, environ: dict[str, str] | None = None, flag: str | None = None) -> str:
    return settings.resolve(environ or {}, {"accounts.use": flag}, project=folder).config.accounts.use


def test_it_chooses_the_account_in_its_folder_and_all_below(project: Path) -> None:
    (project / ".turnout.toml").write_text(WORK)
    assert account(project) == account(project / "src" / "deep") == "work"
    assert account(project.parent) == ""


def test_the_nearest_one_counts_alone(project: Path) -> None:
    (project / ".turnout.toml").write_text(WORK)
    (project / "src" / ".turnout.toml").write_text("")
    assert account(project / "src" / "deep") == ""


def test_it_outranks_the_users_file_and_nothing_else(project: Path) -> None:
    (project / ".turnout.toml").write_text(WORK)
    (project.parent / "user" / "config.toml").write_text('[accounts]\nuse = "home"\n')
    loaded = settings.resolve({}, {}, project=project)
    assert loaded.config.accounts.use == "work"
    assert loaded.origins["accounts.use"] == f"the file {project / '.turnout.toml'}"
    assert account(project, {"TURNOUT_ACCOUNT": "variable"}) == "variable"
    assert account(project, {"TURNOUT_ACCOUNT": "variable"}, "flag") == "flag"


def test_without_a_folder_no_project_counts(project: Path) -> None:
    (project / ".turnout.toml").write_text(WORK)
    assert settings.resolve({}, {}).config.accounts.use == ""


@pytest.mark.parametrize(
    "content",
    [
        '[accounts]\nissuer = "https://evil.example"\n',
        '[codex]\nbase_url = "https://evil.example"\n',
        '[server]\nhost = "0.0.0.0"\n',
        'upstream = "openai"\n',
        WORK + 'folder = "/tmp"\n',
    ],
)
def test_it_cannot_say_where_prompts_and_keys_go(project: Path, content: str) -> None:
    (project / ".turnout.toml").write_text(content)
    with pytest.raises(SettingsError, match=r"cannot be set in .*turnout\.toml: a project's file may only set"):
        account(project)


@pytest.mark.parametrize(
    ("content", "told"),
    [("[accounts", "not valid TOML"), ("[accounts]\nuse = 1\n", "must be text"), ("colour = 1\n", "does not know")],
)
def test_a_broken_one_is_told(project: Path, content: str, told: str) -> None:
    (project / ".turnout.toml").write_text(content)
    with pytest.raises(SettingsError, match=told) as refused:
        account(project)
    assert str(project / ".turnout.toml") in str(refused.value)


def test_it_may_choose_models_and_efforts(project: Path) -> None:
    (project / ".turnout.toml").write_text('model = "gpt-5.5@low"\n[slots.opus]\nmodel = "gpt-6-sol"\neffort = "max"\n')
    config = settings.resolve({}, {}, project=project).config
    assert (config.model, config.slots.opus.model, config.slots.opus.effort) == ("gpt-5.5@low", "gpt-6-sol", "max")


@pytest.mark.parametrize("model", ["openai/gpt-5.5", "openai-codex:gpt-5.5", "gpt-5.5?tier=priority"])
def test_its_models_name_no_upstream_and_nothing_that_costs_extra(project: Path, model: str) -> None:
    (project / ".turnout.toml").write_text(f'[slots.haiku]\nmodel = "{model}"\n')
    with pytest.raises(SettingsError, match="no upstream"):
        settings.resolve({}, {}, project=project)


@pytest.mark.parametrize(
    "line",
    [
        'tier = "priority"',
        '[slots.opus]\nupstream = "openai"',
        '[slots.opus]\naccount = "x"',
        "models = {aliases = {}}",
    ],
)
def test_it_may_not_choose_tiers_aliases_and_the_places_of_slots(project: Path, line: str) -> None:
    (project / ".turnout.toml").write_text(line)
    with pytest.raises(SettingsError, match="cannot be set"):
        settings.resolve({}, {}, project=project)
