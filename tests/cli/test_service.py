"""`turnout service`: what it would install, and what it says where nothing is installed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.cli.command import turnout

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the expected files are systemd's")


def test_a_dry_run_shows_the_file_and_the_commands(tmp_path: Path) -> None:
    variables = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "TURNOUT_TOKEN": "my-secret-token"}
    done = turnout(tmp_path, "service", "install", "--dry-run", "--port", "4100", variables=variables)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "config/systemd/user/turnout.service") in done.stdout
    assert '"serve" "--supervisor" "systemd" "--port" "4100"' in done.stdout
    assert f'Environment="TURNOUT_HOME={tmp_path / "turnout"}"' in done.stdout
    assert "systemctl --user enable turnout.service" in done.stdout
    assert "my-secret-token" not in done.stdout
    assert not (tmp_path / "config").exists()


def test_where_nothing_is_installed_it_says_so(tmp_path: Path) -> None:
    variables = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    status = turnout(tmp_path, "service", "status", variables=variables)
    assert (status.returncode, "turnout service install" in status.stdout) == (3, True)
    told = json.loads(turnout(tmp_path, "service", "status", "--json", variables=variables).stdout)
    assert (told["manager"], told["installed"], told["running"]) == ("systemd", False, False)
    assert "There is no service" in turnout(tmp_path, "service", "uninstall", variables=variables).stdout


@pytest.mark.parametrize("works", [True, False])
def test_it_is_installed_shown_and_removed(tmp_path: Path, works: bool) -> None:
    """With a stand-in for systemctl: the real one needs a session of systemd's."""
    control = tmp_path / "bin" / "systemctl"
    control.parent.mkdir()
    control.write_text("#!/bin/sh\n" + ("" if works else 'echo "Failed to connect to bus" >&2; exit 1\n'))
    control.chmod(0o755)
    variables = {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PATH": f"{control.parent}:/usr/bin:/bin",
        "OPENAI_API_KEY": "sk-secret",
    }
    done = turnout(tmp_path, "service", "install", variables=variables)
    assert "OPENAI_API_KEY is set here" in done.stderr
    if not works:
        assert done.returncode == 1
        assert "Failed to connect to bus" in done.stderr
        return
    assert "journalctl --user -u turnout" in done.stdout
    file = tmp_path / "config/systemd/user/turnout.service"
    assert "sk-secret" not in file.read_text()
    assert "it runs" in turnout(tmp_path, "service", "status", variables=variables).stdout
    assert "Removed" in turnout(tmp_path, "service", "uninstall", variables=variables).stdout
    assert not file.exists()
