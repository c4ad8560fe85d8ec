"""`turnout setup`, as a person answers it in a terminal."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.service import ADA
from tests.cli.terminal import Command
from turnout.settings import resolve

if TYPE_CHECKING:
    from tests.cli.inside import Shell

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has no such terminal")


@pytest.fixture
def environ(shell: Shell) -> dict[str, str]:
    """Variables with which Claude Code is found, and the shell is bash."""
    shell.sim.settings.device_polls, shell.sim.settings.device_interval = 0, 1.0
    folder = shell.home / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\necho 2.1.328\n")
    (folder / "claude").chmod(0o755)
    return {**shell.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "SHELL": "/bin/bash"}


def test_from_nothing_to_the_first_start_with_a_key(shell: Shell, environ: dict[str, str]) -> None:
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use?")
        screen.press("2\r")
        screen.wait_for("There is nothing to take over.")
        screen.wait_for("OpenAI API key (not shown)")
        screen.press(f"{shell.sim.api_key}\r")
        screen.wait_for("OpenAI takes the key")
        screen.wait_for("Is that right?")
        screen.press("\r")
        screen.wait_for("It is at")
        screen.wait_for("Add this line to")
        screen.press("y\r")
        shown = screen.wait_for("All set. Start with: turnout claude")
        assert screen.ended() == 0
    assert shell.sim.api_key not in shown
    assert resolve(shell.environ, {}).config.upstream == "openai"
    assert "shell-init bash" in (shell.home / ".bashrc").read_text()


def test_from_nothing_with_a_plan(shell: Shell, environ: dict[str, str]) -> None:
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use?")
        screen.press("\r")
        screen.wait_for("Signed in as ada@example.com")
        screen.wait_for("Is that right?")
        screen.press("\r")
        screen.wait_for("Add this line to")
        screen.press("\r")
        screen.wait_for("All set")
        assert screen.ended() == 0
    assert not (shell.home / ".bashrc").exists()  # nobody said yes
    assert not (shell.home / "turnout" / "config.toml").exists()  # everything is the default
    assert [account.name for account in shell.accounts.list()] == ["ada"]


def test_it_goes_on_where_it_was_stopped(shell: Shell, environ: dict[str, str]) -> None:
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use?")
        screen.press("3\r")
        screen.wait_for("Its address")
        screen.press("nonsense\r")
        screen.wait_for("an http:// or https:// address")
        screen.press(f"{shell.sim.openai_url}\r")
        screen.wait_for("OpenAI API key (not shown)")
        screen.press("\x03")
        screen.wait_for("`turnout setup` goes on from here")
        assert screen.ended() == 130
    assert resolve({"TURNOUT_HOME": environ["TURNOUT_HOME"]}, {}).config.openai.base_url == shell.sim.openai_url
    with Command(shell.home, "setup", variables=environ) as screen:
        shown = screen.wait_for("OpenAI API key (not shown)")
        assert "1. Provider  answered before" in shown
        assert "What do you use?" not in shown
    with Command(shell.home, "setup", "--again", variables=environ) as screen:
        screen.wait_for("What do you use? [3]")


def test_another_tools_settings_are_offered_and_taken_on_yes(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    (shell.home / ".ccs").mkdir()
    held = {"env": {"ANTHROPIC_DEFAULT_OPUS_MODEL": "gpt-5.5"}}
    (shell.home / ".ccs" / "codex.settings.json").write_text(json.dumps(held))
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use?")
        screen.press("\r")
        screen.wait_for("Take this over?")
        screen.press("y\r")
        screen.wait_for("There is one already: ada (ada@example.com)")
        screen.press("\r")
        screen.wait_for("Is that right?")
    assert resolve(shell.environ, {}).config.slots.opus.model == "gpt-5.5"


def test_a_client_that_cannot_be_installed_does_not_end_it(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    with Command(shell.home, "setup", variables={**environ, "PATH": "/nowhere"}) as screen:
        screen.wait_for("What do you use?")
        screen.press("\r")
        screen.wait_for("Sign in with another one?")
        screen.press("\r")
        screen.wait_for("Is that right?")
        screen.press("\r")
        screen.wait_for("Have npm install")
        screen.press("\r")
        screen.wait_for("npm is needed")
        screen.wait_for("Add this line to")
        screen.press("\r")
        screen.wait_for("All set")
        assert screen.ended() == 0


def test_other_models_are_picked_there(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use?")
        screen.press("\r")
        screen.wait_for("Sign in with another one?")
        screen.press("\r")
        screen.wait_for("Is that right?")
        screen.press("n\r")
        screen.wait_for("Which name is to stand for something else?")
        screen.press("haiku\r")
        screen.wait_for("Model for haiku")
        screen.press("1\r")
        screen.wait_for("Effort for haiku")
        screen.press("\r")
        screen.wait_for(lambda text: text.count("Which name is to stand for something else?") == 2)
        screen.press("\r")
        screen.wait_for("Write this?")
        screen.press("\r")
        screen.wait_for("Add this line to")
    assert resolve(shell.environ, {}).config.slots.haiku.model


def test_a_server_of_ones_own_stays_by_enter(shell: Shell, environ: dict[str, str]) -> None:
    shell.run("config", "set", "custom.mine.base_url", shell.sim.openai_url)
    shell.run("upstreams", "use", "mine")
    with Command(shell.home, "setup", variables=environ) as screen:
        screen.wait_for("What do you use? [4]")
        screen.press("\r")
        screen.wait_for("There is nothing to take over.")
    assert resolve(shell.environ, {}).config.upstream == "mine"


def test_with_nobody_there_it_says_what_to_do_instead(shell: Shell) -> None:
    assert "turnout login" in shell.run("setup", code=1)
