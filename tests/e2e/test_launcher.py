"""`turnout claude` with the real Claude Code: the terminal, the end of either side, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
import pytest

from tests.cli.command import turnout
from tests.clients import CLAUDE_CODE_VERSIONS
from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import say
from tests.e2e.terminal import ESCAPE, Terminal
from turnout.launch.running import find_running
from turnout.simulator import Pacing, Scenario, Simulator, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NEW = CLAUDE_CODE_VERSIONS[-1]


class Launcher:
    """A user who starts Claude Code by `turnout claude`, with a home of their own."""

    def __init__(self, home: Path, version: str, simulator: Simulator) -> None:
        self.simulator = simulator
        # Its home, its settings and its working folder are those of the tests' own user of Claude Code.
        self.client = ClaudeCode(version, home, "http://127.0.0.1:9", "none")
        simulator.write_auth_json(home / "codex")
        programs = home / "programs"
        programs.mkdir()
        (programs / "claude").symlink_to(self.client.executable)
        self.environment = {
            name: value
            for name, value in self.client.environment.items()
            if name not in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")
        } | {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "TURNOUT_HOME": str(home / "turnout"),
            "CODEX_HOME": str(home / "codex"),
            "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
            "TERM": "xterm-256color",
        }

    def play(self, *turns: Turn) -> None:
        self.simulator.load(Scenario(turns=list(turns)))

    def terminal(self, *arguments: str, shell: bool = False) -> Terminal:
        """`turnout claude` in a terminal; with ``shell`` below one that stays when it ends."""
        command = [sys.executable, "-m", "turnout", "claude", *arguments]
        if shell:
            command = ["/bin/sh", "-c", '"$@"; echo $? > ended; exec sleep 600', "sh", *command]
        return Terminal(command, cwd=self.client.work, environment=self.environment)

    def run(self, *arguments: str, variables: Mapping[str, str] | None = None) -> str:
        done = turnout(self.client.work, *arguments, variables={**self.environment, **(variables or {})})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def launcher(tmp_path: Path, simulator: Simulator, request: pytest.FixtureRequest) -> Launcher:
    return Launcher(tmp_path / "user", getattr(request, "param", NEW), simulator)


def descendants(terminal: Terminal) -> list[psutil.Process]:
    return psutil.Process(terminal.pid).children(recursive=True)


def client_below(terminal: Terminal) -> psutil.Process:
    """The process of Claude Code."""
    return next(each for each in descendants(terminal) if "turnout" not in " ".join(each.cmdline()))


def address_of(client: psutil.Process) -> tuple[str, int]:
    url = urlsplit(client.environ()["ANTHROPIC_BASE_URL"])
    assert url.hostname is not None
    assert url.port is not None
    return url.hostname, url.port


def listens(address: tuple[str, int]) -> bool:
    with socket.socket() as attempt:
        return attempt.connect_ex(address) == 0


@pytest.mark.parametrize("launcher", CLAUDE_CODE_VERSIONS, indirect=True)
def test_a_session_in_the_terminal_from_its_start_to_its_end(launcher: Launcher) -> None:
    long = "It begins here. " + " ".join(f"Word number {number}." for number in range(2000))
    launcher.play(say("The first answer."), say(long, pacing=Pacing(delta=0.02)))
    with launcher.terminal() as terminal:
        terminal.wait_for("❯")
        address = address_of(client_below(terminal))
        terminal.submit("What comes first?")
        terminal.wait_for("The first answer.")
        terminal.submit("Tell me a long story")
        terminal.wait_for("It begins here.")
        terminal.press(ESCAPE)
        terminal.wait_for("Interrupted")
        wait_for(lambda: launcher.simulator.requests[-1].disconnected_at is not None)
        terminal.submit("/exit")
        assert terminal.ended() == 0
        assert not listens(address)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)


def test_when_the_client_is_killed_its_gateway_goes(launcher: Launcher) -> None:
    with launcher.terminal(shell=True) as terminal:
        terminal.wait_for("❯")
        client = client_below(terminal)
        address = address_of(client)
        assert listens(address)
        client.kill()
        wait_for((launcher.client.work / "ended").exists)
        assert (launcher.client.work / "ended").read_text() == "137\n"
        assert not listens(address)


def test_when_the_gateway_is_killed_the_client_says_what_is_wrong(launcher: Launcher) -> None:
    launcher.play(say("The first answer."), say("Never."))
    launcher.environment["CLAUDE_CODE_MAX_RETRIES"] = "1"
    with launcher.terminal(shell=True) as terminal:
        terminal.wait_for("❯")
        terminal.submit("What comes first?")
        terminal.wait_for("The first answer.")
        client = client_below(terminal)
        parent = client.parent()
        assert parent is not None
        parent.send_signal(signal.SIGKILL)
        parent.wait(10)
        terminal.submit("Onwards")
        refused = re.compile(r"Unable to connect|Connection ?[Rr]efused")
        screen = terminal.wait_for(lambda shown: refused.search(shown) is not None, timeout=40)
        assert "Never." not in screen
        client.kill()


@pytest.mark.parametrize("launcher", CLAUDE_CODE_VERSIONS, indirect=True)
def test_nothing_is_left_behind_that_the_client_itself_does_not_leave(launcher: Launcher, tmp_path: Path) -> None:
    """Two users with nothing but their homes do the same, one by `turnout claude` and one by `claude`."""
    ours, plain = tmp_path / "ours", tmp_path / "plain"
    common = {
        name: value
        for name, value in launcher.environment.items()
        if name not in ("CLAUDE_CONFIG_DIR", "HOME", "USERPROFILE")
    }
    for home in (ours, plain):
        (home / "work").mkdir(parents=True)
    launcher.play(say("Done."), say("Done."))
    done = turnout(ours / "work", "claude", "-p", "Do it", variables={**common, "HOME": str(ours)})
    assert done.stdout == "Done.\n", done.stderr
    with_turnout = left_behind(ours)
    launcher.simulator.reset()
    launcher.play(say("Done."), say("Done."))
    started = turnout(launcher.client.work, "up", "--port", "0", "--quiet", variables=launcher.environment)
    assert started.returncode == 0, started.stderr
    running = find_running({"TURNOUT_HOME": launcher.environment["TURNOUT_HOME"]})
    assert running is not None
    try:
        alone = subprocess.run(
            [str(launcher.client.executable), "-p", "Do it"],
            env={
                **common,
                "HOME": str(plain),
                "ANTHROPIC_BASE_URL": running.url,
                "ANTHROPIC_AUTH_TOKEN": running.token,
            },
            cwd=plain / "work",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        assert alone == "Done.\n"
    finally:
        launcher.run("down", "--now")
    assert with_turnout == left_behind(plain)
    assert not (ours / ".claude" / "settings.json").exists()


def left_behind(home: Path) -> dict[str, object]:
    """Every file below the home: settings with what is in them, others by name, without ids and times in names."""
    found: dict[str, object] = {}
    for file in sorted(home.rglob("*")):
        if not file.is_file():
            continue
        name = str(file.relative_to(home)).replace(home.name, "HOME")
        name = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b\d{6,}\b|[0-9a-f]{16,}", "#", name)
        keys = sorted(json.loads(file.read_text("utf-8"))) if name.endswith("claude.json") else None
        found[name] = keys
    return found


def test_a_session_joins_the_gateway_that_runs(launcher: Launcher) -> None:
    launcher.play(say("Done."), say("Done."), say("Done."))
    launcher.run("up", "--port", "0", "--quiet")
    try:
        running = find_running({"TURNOUT_HOME": launcher.environment["TURNOUT_HOME"]})
        assert running is not None
        assert launcher.run("claude", "-p", "Do it") == "Done.\n"
        assert json.loads(launcher.run("status", "--json"))["requests"] >= 1
        before = json.loads(launcher.run("status", "--json"))["requests"]
        own = launcher.run("claude", "--fast", "-p", "Do it")
        assert "its settings are other ones" in own
        assert "Done." in own
        assert json.loads(launcher.run("status", "--json"))["requests"] == before
        assert launcher.run("claude", "--private", "-p", "Do it") == "Done.\n"
        assert json.loads(launcher.run("status", "--json"))["requests"] == before
    finally:
        launcher.run("down", "--now")


@pytest.mark.parametrize("launcher", CLAUDE_CODE_VERSIONS, indirect=True)
def test_settings_that_lead_elsewhere_are_named_and_answered(launcher: Launcher) -> None:
    launcher.play(say("Done."))
    settings = {"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "CLAUDE_CODE_USE_BEDROCK": "1"}}
    file = launcher.client.config / "settings.json"
    file.write_text(json.dumps(settings))
    said = launcher.run("claude", "-p", "Do it")
    assert "Done." in said
    assert f"{file} sets ANTHROPIC_BASE_URL, which sends Claude Code to another address." in said
    assert "CLAUDE_CODE_USE_BEDROCK" in said
    assert json.loads(file.read_text()) == settings
    mine = launcher.client.work / "mine.json"
    mine.write_text("{}")
    refused = turnout(
        launcher.client.work, "claude", "--settings", str(mine), "-p", "Do it", variables=launcher.environment
    )
    assert refused.returncode == 1
    assert "would not go through Turnout" in refused.stderr


@pytest.mark.parametrize("launcher", CLAUDE_CODE_VERSIONS, indirect=True)
def test_small_calls_go_to_the_small_model_and_tools_are_loaded_when_needed(launcher: Launcher) -> None:
    launcher.environment.pop("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", None)
    launcher.play(say("Done."))
    with launcher.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("What comes first?")
        terminal.wait_for("Done.")
        wait_for(lambda: len(launcher.simulator.requests) >= 2)
    bodies = [upstream.body(request) for request in launcher.simulator.requests]
    title = next(body for body in bodies if not body.get("tools"))
    assert title["model"] == "gpt-6-luna"
    asked = next(body for body in bodies if body.get("tools"))
    assert asked["model"] == "gpt-6.1-sol"
    assert len(json.dumps(asked["tools"])) < 50_000
