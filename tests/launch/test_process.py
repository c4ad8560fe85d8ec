"""Processes by their number, and those that stay when their starter goes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from turnout.launch import process


def test_this_one_is_alive_and_odd_numbers_are_not() -> None:
    assert process.alive(os.getpid())
    assert not process.alive(0)
    assert not process.alive(-1)


def test_one_that_was_ended_is_not_even_while_nobody_has_noticed() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert process.alive(child.pid)
    assert not process.wait_for_end(child.pid, 0.05)
    process.kill(child.pid)
    assert process.wait_for_end(child.pid, 10), "its parent has not asked for its end yet"
    child.wait()
    process.kill(child.pid)  # nothing to end


@pytest.mark.skipif(os.name != "posix", reason="sessions are a notion of POSIX")
def test_what_is_started_to_stay_has_no_terminal_and_writes_to_its_file(tmp_path: Path) -> None:
    shows = (
        "import os, sys; print(os.getsid(0) == os.getpid(), os.getcwd()); "
        "print(sys.stdin.read() == '', file=sys.stderr)"
    )
    with (tmp_path / "said").open("wb") as said:
        child = process.start([sys.executable, "-c", shows], os.environ, tmp_path, said)
    assert child.wait() == 0
    assert sorted((tmp_path / "said").read_text().split()) == sorted(["True", "True", str(tmp_path)])


def test_on_windows_it_is_cut_loose_by_flags() -> None:
    assert process.detachment("win32") == {"creationflags": 0x200 | 0x8000000}
    assert process.detachment("linux") == process.detachment("darwin") == {"start_new_session": True}


def test_a_gateway_that_never_listens_is_given_up(tmp_path: Path) -> None:
    from turnout.launch import background

    environ = {**os.environ, "TURNOUT_HOME": str(tmp_path), "HOME": str(tmp_path)}
    began = time.monotonic()
    with pytest.raises(background.NotStartedError) as refused:
        background.start(background.Launch(arguments=("--port", "0")), environ, seconds=0.0)
    assert time.monotonic() - began < 10
    assert refused.value.log_file == tmp_path / "turnout.log"
