"""Two programs sign in at once on one machine: the real Codex CLI and Turnout, which need the same port."""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.ports import held
from tests.cli.command import read_until, running
from tests.cli.service import variables
from tests.clients import codex
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.fixture(autouse=True)
def _ports() -> Iterator[None]:
    with held():
        yield


@contextlib.contextmanager
def codex_login(home: Path) -> Iterator[subprocess.Popen[str]]:
    """`codex login`, waiting for its browser."""
    (home / "codex").mkdir()
    environ = {**os.environ, "HOME": str(home), "CODEX_HOME": str(home / "codex"), "BROWSER": "/bin/true"}
    process = subprocess.Popen(
        [codex(), "login"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        read_until(process, "redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2F")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_turnout_takes_the_port_of_a_codex_that_waits(tmp_path: Path) -> None:
    with (
        Simulator() as sim,
        codex_login(tmp_path) as other,
        running(tmp_path, "login", "--browser", variables={**variables(sim), "BROWSER": "/bin/true"}) as process,
    ):
        shown = read_until(process, "/oauth/authorize?")
        assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A1455%2F" in shown
        said, _ = other.communicate(timeout=20)
        assert "Login cancelled" in said


def test_turnout_gives_its_port_to_a_codex_that_begins_later(tmp_path: Path) -> None:
    with (
        Simulator() as sim,
        running(tmp_path, "login", "--browser", variables={**variables(sim), "BROWSER": "/bin/true"}) as process,
    ):
        read_until(process, "/oauth/authorize?")
        with codex_login(tmp_path):
            _, told = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Another program that signs in, such as the Codex CLI, has ended this sign-in." in told
    assert "turnout login --device" in told
