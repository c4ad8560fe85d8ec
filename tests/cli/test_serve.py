"""`turnout serve`: what it prints, and that what it prints works."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import anthropic
import pytest

from tests.cli.command import read_until, running, turnout
from turnout.simulator import Simulator


def status(url: str, token: str = "") -> int:
    """HTTP status of a request for a message."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"{url}/v1/messages", b"{}", headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_it_shows_address_mapping_and_a_token_that_works(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0") as process:
        printed = read_until(process, "Not ready:")
        line = re.search(r"ANTHROPIC_BASE_URL=(\S+) ANTHROPIC_AUTH_TOKEN=(\S+) claude", printed)
        assert line
        url, token = line.groups()
        assert f"listens on {url}" in printed
        assert "opus   → gpt-6.1-sol · xhigh · codex" in printed
        assert "codex login" in printed
        assert (status(url), status(url, "wrong"), status(url, token)) == (401, 401, 400)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert token not in process.stderr.read()


def test_it_shows_what_happens_when_a_limit_is_reached(tmp_path: Path) -> None:
    variables = {"TURNOUT_ACCOUNT_POLICY": "failover", "TURNOUT_SPILL_TO": "openai"}
    with running(tmp_path, "serve", "--port", "0", variables=variables) as process:
        assert "limit  → your next account, then the OpenAI API for 10.00 dollars" in read_until(process, "Not ready:")


def test_an_output_without_arrows_is_no_reason_to_fail(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0", variables={"PYTHONIOENCODING": "cp1252"}) as process:
        assert "opus   ? gpt-6.1-sol" in read_until(process, "Not ready:")


def test_a_token_of_the_users_is_not_shown(tmp_path: Path) -> None:
    variables = {"TURNOUT_TOKEN": "my-own-token", "OPENAI_API_KEY": "sk-my-key"}
    with running(tmp_path, "serve", "--port", "0", "--upstream", "openai", variables=variables) as process:
        printed = read_until(process, "ANTHROPIC_AUTH_TOKEN=$TURNOUT_TOKEN claude")
        url = re.search(r"http://\S+", printed)
        assert url
        assert status(url[0], "my-own-token") == 400
        process.terminate()
        out, log = process.communicate(timeout=10)
    assert process.returncode == 0
    for secret in ("my-own-token", "sk-my-key"):
        assert secret not in printed + out + log
    assert "Not ready" not in out


def test_flags_outrank_variables_and_set_every_slot(tmp_path: Path) -> None:
    flags = ["--port", "0", "--model", "gpt-5.5", "--effort", "max", "--no-token"]
    with running(tmp_path, "serve", *flags, variables={"TURNOUT_OPUS_MODEL": "gpt-6-sol"}) as process:
        printed = read_until(process, "ANTHROPIC_AUTH_TOKEN=none claude")
        url = re.search(r"http://\S+", printed)
        assert url
        assert printed.count("→ gpt-5.5 · xhigh · codex") == 4
        assert status(url[0]) == 400


def test_it_reads_a_file_given_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[server]\nport = 0\n[slots.haiku]\nmodel = 'gpt-5.5'\n")
    with running(tmp_path, "serve", "--config", "mine.toml") as process:
        assert "haiku  → gpt-5.5 · medium · codex" in read_until(process, "other")


@pytest.mark.parametrize("flags", [[], ["--no-token"]])
def test_it_does_not_listen_to_the_world_without_a_token_of_choice(tmp_path: Path, flags: list[str]) -> None:
    done = turnout(tmp_path, "serve", "--host", "0.0.0.0", "--port", "0", *flags)
    assert done.returncode == 2
    assert "Turnout does not listen on 0.0.0.0 without" in done.stderr


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = turnout(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "is taken" in done.stderr
    assert "--port" in done.stderr


@pytest.mark.parametrize("upstream", ["codex", "openai"])
def test_what_the_simulator_prints_makes_a_working_gateway(tmp_path: Path, upstream: str) -> None:
    """The two commands that `turnout simulate` shows are taken as they stand."""
    with running(tmp_path, "simulate", "--port", "0") as simulate:
        printed = read_until(simulate, "Ctrl-C stops it").replace("\\\n", "")
        lines = [line.split() for line in printed.splitlines() if "turnout serve" in line]
        words = next(line for line in lines if ("openai" in line) == (upstream == "openai"))
        variables = dict(word.split("=", 1) for word in words if "=" in word)
        arguments = words[words.index("turnout") + 1 :]
        with running(tmp_path, *arguments, "--port", "0", variables={**variables, "TURNOUT_TOKEN": "t"}) as serve:
            url = re.search(r"http://\S+", read_until(serve, "listens on"))
            assert url
            client = anthropic.Anthropic(base_url=url[0], auth_token="t", max_retries=0)
            question = {"role": "user", "content": "say hello"}
            answer = client.messages.create(model="claude-haiku-5-5", max_tokens=100, messages=[question])  # type: ignore[list-item]
            assert answer.content[-1].type == "text"
            assert "hello" in answer.content[-1].text
        simulate.send_signal(signal.SIGINT if upstream == "codex" else signal.SIGTERM)
        assert simulate.wait(10) == 0
        assert not Path(variables.get("CODEX_HOME", "/nowhere")).exists()


def test_the_log_has_one_line_a_request(tmp_path: Path) -> None:
    with Simulator() as simulator:
        simulator.write_auth_json(tmp_path / "codex")
        variables = {
            "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
            "TURNOUT_TOKEN": "t",
            "TURNOUT_LOG": "json",
        }
        with running(tmp_path, "serve", "--port", "0", variables=variables) as process:
            url = re.search(r"http://\S+", read_until(process, "listens on"))
            assert url
            client = anthropic.Anthropic(base_url=url[0], auth_token="t", max_retries=0)
            client.messages.create(
                model="claude-opus-5-5", max_tokens=100, messages=[{"role": "user", "content": "say banana"}]
            )
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=10)
    lines = log.splitlines()
    assert len(lines) == 1
    assert '"model":"gpt-6.1-sol"' in lines[0]
    assert "banana" not in log


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "serve", "--port", "0") as process:
        read_until(process, "listens on")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            pytest.fail("it did not end")
