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
