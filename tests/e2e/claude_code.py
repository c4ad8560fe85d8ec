"""Drives the real Claude Code as a user would, with a home, configuration and working folder of its own.

Knows how the client is started and what it prints; knows nothing of the gateway but its address and token. The shapes
of the configuration files are those of claude-code-wire.md 8, "First start".
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.clients import claude_code
from tests.e2e.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FOREIGN_PREFIXES = ("ANTHROPIC_", "CLAUDE", "OPENAI_", "CODEX_", "TURNOUT_", "MCP_", "NODE_", "BUN_")
"""Variables of the machine that could change what the client does; none of them reaches it."""

_PROXY_VARIABLES = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}


@dataclass(frozen=True, slots=True)
class Result:
    """One finished run of the client in print mode."""

    stdout: str
    stderr: str
    code: int
    """Exit code: 0 when the turn ended well."""
    seconds: float
    """Wall time from the start of the process to its end."""

    @property
    def json(self) -> dict[str, Any]:
        """The one object that `--output-format json` prints."""
        shown: dict[str, Any] = json.loads(self.stdout)
        return shown

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines that `--output-format stream-json` prints."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.strip()]

    def succeeded(self) -> Result:
        """This result, or an assertion error that shows everything the user would have seen."""
        assert self.code == 0, f"the client exited {self.code}\nstdout: {self.stdout}\nstderr: {self.stderr}"
        return self


class ClaudeCode:
    """One user of Claude Code: a version, a scratch home, and a gateway to talk to."""

    def __init__(
        self,
        version: str,
        home: Path,
        base_url: str,
        token: str,
        *,
        settings: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` goes into the user's settings.json; `environment` is added to what every run gets."""
        self.version = version
        self.executable = claude_code(version)
        self.home = home
        self.config = home / "config"
        self.work = home / "work"
        self.config.mkdir(parents=True)
        self.work.mkdir()
        self.environment = {
            **_machine_environment(),
            "HOME": str(home),
            "USERPROFILE": str(home),
            "CLAUDE_CONFIG_DIR": str(self.config),
            "ANTHROPIC_BASE_URL": base_url,
            "ANTHROPIC_AUTH_TOKEN": token,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            # The client refuses to bypass permissions for root unless it is told that it runs in a sandbox.
            "IS_SANDBOX": "1",
            **(environment or {}),
        }
        self._write("settings.json", {"permissions": {"defaultMode": "default"}, **(settings or {})})
        self._write(
            ".claude.json",
            {
                "hasCompletedOnboarding": True,
                "hasSeenAutoDefaultNudge": True,
                "projects": {str(self.work): {"hasTrustDialogAccepted": True}},
            },
        )

    def run(
        self,
        prompt: str | None,
        *arguments: str,
        stdin: str = "",
        timeout: float = 60,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run `claude -p prompt arguments...` to its end; `prompt` None leaves it to stdin.

        Raises `TimeoutError` with what was printed so far when it takes longer than `timeout` seconds.
        """
        process = self.start(prompt, *arguments, environment=environment)
        started = time.monotonic()
        try:
            stdout, stderr = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill_group(process)
            stdout, stderr = process.communicate()
            raise TimeoutError(
                f"claude {self.version} did not end within {timeout} s\nstdout: {stdout}\nstderr: {stderr}"
            ) from None
        return Result(stdout, stderr, process.returncode, time.monotonic() - started)

    def start(
        self, prompt: str | None, *arguments: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start `claude -p` and leave it running, for tests that do something to it meanwhile; it waits for stdin."""
        words = [] if prompt is None else [prompt]
        return subprocess.Popen(
            # Some options take several values: the prompt must come before them.
            [self.executable, "-p", *words, *arguments],
            cwd=self.work,
            env={**self.environment, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )

    def converse(self, *questions: str, timeout: float = 60) -> list[str]:
        """Ask one question after the other in one process, as the agent SDKs do; gives the final text of each turn."""
        process = self.start(None, *("--input-format", "stream-json", "--output-format", "stream-json", "--verbose"))
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(timeout, _kill_group, [process])
        watchdog.start()
        answers = []
        try:
            for question in questions:
                message = {"type": "user", "message": {"role": "user", "content": question}}
                process.stdin.write(json.dumps(message) + "\n")
                process.stdin.flush()
                # The next question waits for the end of this turn, or the client would put both into one.
                events = (json.loads(line) for line in process.stdout)
                answers.append(next(event["result"] for event in events if event["type"] == "result"))
            process.communicate()
        finally:
            watchdog.cancel()
            _kill_group(process)
        return answers

    def terminal(self, *arguments: str, environment: Mapping[str, str] | None = None) -> Terminal:
        """Start the interactive client in a terminal of its own; close it as a context manager."""
        return Terminal(
            [str(self.executable), *arguments],
            cwd=self.work,
            environment={**self.environment, "TERM": "xterm-256color", **(environment or {})},
        )

    def transcripts(self) -> list[Path]:
        """The session files that the client has written, oldest first."""
        return sorted(self.config.glob("projects/*/*.jsonl"), key=lambda path: path.stat().st_mtime)

    def _write(self, name: str, value: Mapping[str, Any]) -> None:
        (self.config / name).write_text(json.dumps(value), encoding="utf-8")


def _machine_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name.lower() not in _PROXY_VARIABLES
    }


def _kill_group(process: subprocess.Popen[str]) -> None:
    """End the client and the tools that it started."""
    with suppress(ProcessLookupError):  # it may have ended by itself in the meantime
        os.killpg(process.pid, signal.SIGKILL)
