"""Where Turnout keeps its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from turnout import paths, settings
from turnout.config import Config


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whom neither the environment nor the system's list gives a home."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    pwd = pytest.importorskip("pwd")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)


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


@pytest.mark.usefixtures("homeless")
def test_without_a_home_it_says_what_to_set() -> None:
    places = (paths.config_dir, paths.data_dir, paths.cache_dir, paths.clients_dir, paths.log_file, paths.state_dir)
    for place in places:
        with pytest.raises(paths.NoHomeError, match="TURNOUT_HOME"):
            place({})
        assert place({"TURNOUT_HOME": "/turnout"}).is_absolute()
    with pytest.raises(paths.NoHomeError):
        paths.config_dir({"TURNOUT_HOME": "~/turnout"})


@pytest.mark.usefixtures("homeless")
def test_without_a_home_there_is_no_configuration_in_it() -> None:
    assert settings.load({}, {}) == Config()
