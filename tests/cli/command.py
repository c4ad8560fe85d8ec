"""Runs the real `turnout` command, with a home of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.conftest import OUTPUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def environment(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the command runs with: nothing of the user's, and a home that may be looked through afterwards."""
    return {
        **os.environ,
        "HOME": str(home),
        "TURNOUT_HOME": str(home / "turnout"),
        "CODEX_HOME": str(home / "codex"),
        **(variables or {}),
    }


def turnout(
    home: Path, *arguments: str, variables: Mapping[str, str] | None = None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs `turnout` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "turnout", *arguments],
        env=environment(home, variables),
        cwd=home,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
    OUTPUT.append((f"turnout {' '.join(arguments)}", done.stdout + done.stderr))
    return done


@contextlib.contextmanager
def running(home: Path, *arguments: str, variables: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`turnout` in the foreground, for tests that talk to it; ended at the end of the block if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "turnout", *arguments],
        env=environment(home, variables),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        OUTPUT.append((f"turnout {' '.join(arguments)}", "".join(_rest(process))))


def _rest(process: subprocess.Popen[str]) -> Iterator[str]:
    """What is left of what it has printed and logged; a test may have read some of it, or all."""
    for stream in (process.stdout, process.stderr):
        if stream is not None and not stream.closed:
            yield stream.read()
            stream.close()
    process.wait()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What the command printed up to the line with these words."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        OUTPUT.append(("turnout", line))
        if words in line:
            return "".join(lines)
    raise AssertionError(f"{words!r} never came. Printed: {''.join(lines)}{process.stderr and process.stderr.read()}")
