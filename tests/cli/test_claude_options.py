"""`turnout claude` around Claude Code: what it is started with, and what happens where it is not or cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import environment, turnout
from turnout.simulator import Simulator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for Claude Code and npm are shell scripts")

SHOWS = '#!/bin/sh\necho "arguments: $*"\nenv\n'
NPM = f"""#!/bin/sh
echo "npm $*" >> "$HOME/npm.txt"
folder=node_modules/@anthropic-ai/claude-code-{sys.platform}-x64
mkdir -p $folder && printf '#!/bin/sh\\necho "installed $*"\\n' > $folder/claude && chmod +x $folder/claude
"""


class User:
    """A user whose Claude Code is a script."""

    def __init__(self, home: Path, simulator: Simulator) -> None:
        self.home = home
        simulator.write_auth_json(home / "codex")
        self.program("claude", SHOWS)
        self.variables = {
            "PATH": f"{home / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
            "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
        }

    def program(self, name: str, content: str) -> None:
        file = self.home / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
        file.chmod(0o755)

    def without_login(self) -> None:
        (self.home / "codex" / "auth.json").unlink()

    def run(self, *arguments: str, code: int = 0, **variables: str) -> str:
        done = turnout(self.home, "claude", *arguments, variables={**self.variables, **variables})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def told(self, *arguments: str, **variables: str) -> dict[str, str]:
        """The environment that Claude Code got."""
        lines = self.run(*arguments, **variables).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with Simulator() as simulator:
        yield User(tmp_path, simulator)


def test_it_is_told_what_it_needs(user: User) -> None:
    told = user.told()
    assert told["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == told["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "258400"
    assert "CLAUDE_CODE_MAX_OUTPUT_TOKENS" not in told, "nothing is known of the models in use"
    assert told["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "claude-haiku-5-5"
    assert told["ENABLE_TOOL_SEARCH"] == "true"


def test_a_model_that_is_no_claude_may_answer_at_full_length(user: User) -> None:
    assert user.told("--model", "gpt-6-astra")["CLAUDE_CODE_MAX_OUTPUT_TOKENS"] == "128000"


def test_the_users_own_values_win(user: User) -> None:
    own = {"ENABLE_TOOL_SEARCH": "false", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "gpt-5.5", "API_TIMEOUT_MS": "1000"}
    told = user.told(**own)
    assert {name: told[name] for name in own} == own


def test_a_dry_run_runs_nothing_and_needs_no_account(user: User) -> None:
    user.without_login()
    shown = user.run("--dry-run", "--model", "gpt-6-astra", "-p", "it's", ANTHROPIC_API_KEY="sk-of-the-user")
    assert "a private one, on a free port" in shown
    assert "ANTHROPIC_AUTH_TOKEN=(one-time token)" in shown
    assert "ANTHROPIC_API_KEY is left out" in shown
    assert "sk-of-the-user" not in shown
    assert "arguments:" not in shown
    assert """claude --model gpt-6-astra -p 'it'"'"'s'""" in shown
    assert not (user.home / "turnout" / "turnout.log").exists()


def test_a_dry_run_names_what_is_in_the_way(user: User) -> None:
    settings = user.home / ".claude" / "settings.json"
    settings.parent.mkdir()
    settings.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://else.example"}}')
    assert f"{settings} sets ANTHROPIC_BASE_URL" in user.run("--dry-run")


@pytest.mark.parametrize("arguments", [["--version"], ["mcp", "list"], ["update"], ["--", "--help"]])
def test_what_asks_no_model_needs_no_account_and_no_gateway(user: User, arguments: list[str]) -> None:
    user.without_login()
    shown = user.run(*arguments)
    assert f"arguments: {' '.join(word for word in arguments if word != '--')}\n" in shown
    assert "ANTHROPIC_BASE_URL" not in shown
    assert "No gateway" in user.run("--dry-run", *arguments)


def test_where_it_is_missing_it_can_be_installed(user: User) -> None:
    (user.home / "bin" / "claude").unlink()
    refused = user.run(code=1)
    assert "npm install -g @anthropic-ai/claude-code" in refused
    assert "turnout claude --yes" in refused
    user.program("npm", NPM)
    assert "installed -p hi" in user.run("--yes", "-p", "hi")
    assert "installed -p again" in user.run("-p", "again")
    assert (user.home / "npm.txt").read_text().count("npm install") == 1


def test_where_npm_fails_it_says_why(user: User) -> None:
    (user.home / "bin" / "claude").unlink()
    user.program("npm", '#!/bin/sh\necho "npm error: no space left" >&2; exit 1\n')
    assert "no space left" in user.run("--yes", code=1)


def test_a_gateway_that_cannot_be_made_ends_the_client_and_says_why(user: User) -> None:
    user.program("claude", "#!/bin/sh\nexec sleep 60\n")
    broken = user.home / "broken.pem"
    broken.write_text("no certificates")
    began = time.monotonic()
    said = user.run(code=2, SSL_CERT_FILE=str(broken))
    assert "broken.pem" in said
    assert time.monotonic() - began < 30


def test_its_log_can_tell_the_routes(user: User) -> None:
    ask = (
        'curl -s $ANTHROPIC_BASE_URL/v1/messages -H "authorization: Bearer $ANTHROPIC_AUTH_TOKEN" '
        '-d \'{"model":"claude-opus-5-5","max_tokens":9,"messages":[{"role":"user","content":"say banana"}]}\''
    )
    user.program("claude", f'#!/bin/sh\necho "$*"\n{ask}\n')
    assert "--verbose" in user.run("--verbose", "-p", "hi")
    [line] = [each for each in (user.home / "turnout" / "turnout.log").read_text().splitlines() if "opus" in each]
    assert "slot=opus" in line
    assert "effort=xhigh" in line
    assert "upstream=codex" in line


@pytest.mark.parametrize("count", [1, 2])
def test_an_interrupted_start_leaves_no_process(user: User, count: int) -> None:
    """Ctrl-C belongs to Claude Code: one that ends by it ends all."""
    import signal

    user.program("claude", "#!/bin/sh\ntrap 'exit 3' INT\necho here\nwhile :; do sleep 0.1; done\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "turnout", "claude"],
        env=environment(user.home, user.variables),
        cwd=user.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    for _ in range(count):
        os.killpg(process.pid, signal.SIGINT)
    assert process.wait(20) == 3
    process.communicate()
