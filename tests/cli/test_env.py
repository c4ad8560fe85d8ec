"""`turnout env`, `shell-init`, `settings` and `completion`: what is printed, and what is written only on request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cli.service import ADA
from tests.cli.terminal import Command
from turnout import __version__
from turnout.cli import completion
from turnout.launch.running import Registration, RunningGatewayInfo
from turnout.launch.token import kept_token

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.inside import Shell

TOKEN = "tn-of-the-running-one-1234567890"


@contextmanager
def a_gateway_runs(shell: Shell, url: str = "http://127.0.0.1:4321", token: str = TOKEN) -> Iterator[None]:
    with Registration(shell.environ) as registration:
        registration.announce(
            RunningGatewayInfo(pid=os.getpid(), url=url, token=token, version=__version__, started=time.time())
        )
        yield


def settings_file(shell: Shell) -> Path:
    return shell.home / ".claude" / "settings.json"


# env


def test_the_variables_of_the_running_gateway(shell: Shell) -> None:
    with a_gateway_runs(shell):
        assert shell.run("env", "bash").splitlines()[:2] == [
            "export ANTHROPIC_BASE_URL=http://127.0.0.1:4321",
            f"export ANTHROPIC_AUTH_TOKEN={TOKEN}",
        ]
        told = shell.json("env", "json")
    assert int(told["CLAUDE_CODE_MAX_CONTEXT_TOKENS"]) == int(told["CLAUDE_CODE_AUTO_COMPACT_WINDOW"]) > 200_000


def test_a_proxy_is_kept_away_from_this_machine(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_gateway_runs(shell):
        assert "NO_PROXY" not in shell.json("env", "json")
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
        monkeypatch.setenv("NO_PROXY", "intern.example")
        told = shell.json("env", "json")
    assert told["NO_PROXY"] == "intern.example,127.0.0.1,localhost"
    assert "HTTPS_PROXY" not in told


def test_without_a_gateway_it_says_how_to_get_one(shell: Shell) -> None:
    said = shell.run("env", "bash", code=1)
    assert "No gateway runs" in said
    assert "turnout up" in said


def test_a_fixed_token_is_enough(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_TOKEN", "mine")
    said = shell.run("env", "dotenv")
    assert 'ANTHROPIC_BASE_URL="http://127.0.0.1:4000"' in said
    assert "No gateway runs now" in said


def test_unset_needs_no_gateway(shell: Shell) -> None:
    assert "unset ANTHROPIC_BASE_URL\nunset ANTHROPIC_AUTH_TOKEN\n" in shell.run("env", "zsh", "--unset")


# settings


def test_the_snippet(shell: Shell) -> None:
    with a_gateway_runs(shell):
        said = shell.run("settings")
    assert "end with it" in said
    snippet = json.loads(said[said.index("{") : said.rindex("}") + 1])
    assert snippet["env"]["ANTHROPIC_AUTH_TOKEN"] == TOKEN
    assert not settings_file(shell).exists()


def test_a_token_that_ends_with_the_gateway_goes_into_no_file(shell: Shell) -> None:
    with a_gateway_runs(shell):
        said = shell.run("settings", "--apply", "--yes", code=1)
    assert "would soon lead nowhere" in said
    assert not settings_file(shell).exists()


def test_the_token_that_turnout_up_keeps_lasts(shell: Shell) -> None:
    token = kept_token(shell.environ)
    with a_gateway_runs(shell, "http://127.0.0.1:4000", token):
        shell.run("settings", "--apply", "--yes")
    assert json.loads(settings_file(shell).read_text())["env"]["ANTHROPIC_AUTH_TOKEN"] == token
    assert token in shell.run("env", "bash")  # it does not run now, and will have the same


def test_apply_shows_the_change_and_undo_takes_it_back(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_TOKEN", "tn-lasting-secret")
    settings_file(shell).parent.mkdir()
    before = b'{\n  "apiKeyHelper": "pass show key",\n  "env": {"ANTHROPIC_API_KEY": "sk-mine"}\n}'
    settings_file(shell).write_bytes(before)
    said = shell.run("settings", "--apply", "--yes")
    assert '+    "ANTHROPIC_BASE_URL": "http://127.0.0.1:4000"' in said
    assert "tn-lasting" not in said
    assert "sk-mine" not in said
    assert "ANTHROPIC_API_KEY in the same file" in said
    assert "apiKeyHelper in the same file" in said
    assert "points at http://127.0.0.1:4000 already" in shell.run("settings", "--apply", "--yes")
    assert "is as it was" in shell.run("settings", "--undo")
    assert settings_file(shell).read_bytes() == before
    assert "nothing to take back" in shell.run("settings", "--undo")


def test_nobody_is_there_to_say_yes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_TOKEN", "mine")
    assert "Say --yes" in shell.run("settings", "--apply", code=2)
    assert not settings_file(shell).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="has no such terminal")
@pytest.mark.parametrize(("answer", "written"), [("y", True), ("n", False)])
def test_it_asks_first(shell: Shell, answer: str, written: bool) -> None:
    variables = {**shell.environ, "TURNOUT_TOKEN": "mine"}
    with Command(shell.home, "settings", "--apply", variables=variables) as screen:
        screen.wait_for("Write this?")
        assert not settings_file(shell).exists()
        screen.press(f"{answer}\r")
        assert screen.ended() == (0 if written else 130)
    assert settings_file(shell).exists() == written


def test_a_projects_own_file(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_TOKEN", "mine")
    shell.run("settings", "--apply", "--yes", "--scope", "local")
    assert (shell.home / ".claude" / "settings.local.json").exists()
    assert not settings_file(shell).exists()


# shell-init and completion


def test_the_short_commands_run_this_very_program(shell: Shell) -> None:
    said = shell.run("shell-init", "zsh")
    assert 'claude "$@"' in said
    assert "cpstop()" in said


def test_bash_completes_commands_and_options(shell: Shell) -> None:
    said = shell.run("completion", "bash")
    assert "complete -o nosort -F _turnout_completion turnout" in said

    def completed(*words: str) -> list[str]:
        environ = {
            **os.environ,
            "_TURNOUT_COMPLETE": "bash_complete",
            "COMP_WORDS": " ".join(("turnout", *words)),
            "COMP_CWORD": str(len(words)),
        }
        done = subprocess.run([sys.executable, "-m", "turnout"], env=environ, capture_output=True, text=True)
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    assert completed("sim") == ["simulate"]
    assert "--undo" in completed("settings", "--un")
    assert completed("env", "fi") == ["fish"]
    shell.sign_in(ADA)
    assert completed("claude", "--account", "a") == ["ada"]
    (shell.home / "turnout" / "config.toml").write_text("broken")
    assert completed("claude", "--account", "a") == []


def test_powershell_completes_too(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Register-ArgumentCompleter -Native -CommandName turnout" in shell.run("completion", "powershell")
    environ = {
        **os.environ,
        "_TURNOUT_COMPLETE": "powershell_complete",
        "_TURNOUT_COMPLETE_LINE": "turnout env po",
        "_TURNOUT_COMPLETE_WORD": "po",
    }
    done = subprocess.run([sys.executable, "-m", "turnout"], env=environ, capture_output=True, text=True)
    assert done.stdout == "powershell\n"
    assert completion.words({"_TURNOUT_COMPLETE_LINE": "turnout settings ", "_TURNOUT_COMPLETE_WORD": ""}) == (
        ["settings"],
        "",
    )


def test_the_command_prompt_cannot_be_taught(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delenv("SHELL", raising=False)
    monkeypatch.delenv("PSModulePath", raising=False)
    assert "Use PowerShell" in shell.run("completion", code=1)
