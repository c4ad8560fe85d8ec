"""One gateway per user: the lock and the file beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from turnout.launch.running import AlreadyRunningError, Registration, RunningGatewayInfo, find_running, state_file

HOLDS = """
import os, sys, time
from turnout.launch.running import Registration, RunningGatewayInfo
with Registration() as registration:
    registration.announce(RunningGatewayInfo(
        pid=os.getpid(), url="http://127.0.0.1:1", token="tn_secret", version="1", started=time.time()))
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"TURNOUT_HOME": str(tmp_path)}


def info(**changes: object) -> RunningGatewayInfo:
    facts = {"pid": os.getpid(), "url": "http://127.0.0.1:4000", "version": "1.0", "started": time.time(), **changes}
    return RunningGatewayInfo(**facts)  # type: ignore[arg-type]


def holder(environ: dict[str, str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS], env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_nothing_runs_at_first(environ: dict[str, str]) -> None:
    assert find_running(environ) is None
    assert not state_file(environ).parent.exists()  # looking makes nothing


def test_another_process_finds_it_and_how_to_reach_it(environ: dict[str, str]) -> None:
    process = holder(environ)
    try:
        found = find_running(environ)
        assert found is not None
        assert (found.pid, found.url, found.token) == (process.pid, "http://127.0.0.1:1", "tn_secret")
        assert "tn_secret" not in repr(found)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name != "posix", reason="Windows has no permission bits")
def test_only_the_user_can_read_how_to_reach_it(environ: dict[str, str]) -> None:
    with Registration(environ) as registration:
        registration.announce(info())
        assert state_file(environ).stat().st_mode & 0o077 == 0


def test_what_a_killed_one_leaves_is_stale_and_is_removed(environ: dict[str, str]) -> None:
    process = holder(environ)
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    process.communicate()
    assert state_file(environ).exists()
    assert find_running(environ) is None
    assert not state_file(environ).exists()


def test_a_second_one_is_told_of_the_first(environ: dict[str, str]) -> None:
    process = holder(environ)
    try:
        with pytest.raises(AlreadyRunningError) as refused, Registration(environ, wait=0.1):
            pass
        assert refused.value.info is not None
        assert refused.value.info.pid == process.pid
    finally:
        process.kill()
        process.communicate()


def test_a_second_one_may_wait_until_the_first_has_left(environ: dict[str, str]) -> None:
    process = holder(environ)
    process.kill()
    with Registration(environ, wait=10) as registration:
        assert find_running(environ) is None  # it does not listen yet
        registration.announce(info(url="http://127.0.0.1:2"))
        process.communicate()
        found = find_running(environ)
        assert found is not None
        assert found.url == "http://127.0.0.1:2"
    assert find_running(environ) is None


def test_the_place_may_be_left_before_the_end(environ: dict[str, str]) -> None:
    """A gateway that finishes its last answers listens no more: the next one may begin."""
    with Registration(environ) as first:
        first.announce(info())
        first.release()
        with Registration(environ) as second:
            second.announce(info(url="http://127.0.0.1:2"))
            first.release()
            assert find_running(environ) is not None


@pytest.mark.parametrize("content", [b"", b"{", b'{"pid": "x"}', b"\xff"])
def test_a_file_that_says_nothing_of_use_is_no_gateway(environ: dict[str, str], content: bytes) -> None:
    state_file(environ).parent.mkdir(parents=True)
    state_file(environ).write_bytes(content)
    assert find_running(environ) is None
    with Registration(environ):
        pass


def test_a_file_of_a_later_version_is_understood(environ: dict[str, str]) -> None:
    with Registration(environ):
        state_file(environ).write_bytes(
            b'{"pid":1,"url":"http://127.0.0.1:3","version":"9.0","started":1.5,"more":{"x":1}}'
        )
        found = find_running(environ)
    assert found is not None
    assert found.version == "9.0"
