"""The service's files and commands on each system; systemd's own tools check what is for them."""

from __future__ import annotations

import os
import plistlib
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from turnout.launch import services
from turnout.launch.services import launchd, systemd, task_scheduler
from turnout.launch.services.plan import Plan, Spec

SPEC = Spec(
    command=(sys.executable, "-P", "-m", "turnout", "serve", "--supervisor", "systemd", "--model", 'a "b" $HOME 50%'),
    variables={"TURNOUT_HOME": "/tmp/with space", "TURNOUT_LOG": 'per"cent%s'},
    folder=Path("/tmp"),
    log=Path("/tmp/turnout.log"),
    stop_seconds=40,
    user="ada",
)
TASK = f"{{{task_scheduler.NAMESPACE}}}"


def test_the_unit_quotes_what_systemd_would_read_otherwise() -> None:
    unit = systemd.unit(SPEC)
    assert f'ExecStart="{sys.executable}" "-P" "-m" "turnout" "serve"' in unit
    assert '"a \\"b\\" $$HOME 50%%"' in unit
    assert 'Environment="TURNOUT_HOME=/tmp/with space"\n' in unit
    assert 'Environment="TURNOUT_LOG=per\\"cent%%s"\n' in unit
    assert "TimeoutStopSec=40\n" in unit
    assert "WantedBy=default.target" in unit


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"), reason="for systemd's own reading"
)
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "turnout.service"
    file.write_text(systemd.unit(SPEC))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    complaints = [line for line in done.stderr.splitlines() if "turnout.service" in line]
    assert (done.returncode, complaints) == (0, []), done.stderr


def test_the_unit_lies_where_systemd_looks(tmp_path: Path) -> None:
    assert systemd.plan(SPEC, tmp_path, {}).file == tmp_path / ".config/systemd/user/turnout.service"
    elsewhere = systemd.plan(SPEC, tmp_path, {"XDG_CONFIG_HOME": str(tmp_path / "x")})
    assert elsewhere.file == tmp_path / "x/systemd/user/turnout.service"
    assert ("systemctl", "--user", "enable", "turnout.service") in elsewhere.install


def test_the_launch_agent(tmp_path: Path) -> None:
    plan = launchd.plan(SPEC, tmp_path)
    agent = plistlib.loads(plan.content)
    assert agent["ProgramArguments"] == list(SPEC.command)
    assert agent["EnvironmentVariables"] == SPEC.variables
    assert agent["RunAtLoad"] is True
    assert agent["KeepAlive"] == {"SuccessfulExit": False}, "`turnout down` is to last until the next login"
    assert agent["StandardErrorPath"] == "/tmp/turnout.log"
    assert plan.file == tmp_path / "Library/LaunchAgents/dev.turnout.gateway.plist"
    assert plan.install == (("launchctl", "bootstrap", "gui/ada", str(plan.file)),)


def test_the_task(tmp_path: Path) -> None:
    command = (r"C:\Program Files\Python\python.exe", "-m", "turnout", "serve", "--config", r"C:\my files\c.toml")
    spec = Spec(
        command=command, variables={}, folder=Path("C:/state"), log=Path("C:/log"), stop_seconds=40, user="PC\\ada & co"
    )
    plan = task_scheduler.plan(spec, tmp_path)
    task = ElementTree.fromstring(plan.content.decode("utf-16"))

    def text(path: str) -> str | None:
        return task.findtext("/".join(f"{TASK}{name}" for name in path.split("/")))

    assert text("Actions/Exec/Command") == r"C:\Program Files\Python\pythonw.exe"
    assert text("Actions/Exec/Arguments") == r'-m turnout serve --config "C:\my files\c.toml"'
    assert text("Triggers/LogonTrigger/UserId") == "PC\\ada & co"
    assert text("Settings/ExecutionTimeLimit") == "PT0S", "a gateway is not to be ended after three days"
    assert text("Settings/RestartOnFailure/Count") == "10"
    order = [child.tag.removeprefix(TASK) for child in task]
    assert order == ["RegistrationInfo", "Triggers", "Principals", "Settings", "Actions"]
    assert ("schtasks", "/Create", "/TN", "Turnout", "/XML", str(plan.file), "/F") in plan.install


@pytest.mark.parametrize(
    ("platform", "manager", "logs"),
    [("linux", "systemd", False), ("darwin", "launchd", False), ("win32", "task-scheduler", True)],
)
def test_each_system_has_its_manager(tmp_path: Path, platform: str, manager: str, logs: bool) -> None:
    environ = {"TURNOUT_HOME": str(tmp_path), "TURNOUT_TOKEN": "my-secret-token", "OPENAI_API_KEY": "sk-my-secret-key"}
    plan = services.planned(["--port", "4100"], 30, environ, platform)
    content = plan.content.decode("utf-16" if platform == "win32" else "utf-8")
    assert plan.manager == manager
    for word in ("serve", "--supervisor", manager, "--port", "4100"):
        assert word in content
    assert ("--log-file" in content) is logs
    assert "secret" not in content
    if platform != "win32":
        assert str(tmp_path) in content


def test_another_system_has_none(tmp_path: Path) -> None:
    with pytest.raises(services.ServiceError, match="plan9"):
        services.planned([], 30, {"TURNOUT_HOME": str(tmp_path)}, "plan9")


def test_what_is_carried_over_and_what_is_not() -> None:
    environ = {
        "TURNOUT_OPUS_MODEL": "gpt-6-astra",
        "TURNOUT_HOME": "/home/ada/t",
        "https_proxy": "http://proxy.example:8080",
        "HTTP_PROXY": "http://ada:password@proxy.example:8080",
        "TURNOUT_TOKEN": "secret",
        "OPENAI_API_KEY": "sk-secret",
        "EDITOR": "vi",
        "TURNOUT_STRICT": "",
    }
    kept = {
        "TURNOUT_OPUS_MODEL": "gpt-6-astra",
        "TURNOUT_HOME": "/home/ada/t",
        "https_proxy": "http://proxy.example:8080",
    }
    assert services.carried(environ) == kept
    assert sorted(services.left_out(environ)) == ["OPENAI_API_KEY", "TURNOUT_TOKEN"]


def managed(folder: Path, monkeypatch: pytest.MonkeyPatch, *, fails: str = "") -> tuple[Plan, Path]:
    """A plan whose manager is a stand-in that notes what it is asked, and refuses what holds the word ``fails``."""
    tool, noted = folder / "bin" / "managerctl", folder / "noted"
    tool.parent.mkdir()
    refuse = f'case "$*" in *{fails}*) echo "cannot {fails}" >&2; exit 1;; esac\n' if fails else ""
    tool.write_text(f'#!/bin/sh\necho "$@" >> {noted}\n{refuse}')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    plan = Plan(
        manager="systemd",
        tool="managerctl",
        file=folder / "units" / "turnout.service",
        content=b"[Unit]\n",
        install=(("managerctl", "reload"), ("managerctl", "start")),
        uninstall=(("managerctl", "stop"),),
        forget=(("managerctl", "forget"),),
        query=("managerctl", "query"),
        restart=(("managerctl", "restart"),),
    )
    return plan, noted


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_it_is_installed_looked_at_started_anew_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, noted = managed(tmp_path, monkeypatch)
    services.install(plan)
    assert plan.file.read_bytes() == b"[Unit]\n"
    assert services.running(plan)
    services.restart(plan)
    assert services.uninstall(plan)
    assert not plan.file.exists()
    assert not services.uninstall(plan)
    assert noted.read_text().split() == ["reload", "start", "query", "restart", "stop", "forget"]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
def test_what_the_manager_refuses_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = managed(tmp_path, monkeypatch, fails="start")
    with pytest.raises(services.ServiceError, match="cannot start"):
        services.install(plan)


def test_where_there_is_no_manager_it_says_what_needs_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plan = systemd.plan(SPEC, tmp_path, {})
    with pytest.raises(services.ServiceError, match="turnout up"):
        services.install(plan)
    assert not plan.file.exists()
    assert not services.running(plan)
