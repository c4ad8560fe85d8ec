"""Whether a browser can be opened here, and what is typed where it cannot."""

from __future__ import annotations

import stat
import sys
import time
from typing import TYPE_CHECKING

import pytest

from turnout.accounts.login import desktop

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "darwin", True),
        ({}, "win32", True),
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "1 2 3 4"}, "linux", False),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", False),
        ({"SSH_CONNECTION": "1 2 3 4", "BROWSER": "helper"}, "linux", True),
    ],
)
def test_where_a_browser_would_be_seen(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert desktop.can_open({"PATH": "", **environ}, platform) is expected


@pytest.mark.skipif(sys.platform == "win32", reason="the opener is a shell script here")
def test_linux_inside_windows_opens_the_browser_outside(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    opener = tmp_path / "wslview"
    opener.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    environ = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert desktop.can_open(environ, "linux")
    assert desktop.open_browser("http://127.0.0.1/?a=1&b=2", environ)
    assert opened.read_text() == "http://127.0.0.1/?a=1&b=2\n"


@pytest.mark.skipif(sys.platform == "win32", reason="the browser is a shell script here")
def test_the_users_own_browser_gets_the_address_and_the_terminal_none_of_its_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho noise; echo noise >&2\necho "$1" > {opened}\n')
    browser.chmod(browser.stat().st_mode | stat.S_IXUSR)
    assert desktop.open_browser("http://127.0.0.1/?a=1&b=2", {"BROWSER": str(browser), "PATH": "/usr/bin:/bin"})
    deadline = time.monotonic() + 5
    while not opened.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert opened.read_text() == "http://127.0.0.1/?a=1&b=2\n"
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is always a browser on Windows")
def test_it_is_known_when_nothing_could_be_opened() -> None:
    assert not desktop.open_browser("http://127.0.0.1/", {"PATH": "", "BROWSER": "/nowhere/browser"})


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ("", "ssh -L 1455:localhost:1455 ada@machine"),
        ("10.0.0.7 51234 10.0.0.1 22", "ssh -L 1455:localhost:1455 ada@10.0.0.1"),
        ("10.0.0.7 51234 10.0.0.1 2222", "ssh -L 1455:localhost:1455 -p 2222 ada@10.0.0.1"),
        ("nonsense", "ssh -L 1455:localhost:1455 ada@machine"),
    ],
)
def test_the_tunnel_to_type(connection: str, expected: str) -> None:
    assert desktop.tunnel(1455, "ada", "machine", {"SSH_CONNECTION": connection}) == expected
