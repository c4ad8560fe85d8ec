"""Clients that Turnout does not start itself: through `env`, `settings` and the short commands, with the real client.

The gateway runs in the background, as `turnout up` starts it.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import turnout
from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e.claude_code import ClaudeCode
from turnout.launch.running import find_running
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shells are POSIX's")
VERSION = CLAUDE_CODE_VERSIONS[-1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Desk:
    """A user with a login, a gateway in the background, and Claude Code that is told of neither."""

    def __init__(self, home: Path, simulator: Simulator) -> None:
        self.simulator = simulator
        self.client = ClaudeCode(VERSION, home / "user", "", "")
        for name in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN"):
            del self.client.environment[name]
        self.home = self.client.home
        (self.home / "codex").mkdir()
        simulator.write_auth_json(self.home / "codex")
        self.variables = {
            "CLAUDE_CONFIG_DIR": str(self.client.config),
            "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "TURNOUT_PORT": str(free_port()),
            "SHELL": "/bin/sh",
        }

    def turnout(self, *arguments: str) -> str:
        done = turnout(self.home, *arguments, variables=self.variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def shell(self, script: str) -> str:
        """What a shell of the user's prints, with `turnout` and `claude` on its PATH."""
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        (folder / "turnout").write_text(f'#!/bin/sh\nexec {sys.executable} -m turnout "$@"\n')
        (folder / "turnout").chmod(0o755)
        if not (folder / "claude").exists():
            (folder / "claude").symlink_to(self.client.executable)
        environ = {**self.client.environment, **self.variables, "TURNOUT_HOME": str(self.home / "turnout")}
        environ |= {"CODEX_HOME": str(self.home / "codex"), "PATH": f"{folder}:/usr/bin:/bin"}
        done = subprocess.run(
            ["sh", "-c", script], env=environ, cwd=self.client.work, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@contextmanager
def made(home: Path) -> Iterator[Desk]:
    with Simulator() as simulator:
        desk = Desk(home, simulator)
        try:
            yield desk
        finally:
            turnout(desk.home, "down", "--now", variables=desk.variables)


def test_settings_let_every_claude_code_use_the_gateway_and_undo_takes_it_back(tmp_path: Path) -> None:
    with made(tmp_path) as desk:
        file = desk.client.config / "settings.json"
        before = file.read_bytes()
        desk.turnout("up", "--quiet")
        desk.turnout("settings", "--apply", "--yes")
        assert desk.client.run("hello").succeeded().stdout.strip()
        assert [each.path for each in desk.simulator.requests] == ["/backend-api/codex/responses"]
        desk.turnout("down")
        desk.turnout("up", "--quiet")  # another process, the same address and token
        desk.client.run("hello again").succeeded()
        assert len(desk.simulator.requests) == 2
        desk.turnout("settings", "--undo")
        assert file.read_bytes() == before


def test_env_lets_a_shells_programs_use_the_gateway(tmp_path: Path) -> None:
    with made(tmp_path) as desk:
        desk.shell('turnout up --quiet && eval "$(turnout env)" && claude -p hello')
        assert desk.simulator.requests[-1].path == "/backend-api/codex/responses"


def test_ccy_starts_what_is_needed_and_cpstop_ends_it(tmp_path: Path) -> None:
    with made(tmp_path) as desk:
        state = {**desk.variables, "TURNOUT_HOME": str(desk.home / "turnout")}
        desk.shell('eval "$(turnout shell-init)"; ccy -p "hello you"')
        assert desk.simulator.requests[-1].path == "/backend-api/codex/responses"
        first = find_running(state)
        assert first is not None
        desk.shell('eval "$(turnout shell-init)"; ccy -p again')
        second = find_running(state)
        assert second is not None
        assert second.pid == first.pid
        desk.shell('eval "$(turnout shell-init)"; cpstop')
        assert find_running(state) is None


def test_the_doctor_finds_nothing_wrong_with_a_working_desk_and_changes_nothing(tmp_path: Path) -> None:
    with made(tmp_path) as desk:
        desk.shell("turnout up --quiet")
        desk.turnout("settings", "--apply", "--yes")
        watched = (desk.client.config, desk.home / "codex", desk.client.work)

        def everything() -> dict[str, bytes]:
            return {str(each): each.read_bytes() for folder in watched for each in folder.rglob("*") if each.is_file()}

        before = everything()
        report = desk.shell("turnout doctor --verbose")
        assert everything() == before
        assert "problem" not in report
        assert f"Claude Code {VERSION} at" in report
        assert "The gateway runs at" in report
        assert "to the gateway that runs" in report
        assert "takes the login of" in report
        desk.turnout("down")
        assert "turnout settings --undo Or: turnout up" in desk.shell("turnout doctor --offline || true")
