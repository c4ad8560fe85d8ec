"""`turnout claude` and accounts: it has its user sign in first, and uses the account that is asked for.

A small client stands in for Claude Code: it sends one request, prints the answer, and reads a line.
"""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.ports import held
from tests.cli import browser
from tests.cli.command import turnout
from tests.cli.service import ADA, BOB
from tests.cli.terminal import Command
from turnout.accounts.account import State

if TYPE_CHECKING:
    import subprocess

    from tests.cli.inside import Shell
    from turnout.simulator import Simulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the client is found as a script here")

CLIENT = """
import json, os, sys, urllib.request
request = urllib.request.Request(
    os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages",
    json.dumps({"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]}).encode(),
    {"authorization": "Bearer " + os.environ["ANTHROPIC_AUTH_TOKEN"], "content-type": "application/json",
     "anthropic-version": "2023-06-01"},
)
try:
    answer = json.load(urllib.request.urlopen(request, timeout=20))
    print("answered by", answer["model"], flush=True)
except urllib.error.HTTPError as error:
    print("failed:", error.read().decode(), flush=True)
print("typed:", sys.stdin.readline(), flush=True)
"""


@pytest.fixture
def environ(shell: Shell) -> dict[str, str]:
    """Variables with which the client is found."""
    shell.sim.settings.device_polls, shell.sim.settings.device_interval = 0, 1.0
    programs = shell.home / "bin"
    programs.mkdir()
    (programs / "client.py").write_text(CLIENT)
    claude = programs / "claude"
    claude.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(programs))}/client.py "$@"\n')
    claude.chmod(0o755)
    return {**shell.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}


def claude(shell: Shell, environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return turnout(shell.home, "claude", *arguments, variables=environ)


def answered_as(sim: Simulator) -> str | None:
    """The account id that the last model request went out with."""
    return sim.requests[-1].headers.get("chatgpt-account-id")


# Signing in first


def test_with_no_account_signing_in_is_a_part_of_the_start(shell: Shell, environ: dict[str, str]) -> None:
    with Command(shell.home, "claude", variables=environ) as screen:
        screen.wait_for("You are not signed in yet.")
        screen.wait_for("✓ Signed in as ada@example.com (pro)")
        screen.wait_for("answered by")
        screen.press("over to you\r")
        screen.wait_for("typed: over to you")
        assert screen.ended() == 0
    assert answered_as(shell.sim) == ADA.account_id
    assert [account.name for account in shell.accounts.list()] == ["ada"]


def test_what_the_browser_way_reads_is_left_to_the_client(shell: Shell, environ: dict[str, str]) -> None:
    page = shell.home / "page.html"
    with held(), Command(shell.home, "claude", variables={**environ, "BROWSER": browser.command(page)}) as screen:
        screen.wait_for("answered by")
        screen.press("the first line\r")
        screen.wait_for("typed: the first line")
    assert "may be closed" in page.read_text()


def test_ctrl_c_there_starts_no_client(shell: Shell, environ: dict[str, str]) -> None:
    shell.sim.settings.device_polls = None
    with Command(shell.home, "claude", variables=environ) as screen:
        screen.wait_for("Waiting")
        screen.press("\x03")
        shown = screen.wait_for("Stopped. Nothing was kept.")
        assert screen.ended() == 130
    assert "typed" not in shown


def test_a_login_that_has_ended_is_renewed_by_its_user(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    shell.accounts.mark("ada", State.SIGN_IN_AGAIN, "OpenAI has refused to renew the login.")
    with Command(shell.home, "claude", variables=environ) as screen:
        screen.wait_for("OpenAI has refused to renew the login.")
        screen.wait_for("✓ Signed in as ada@example.com")
        screen.wait_for("answered by")
    assert [account.name for account in shell.accounts.list()] == ["ada"]


def test_another_tools_login_is_for_that_tool_to_mend(shell: Shell, environ: dict[str, str]) -> None:
    (shell.home / "codex").mkdir()
    (shell.home / "codex" / "auth.json").write_text("{")
    with Command(shell.home, "claude", variables=environ) as screen:
        # The screen breaks lines anywhere, and the folder's name may be long.
        screen.wait_for(lambda shown: "may have been cut short" in shown.replace("\n", ""))
        shown = screen.text
        assert screen.ended() == 1
    assert "Sign in with ChatGPT" not in shown


def test_with_nobody_there_it_says_what_to_do(shell: Shell, environ: dict[str, str]) -> None:
    done = claude(shell, environ, "-p", "hi")
    assert done.returncode == 1
    assert "turnout login" in done.stderr
    assert done.stdout == ""


def test_a_key_is_asked_for_where_one_is_wanted(shell: Shell, environ: dict[str, str]) -> None:
    with Command(shell.home, "claude", "--upstream", "openai", variables=environ) as screen:
        screen.wait_for("OpenAI API key (not shown):")
        screen.press(f"{shell.sim.api_key}\r")
        shown = screen.wait_for("answered by")
    assert "✓ OpenAI takes the key" in shown
    assert shell.sim.api_key not in shown
    assert shell.sim.requests[-1].path == "/v1/responses"


# Choosing an account


def test_the_account_that_is_asked_for_is_used(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB, "work")
    assert "answered by" in claude(shell, environ, "--account", "work").stdout
    assert answered_as(shell.sim) == BOB.account_id
    assert "answered by" in claude(shell, environ).stdout
    assert answered_as(shell.sim) == ADA.account_id


def test_a_project_has_its_own_account(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB, "work")
    (shell.home / ".turnout.toml").write_text('[accounts]\nuse = "work"\n')
    claude(shell, environ)
    assert answered_as(shell.sim) == BOB.account_id
    claude(shell, environ, "--account", "ada")
    assert answered_as(shell.sim) == ADA.account_id


def test_an_account_that_is_not_there_is_told_with_who_asked_for_it(shell: Shell, environ: dict[str, str]) -> None:
    shell.sign_in(ADA)
    done = claude(shell, environ, "--account", "work")
    assert done.returncode == 1
    assert "There is no account called 'work', which a flag asks for." in done.stderr
    assert "There are: ada." in done.stderr
    (shell.home / ".turnout.toml").write_text('[accounts]\nuse = "work"\n')
    assert f"which the file {shell.home / '.turnout.toml'} asks for." in claude(shell, environ).stderr


def test_an_account_with_a_key_goes_where_keys_are_taken(shell: Shell, environ: dict[str, str]) -> None:
    shell.accounts.add_api_key(shell.sim.api_key)
    assert "answered by" in claude(shell, environ).stdout
    assert shell.sim.requests[-1].path == "/v1/responses"
    shell.sign_in(ADA)
    assert "answered by" in claude(shell, environ, "--account", "ada").stdout
    assert answered_as(shell.sim) == ADA.account_id
    refused = claude(shell, environ, "--upstream", "codex", "--account", "api-key")
    assert refused.returncode == 1
    assert "is an API key, which the ChatGPT backend does not take" in refused.stderr
