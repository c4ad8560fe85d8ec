"""`turnout claude`: the real Claude Code on a private gateway."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.command import turnout
from tests.clients import CLAUDE_CODE_VERSIONS, claude_code
from turnout.cli.root import run
from turnout.ledger import trace
from turnout.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def variables(tmp_path: Path, simulator: Simulator, request: pytest.FixtureRequest) -> dict[str, str]:
    version = getattr(request, "param", CLAUDE_CODE_VERSIONS[-1])
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "claude").symlink_to(claude_code(version))
    simulator.write_auth_json(tmp_path / "codex")
    return {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


@pytest.mark.e2e
@pytest.mark.parametrize("variables", CLAUDE_CODE_VERSIONS, indirect=True)
def test_a_question_and_its_answer(tmp_path: Path, simulator: Simulator, variables: dict[str, str]) -> None:
    done = turnout(tmp_path, "claude", "-p", "say banana", "--output-format", "json", variables=variables)
    assert done.returncode == 0, done.stderr
    assert "banana" in json.loads(done.stdout)["result"]
    assert simulator.requests[-1].status == 200


@pytest.mark.e2e
def test_its_wire_can_be_recorded_and_its_requests_explained(tmp_path: Path, variables: dict[str, str]) -> None:
    done = turnout(tmp_path, "claude", "--trace", "session.jsonl", "-p", "say banana", variables=variables)
    assert done.returncode == 0, done.stderr
    assert "banana" in done.stdout
    assert "Recording a trace to session.jsonl." in done.stderr
    exchange = trace.read(tmp_path / "session.jsonl").exchanges[-1]
    assert exchange.record is not None
    assert "banana" in str(bytes(exchange.asked.body))
    shown = turnout(tmp_path, "explain", exchange.record.request_id)
    assert "claude-cli 2.1.328" in shown.stdout
    recorded = (tmp_path / "session.jsonl").read_text("utf-8")
    for secret in ("Bearer", "turnout:1:", "tn_"):
        assert secret not in recorded
    again = turnout(tmp_path, "claude", "--trace", "session.jsonl", "-p", "hi", variables=variables)
    assert again.returncode == 1
    assert "session.jsonl" in again.stderr


@pytest.mark.e2e
def test_standard_input_reaches_the_client(tmp_path: Path, variables: dict[str, str]) -> None:
    done = turnout(tmp_path, "claude", "-p", variables=variables, stdin="say cherry")
    assert done.returncode == 0, done.stderr
    assert "cherry" in done.stdout


@pytest.mark.e2e
def test_arguments_and_exit_code_are_the_clients_own(tmp_path: Path, variables: dict[str, str]) -> None:
    assert "2.1.328" in turnout(tmp_path, "claude", "--version", variables=variables).stdout
    assert "Usage: claude" in turnout(tmp_path, "claude", "--", "--help", variables=variables).stdout
    refused = turnout(tmp_path, "claude", "--no-such-option", variables=variables)
    assert refused.returncode == 1
    assert "unknown option" in refused.stderr


@pytest.mark.e2e
def test_the_gateway_is_there_for_this_client_alone(tmp_path: Path, variables: dict[str, str]) -> None:
    """A key of the user's never reaches the child, and the log says nothing of the token."""
    fake = tmp_path / "bin" / "claude"
    fake.unlink()
    fake.write_text("#!/bin/sh\nenv\n")
    fake.chmod(0o755)
    users = {"ANTHROPIC_API_KEY": "sk-of-the-user", "ANTHROPIC_BASE_URL": "https://else.example"}
    shown = turnout(tmp_path, "claude", variables={**variables, **users}).stdout
    child = dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)
    assert child["ANTHROPIC_BASE_URL"].startswith("http://127.0.0.1:")
    assert child["ANTHROPIC_AUTH_TOKEN"].startswith("tn_")
    assert "ANTHROPIC_API_KEY" not in child
    assert child["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == "258400"
    log = tmp_path / "turnout" / "turnout.log"
    assert child["ANTHROPIC_AUTH_TOKEN"] not in log.read_text()
    assert log.stat().st_mode & 0o077 == 0


def test_without_claude_code_it_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("turnout.launch.locate.usual_places", lambda environ, platform: iter(()))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["claude"]) == 1
    assert "npm install -g @anthropic-ai/claude-code" in capsys.readouterr().err


@pytest.mark.e2e
def test_without_a_login_it_says_so_before_it_starts(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / "codex" / "auth.json").unlink()
    done = turnout(tmp_path, "claude", "-p", "hi", variables=variables)
    assert done.returncode == 1
    assert "There is no Codex login" in done.stderr
    assert "codex login" in done.stderr


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for Claude Code is a shell script")
def test_what_runs_inside_is_about_the_account_in_use(tmp_path: Path, variables: dict[str, str]) -> None:
    program = tmp_path / "bin" / "claude"
    program.unlink()
    program.write_text('#!/bin/sh\necho "account: $TURNOUT_ACCOUNT"\n')
    program.chmod(0o755)
    named = turnout(tmp_path, "claude", "--account", "ada", variables=variables)
    assert "account: ada\n" in named.stdout, named.stderr
    assert "account: \n" in turnout(tmp_path, "claude", variables=variables).stdout


@pytest.mark.skipif(os.name != "posix", reason="elsewhere the system says it otherwise")
def test_a_client_whose_installation_is_broken(tmp_path: Path, variables: dict[str, str]) -> None:
    """npm leaves a text in the program's place where it may not run the package's own installer."""
    program = tmp_path / "bin" / "claude"
    program.unlink()
    program.write_text('echo "Error: claude native binary not installed." >&2\n')
    program.chmod(0o755)
    done = turnout(tmp_path, "claude", "-p", "hi", variables=variables)
    assert done.returncode == 1
    assert f"{program} is no program that this machine can run" in done.stderr
    assert "Install it again" in done.stderr
