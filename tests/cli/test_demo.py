"""`turnout demo`: the whole main job, with the figures that the issue asks for, measured."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.cli.command import read_until, running, turnout
from tests.clients import claude_code
from tests.gateway.client import wait_for
from turnout.cli.root import run

KEYS = [
    "ok",
    "client",
    "model_asked",
    "model_sent",
    "thinking_blocks",
    "tool_calls",
    "input_tokens",
    "cached_share",
    "ttft_ms",
]


def is_good(line: str, client: str) -> bool:
    report = json.loads(line)
    assert list(report) == KEYS
    assert report["ok"] is True
    assert report["client"] == client
    assert report["model_asked"] == "claude-opus-5-5"
    assert report["model_sent"] == "gpt-6.1-sol"
    assert report["tool_calls"] == 2
    assert report["thinking_blocks"] == 3
    assert report["input_tokens"] > 1000
    assert 0.1 < report["cached_share"] < 1
    return 0 < report["ttft_ms"] < 10_000


def with_claude(folder: Path) -> dict[str, str]:
    """A PATH with the real Claude Code on it."""
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture(scope="session")
def claude_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("path")
    (folder / "claude").symlink_to(claude_code("2.1.328"))
    return folder


def test_json_is_exactly_one_line_of_measured_figures(tmp_path: Path) -> None:
    done = turnout(tmp_path, "demo", "--client", "sdk", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1
    assert is_good(done.stdout, "sdk")


@pytest.fixture
def no_claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without Claude Code, also if the one that runs the tests has it somewhere."""
    monkeypatch.setattr("turnout.launch.locate.usual_places", lambda environ, platform: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("TURNOUT_CLIENTS_DIR", str(tmp_path / "none"))
    yield
    structlog.reset_defaults()  # the command set the log up for this process


@pytest.mark.usefixtures("no_claude")
def test_without_claude_code_it_shows_the_sdk_and_says_how_to_see_the_rest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo"]) == 0
    shown = capsys.readouterr().out
    order = ["read_file", "def total", "run_command", "190 != 180", "The mend is one line", "asked → sent"]
    assert [shown.index(words) for words in order] == sorted(shown.index(words) for words in order)
    for words in (
        "claude-opus-5-5 → gpt-6.1-sol · xhigh",
        "3 blocks",
        "from the cache",
        "first token",
        "demo --install",
    ):
        assert words in shown


@pytest.mark.e2e
def test_the_same_through_the_real_claude_code(tmp_path: Path, claude_folder: Path) -> None:
    done = turnout(tmp_path, "demo", "--json", variables=with_claude(claude_folder))
    assert done.returncode == 0, done.stderr
    assert is_good(done.stdout, "claude")


@pytest.mark.e2e
def test_claude_code_keeps_out_of_the_users_home(tmp_path: Path, claude_folder: Path) -> None:
    turnout(tmp_path, "demo", "--client", "claude", "--json", variables=with_claude(claude_folder))
    assert sorted(path.name for path in tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_claude")
def test_claude_code_asked_for_and_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--client", "claude"]) == 1
    told = capsys.readouterr().err
    assert "Claude Code is not installed" in told
    assert "--install" in told


def test_a_client_that_fails_fails_the_demo(tmp_path: Path) -> None:
    broken = tmp_path / "bin" / "claude"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'cannot start today' >&2\nexit 4\n")
    broken.chmod(0o755)
    done = turnout(
        tmp_path, "demo", "--client", "claude", "--json", variables={"PATH": f"{broken.parent}:/usr/bin:/bin"}
    )
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["ok"] is False
    assert report["model_sent"] is None
    assert "Claude Code ended with 4: cannot start today" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_end_in_the_middle_cleans_up(tmp_path: Path, number: signal.Signals) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with running(tmp_path, "demo", "--client", "sdk", variables={"TMPDIR": str(scratch)}) as process:
        read_until(process, "›")
        process.send_signal(number)
        start = time.monotonic()
        assert process.wait(10) == 130
        assert time.monotonic() - start < 5
    assert list(scratch.iterdir()) == []


def test_an_end_while_claude_code_works_ends_it_too(tmp_path: Path) -> None:
    scratch, here = tmp_path / "scratch", tmp_path / "here"
    slow = tmp_path / "bin" / "claude"
    for folder in (scratch, slow.parent):
        folder.mkdir()
    slow.write_text(f"#!/bin/sh\necho $$ > {here}.new && mv {here}.new {here}\nexec sleep 60\n")
    slow.chmod(0o755)
    variables = {"TMPDIR": str(scratch), "PATH": f"{slow.parent}:/usr/bin:/bin"}
    with running(tmp_path, "demo", "--client", "claude", variables=variables) as process:
        wait_for(here.exists, 20)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
    assert list(scratch.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(here.read_text()), 0)
