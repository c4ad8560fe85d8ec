"""The gateway in the background: `turnout up`, `status`, `logs`, `restart`, `down`, as a user runs them."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import anthropic
import pytest

from tests.cli.command import read_until, running, turnout
from turnout.launch import process
from turnout.launch.running import RunningGatewayInfo, find_running
from turnout.simulator import Simulator


class User:
    """A user with a home of their own, signed in at a simulated service."""

    def __init__(self, home: Path, simulator: Simulator) -> None:
        self.home = home
        self.simulator = simulator
        simulator.write_auth_json(home / "codex")
        self.variables = {
            "CODEX_API_ENDPOINT": f"{simulator.codex_url}/responses",
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
        }

    def run(self, *arguments: str, code: int = 0) -> str:
        done = turnout(self.home, *arguments, variables=self.variables)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    @property
    def gateway(self) -> RunningGatewayInfo | None:
        return find_running({"TURNOUT_HOME": str(self.home / "turnout")})

    def ask(self, text: str = "say banana") -> str:
        info = self.gateway
        assert info is not None
        client = anthropic.Anthropic(base_url=info.url, auth_token=info.token, max_retries=0)
        answer = client.messages.create(
            model="claude-opus-5-5", max_tokens=1000, messages=[{"role": "user", "content": text}]
        )
        assert answer.content[-1].type == "text"
        return answer.content[-1].text


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    with Simulator() as simulator:
        made = User(tmp_path, simulator)
        yield made
        if (left := made.gateway) is not None:
            process.kill(left.pid)


def test_up_and_down(user: User) -> None:
    printed = user.run("up", "--port", "0")
    info = user.gateway
    assert info is not None
    assert f"listens on {info.url}" in printed
    assert "opus" in printed
    assert info.token not in printed
    assert "banana" in user.ask()
    assert "runs already" in user.run("up")
    assert user.gateway == info
    assert f"{info.url} has ended" in user.run("down")
    assert not process.alive(info.pid)
    assert user.gateway is None
    assert "No gateway of yours runs" in user.run("down")


def test_up_can_be_silent(user: User) -> None:
    assert user.run("up", "--quiet", "--port", "0") == ""
    assert user.run("up", "--quiet") == ""
    assert user.run("down", "--quiet") == ""


def test_its_token_is_the_same_the_next_time(user: User) -> None:
    tokens = []
    for _ in range(2):
        user.run("up", "--quiet", "--port", "0")
        assert user.gateway is not None
        tokens.append(user.gateway.token)
        user.run("down", "--quiet", "--now")
    assert tokens[0] == tokens[1]
    assert tokens[0].startswith("tn_")


def test_no_secret_is_on_its_command_line_or_in_its_log(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    info = user.gateway
    assert info is not None
    if Path("/proc").exists():
        assert info.token not in Path(f"/proc/{info.pid}/cmdline").read_text()
    user.ask()
    user.run("down", "--quiet")
    assert info.token not in Path(info.log).read_text("utf-8")
    assert info.control not in Path(info.log).read_text("utf-8")


def test_status(user: User) -> None:
    assert "turnout up" in user.run("status", code=3)
    assert json.loads(user.run("status", "--json", code=3)) == {"running": False}
    user.run("up", "--quiet", "--port", "0")
    user.ask()
    info = user.gateway
    assert info is not None
    state = json.loads(user.run("status", "--json"))
    assert (state["running"], state["ready"], state["requests"], state["open"]) == (True, True, 1, 0)
    assert (state["url"], state["pid"], state["upstream"]) == (info.url, info.pid, "codex")
    assert state["accounts"]
    assert 0 < state["uptime_s"] < 60
    shown = user.run("status")
    assert "is ready" in shown
    assert info.url in shown
    assert info.token not in shown + json.dumps(state)


def test_one_that_cannot_answer_says_why(user: User) -> None:
    (user.home / "codex" / "auth.json").unlink()
    assert "Not ready: There is no Codex login" in user.run("up", "--port", "0")
    shown = user.run("status")
    assert "not ready" in shown
    assert "codex login" in shown


def test_logs(user: User) -> None:
    assert "no log yet" in user.run("logs", code=1)
    user.run("up", "--quiet", "--port", "0")
    user.ask()
    user.run("down", "--quiet")
    assert user.run("logs", "--path").strip() == str(user.home / "turnout" / "turnout.log")
    assert "model=gpt-6.1-sol" in user.run("logs", "-n", "5")
    assert user.run("logs", "-n", "0") == ""


def test_logs_can_be_followed(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    with running(user.home, "logs", "-f", "-n", "0", variables={**user.variables, "PYTHONUNBUFFERED": "1"}) as follow:
        time.sleep(1)
        user.ask()
        assert "status=200" in read_until(follow, "model=gpt-6.1-sol")
        follow.send_signal(signal.SIGINT)
        assert follow.wait(10) == 130


def test_what_does_not_start_says_why(user: User) -> None:
    with running(user.home, "serve", "--separate", "--port", "0", variables=user.variables) as other:
        port = re.search(r"http://127.0.0.1:(\d+)", read_until(other, "listens on"))
        assert port
        said = user.run("up", "--port", port[1], code=1)
    assert f"Port {port[1]} on 127.0.0.1 is taken" in said
    assert "turnout.log" in said
    assert user.gateway is None


def test_there_is_one_gateway_per_user(user: User) -> None:
    with running(user.home, "serve", "--port", "0", variables=user.variables) as first:
        read_until(first, "listens on")
        said = user.run("serve", "--port", "0", code=1)
        assert "runs already" in said
        assert "--replace" in said
        with running(user.home, "serve", "--port", "0", "--separate", variables=user.variables) as second:
            read_until(second, "listens on")
        assert user.gateway is not None
        assert user.gateway.pid == first.pid
        assert "terminal" in user.run("status")
        user.run("down")
        assert first.wait(10) == 0


def test_what_a_killed_gateway_leaves_is_no_gateway(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    killed = user.gateway
    assert killed is not None
    process.kill(killed.pid)
    assert process.wait_for_end(killed.pid, 10)
    user.run("status", code=3)
    user.run("up", "--quiet", "--port", "0")
    assert "banana" in user.ask()
    assert user.gateway is not None
    assert user.gateway.pid != killed.pid


@pytest.mark.skipif(os.name != "posix", reason="SIGSTOP makes it deaf")
def test_one_that_is_deaf_is_ended_by_force(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from turnout.launch import control

    user.run("up", "--quiet", "--port", "0")
    info = user.gateway
    assert info is not None
    os.kill(info.pid, signal.SIGSTOP)
    monkeypatch.setattr(control, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(control, "SPARE_SECONDS", 1.0)
    assert control.state(info, 0.2) is None
    assert not control.end(info, 0.1, 0.1)
    assert not process.alive(info.pid)


def answering(user: User, seconds: int) -> tuple[threading.Thread, list[str]]:
    """Asks in another thread for an answer that takes some time; gives the thread and what will have come."""
    user.simulator.fault(f"silence:{seconds}")
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(user.ask()))
    thread.start()
    deadline = time.monotonic() + 10
    while not user.simulator.requests:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return thread, answers


def test_down_lets_an_open_answer_finish(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    thread, answers = answering(user, 3)
    assert "has ended" in user.run("down", "--drain", "20")
    thread.join(10)
    assert answers
    assert "banana" in answers[0]


def test_restart_takes_over_address_and_token_and_open_answers_finish(user: User) -> None:
    user.run("up", "--quiet", "--port", "0", "--effort", "low")
    old = user.gateway
    assert old is not None
    thread, answers = answering(user, 4)
    printed = user.run("restart")
    new = user.gateway
    assert new is not None
    assert new.pid != old.pid
    assert (new.url, new.token, new.arguments) == (old.url, old.token, old.arguments)
    assert f"the place of process {old.pid}" in printed
    assert process.alive(old.pid)
    assert "cherry" in user.ask("say cherry")
    thread.join(20)
    assert "banana" in answers[0]
    assert process.wait_for_end(old.pid, 10)
    assert user.gateway == new


def test_restart_starts_one_where_none_runs(user: User) -> None:
    user.run("restart", "--quiet", "--port", "0")
    assert "banana" in user.ask()


def test_one_of_another_version_is_said_so(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    file = user.home / "turnout" / "state" / "gateway.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "version": "0.0.1"}))
    assert "turnout restart" in user.run("status")
    assert "It is of version 0.0.1; `turnout restart`" in user.run("up")


def test_its_own_doors_say_how_it_is(user: User) -> None:
    user.run("up", "--quiet", "--port", "0")
    info = user.gateway
    assert info is not None
    request = urllib.request.Request(f"{info.url}/turnout/gateway", headers={"authorization": f"Bearer {info.token}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.loads(answer.read())["pid"] == info.pid
