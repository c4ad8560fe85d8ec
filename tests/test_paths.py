"""Where Turnout keeps its files."""

from __future__ import annotations

from pathlib import Path

from turnout import paths


def test_turnout_home_holds_everything(tmp_path: Path) -> None:
    environ = {"TURNOUT_HOME": str(tmp_path)}
    assert paths.config_file(environ) == tmp_path / "config.toml"
    assert paths.cache_dir(environ) == tmp_path / "cache"
    assert paths.clients_dir(environ) == tmp_path / "cache" / "clients"


def test_clients_may_live_elsewhere(tmp_path: Path) -> None:
    assert paths.clients_dir({"TURNOUT_HOME": "/h", "TURNOUT_CLIENTS_DIR": str(tmp_path)}) == tmp_path


def test_without_it_the_systems_usual_folders_serve() -> None:
    assert "turnout" in str(paths.config_file({}))
    assert paths.cache_dir({}) != paths.config_dir({})
