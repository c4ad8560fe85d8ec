"""A terminal for a full-screen program: what it draws is read as text, keys are sent as a person would press them.

Knows nothing of the program inside.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pexpect
import pyte

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ESCAPE = "\x1b"
ENTER = "\r"

_ROWS, _COLUMNS = 50, 120
_PRESSES = 10


class Terminal:
    """A program in a pseudo-terminal of 120 × 50 characters, its screen kept by a terminal emulator."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> None:
        self._screen = pyte.Screen(_COLUMNS, _ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._child = pexpect.spawn(
            command[0],
            list(command[1:]),
            cwd=str(cwd),
            env=dict(environment),
            dimensions=(_ROWS, _COLUMNS),
            timeout=None,
        )

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        # At once and without asking: a busy machine makes it outlast the patience that pexpect has with each signal.
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()
        self._child.close()

    @property
    def pid(self) -> int:
        """The process that was started."""
        number: int = self._child.pid
        return number

    def ended(self) -> int:
        """Wait for the program's end, and give its exit code; what it still draws is read."""
        while self._child.isalive():
            self._read()
            time.sleep(0.02)
        code: int = self._child.exitstatus
        return code

    @property
    def text(self) -> str:
        """What the screen shows now, line by line, without trailing blanks."""
        self._read()
        return "\n".join(line.rstrip() for line in self._screen.display).strip()

    def wait_for(self, wanted: str | Callable[[str], bool], timeout: float = 20) -> str:
        """Wait until the screen shows `wanted` (a text, or a test of the whole screen); gives the screen.

        Raises `TimeoutError` that shows the screen when it does not come within `timeout` seconds.
        """
        shows = wanted if callable(wanted) else lambda screen: wanted in screen
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if shows(screen := self.text):
                return screen
            time.sleep(0.02)
        raise TimeoutError(f"{wanted!r} did not appear within {timeout} s; the screen shows:\n{self.text}")

    def press(self, keys: str, *, until: str = "") -> None:
        """Send `keys` as one key press (an escape sequence, a control character, a letter).

        With `until`, press as a person would whose key seems to have been missed: again each second, until the screen
        shows that text. A dialog that has just appeared may ignore keys for a moment, lest a typist answer it unread.
        """
        for _ in range(_PRESSES if until else 1):
            self._child.send(keys)
            if not until:
                return
            with suppress(TimeoutError):
                self.wait_for(until, timeout=1)
                return
        raise TimeoutError(f"{until!r} did not appear after pressing {keys!r}; the screen shows:\n{self.text}")

    def type(self, text: str) -> None:
        """Type `text` and wait until it is on the screen."""
        self._child.send(text)
        self.wait_for(text)

    def submit(self, line: str) -> None:
        """Type `line` and press Enter; sent together they would be taken for a paste with a line break in it."""
        self.type(line)
        self._child.send(ENTER)

    def _read(self) -> None:
        while True:
            try:
                self._stream.feed(self._child.read_nonblocking(65536, timeout=0))
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
