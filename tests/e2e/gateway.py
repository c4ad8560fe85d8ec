"""Runs `turnout serve` as a user does: the real command, in a process of its own, on a free port.

Knows the command's options and environment; knows nothing of the gateway's inside.
"""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOKEN = "e2e-token"

_START_SECONDS = 20
_LOG_SECONDS = 5
_marks = itertools.count()
_SETTINGS = ("CHATGPT_", "CODEX_", "OPENAI_", "PROXY_", "TURNOUT_")


class Gateway:
    """A running gateway in front of one upstream; a context manager that stops it."""

    def __init__(
        self,
        home: Path,
        *,
        upstream: str,
        environment: Mapping[str, str],
        turnout: Sequence[str] = ("-m", "turnout"),
    ) -> None:
        """`home` is its home and working folder; `environment` says where the upstream is and how to sign in there.

        `turnout` is what Python is to run as the command `turnout`.
        """
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = TOKEN
        self._log = tempfile.NamedTemporaryFile(mode="w+b", prefix="turnout-", suffix=".log")  # noqa: SIM115
        self._process = subprocess.Popen(
            # Separate: tests have several gateways for one user, to see how they share what is the user's.
            [sys.executable, *turnout, "serve", "--separate", "--port", str(self.port), "--upstream", upstream],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)},
                "HOME": str(home),
                "TURNOUT_TOKEN": TOKEN,
                **environment,
            },
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Gateway:
        try:
            self._wait_until_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def log(self) -> str:
        """What the gateway has printed and logged so far."""
        return Path(self._log.name).read_text(encoding="utf-8", errors="replace")

    def settled_log(self) -> str:
        """The log once it has a line for each request that was answered before: lines are written a moment later."""
        mark = f"/mark-{next(_marks)}"
        try:
            urllib.request.urlopen(f"{self.url}{mark}", timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()  # there is nothing at such a path, which is logged as well
        deadline = time.monotonic() + _LOG_SECONDS
        while f"path={mark} " not in self.log:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the gateway has not logged a request within {_LOG_SECONDS} s:\n{self.log}")
            time.sleep(0.02)
        return self.log

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Stop it as Ctrl-C would, harder if it does not listen."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if not self._log.closed:
            OUTPUT.append((self.url, self.log))
            self._log.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"turnout serve ended with code {self._process.returncode}:\n{self.log}")
            try:
                urllib.request.urlopen(f"{self.url}/health", timeout=1).close()
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"turnout serve did not answer /health within {_START_SECONDS} s:\n{self.log}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
