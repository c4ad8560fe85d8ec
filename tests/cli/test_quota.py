"""`turnout quota`, as a user runs it."""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import running, turnout
from tests.gateway.client import wait_for
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def variables(sim: Simulator, tmp_path: Path) -> dict[str, str]:
    """The environment of someone signed in to Codex."""
    sim.write_auth_json(tmp_path / "codex" / "auth.json")
    return {"TURNOUT_CHATGPT_BASE_URL": f"{sim.url}/backend-api", "TURNOUT_AUTH_ISSUER": sim.url, "TZ": "UTC"}


def test_it_shows_bars_resets_and_the_age(tmp_path: Path, variables: dict[str, str]) -> None:
    done = turnout(tmp_path, "quota", variables=variables)
    assert done.returncode == 0, done.stderr
    assert "ada  ada@example.com · pro" in done.stdout
    assert re.search(r"5 h +█+░+ +12 % +resets (at|on) .*\(in 2h (29m|30m)\)|5 h .*\(in 2h 30m\)", done.stdout)
    assert re.search(r"weekly +█░+ +3 % +resets on \w{3} \d\d \w{3} at \d\d:\d\d \(in 3d 11h\)", done.stdout)
    assert re.search(r"as of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(", done.stdout)


def test_json(tmp_path: Path, variables: dict[str, str], sim: Simulator) -> None:
    done = turnout(tmp_path, "quota", "ada", "--json", variables=variables)
    (found,) = json.loads(done.stdout)["accounts"]
    assert (found["account"], found["plan"], found["default"]) == ("ada", "pro", True)
    assert [window["minutes"] for window in found["windows"]] == [300, 10_080]
    assert found["credits"] == {"has_credits": False, "unlimited": False, "balance": "0"}
    again = turnout(tmp_path, "quota", "--json", variables=variables)
    assert json.loads(again.stdout)["accounts"][0]["seen_at"] == found["seen_at"]
    assert len([call for call in sim.calls if "usage" in call.path]) == 1


def test_a_login_that_is_over_is_flagged(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "codex" / "auth.json").write_text("{")
    done = turnout(tmp_path, "quota", variables=variables)
    assert done.returncode == 1
    assert "turnout login" in done.stdout


def test_an_account_that_is_not_there(tmp_path: Path, variables: dict[str, str]) -> None:
    done = turnout(tmp_path, "quota", "bob", variables=variables)
    assert done.returncode == 1
    assert "no account called 'bob'" in done.stderr


def test_no_account_at_all(tmp_path: Path) -> None:
    done = turnout(tmp_path, "quota")
    assert done.returncode == 1
    assert "turnout login" in done.stdout


def test_two_ways_at_once_are_refused(tmp_path: Path) -> None:
    done = turnout(tmp_path, "quota", "--json", "--watch")
    assert done.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_watching_ends_with_ctrl_c(tmp_path: Path, variables: dict[str, str], sim: Simulator) -> None:
    with running(tmp_path, "quota", "--watch", variables=variables) as process:
        wait_for(lambda: any("usage" in call.path and call.finished_at for call in sim.calls), 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
