"""The quota through the gateway: what answers say of it, and the doors that tell it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import message, send, wait_for
from tests.gateway.conftest import config
from tests.gateway.upstreams import (
    BEGIN_TEXT,
    STREAM_HEAD,
    ScriptedUpstream,
    chunk,
    completed,
    delta,
    event,
)
from turnout.gateway.server import RunningGateway
from turnout.quota import board as boards
from turnout.simulator import Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.client import Answer
    from tests.gateway.upstreams import Connection

UNIFIED = "anthropic-ratelimit-unified-"


@pytest.fixture
def gateway(sim: Simulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningGateway]:
    """A gateway whose figures nobody else writes."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    sim.state.settings = Settings()
    made = config(f"{sim.codex_url}/responses", home, codex={"base_url": f"{sim.url}/backend-api"})
    with RunningGateway(made) as running:
        yield running
    sim.state.settings = Settings()


def unified(answer: Answer) -> dict[str, str]:
    return {name.removeprefix(UNIFIED): value for name, value in answer.headers.items() if name.startswith(UNIFIED)}


def told(gateway: RunningGateway, query: str = "") -> dict[str, object]:
    (account,) = send(gateway, method="GET", path=f"/turnout/quota{query}").json["accounts"]
    return dict(account)


def questions(sim: Simulator) -> int:
    return len([call for call in sim.calls if "usage" in call.path])


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_carries_its_accounts_quota(gateway: RunningGateway, stream: bool) -> None:
    found = unified(send(gateway, message(stream=stream)))
    assert (found["status"], found["representative-claim"]) == ("allowed", "five_hour")
    assert (found["5h-utilization"], found["7d-utilization"]) == ("0.125", "0.03")
    assert 8_900 < int(found["5h-reset"]) - time.time() < 9_100


@pytest.mark.parametrize("stream", [True, False])
def test_a_refusal_says_what_is_used_up_and_until_when(gateway: RunningGateway, sim: Simulator, stream: bool) -> None:
    sim.fault("429-usage-limit:7200")
    answer = send(gateway, message(stream=stream))
    found = unified(answer)
    assert (answer.status, found["status"], found["5h-status"]) == (429, "rejected", "rejected")
    assert 7_100 < int(found["reset"]) - time.time() < 7_201
    entry = told(gateway)
    assert (entry["limit_reached"], entry["reached"], entry["origin"]) == (True, "rate_limit_reached", "refusal")
    assert questions(sim) == 0


def test_a_limit_reached_inside_a_stream_counts_as_well(gateway: RunningGateway, sim: Simulator) -> None:
    sim.fault("failed:usage_limit_reached")
    assert send(gateway, message(stream=True)).status == 429
    assert told(gateway)["limit_reached"] is True
    assert send(gateway, message(stream=True)).status == 200
    assert told(gateway)["limit_reached"] is False


@pytest.mark.parametrize("fault", ["429-burst", "429-usage-not-included", "429-insufficient-quota", "503"])
def test_other_refusals_are_no_reached_limit(gateway: RunningGateway, sim: Simulator, fault: str) -> None:
    sim.fault(fault, times=2)
    answer = send(gateway, message(stream=True))
    assert answer.status != 200
    assert told(gateway)["limit_reached"] is False
    assert unified(answer).get("status") != "rejected"


def test_the_event_counts_where_headers_do_not_come(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    limits = {"primary": {"used_percent": 44, "window_minutes": 300, "reset_at": int(time.time()) + 60}}
    said = event("codex.rate_limits", plan_type="pro", rate_limits=limits)

    def script(connection: Connection) -> None:
        connection.read_request()
        connection.write(STREAM_HEAD + chunk(said + BEGIN_TEXT + delta("x") + completed("x")) + b"0\r\n\r\n")

    with ScriptedUpstream(script) as upstream, RunningGateway(config(upstream.url, home)) as gateway:
        assert send(gateway, message(stream=True)).status == 200
        found = told(gateway)
        assert (found["origin"], found["windows"][0]["used_percent"]) == ("event", 44.0)  # type: ignore[index]


class TestTheDoor:
    def test_tells_what_answers_have_said_without_asking_anyone(self, gateway: RunningGateway, sim: Simulator) -> None:
        send(gateway, message(stream=True))
        found = told(gateway)
        assert (found["account"], found["email"], found["plan"]) == ("ada", "ada@example.com", "pro")
        assert [window["name"] for window in found["windows"]] == ["5 h", "weekly"]  # type: ignore[attr-defined]
        assert found["age_seconds"] in (0, 1)
        assert (found["sign_in_again"], found["problem"]) == (False, "")
        assert questions(sim) == 0

    def test_asks_when_nothing_is_known_and_not_again(self, gateway: RunningGateway, sim: Simulator) -> None:
        for _ in range(3):
            assert told(gateway, "?account=ada")["origin"] == "usage"
        assert questions(sim) == 1

    def test_says_why_it_knows_nothing(self, gateway: RunningGateway, sim: Simulator) -> None:
        sim.account_fault("500", path="usage")
        found = told(gateway)
        assert (found["windows"], found["seen_at"]) == ([], None)
        assert found["problem"]

    def test_does_not_know_every_account(self, gateway: RunningGateway) -> None:
        answer = send(gateway, method="GET", path="/turnout/quota?account=bob")
        assert answer.status == 400
        assert "'bob'" in answer.error[1]

    @pytest.mark.parametrize("path", ["/turnout/quota", "/backend-api/wham/usage", "/api/codex/usage"])
    def test_is_closed_to_strangers(self, gateway: RunningGateway, path: str) -> None:
        assert send(gateway, method="GET", path=path, headers={"authorization": "Bearer x"}).status == 401

    @pytest.mark.parametrize("path", ["/backend-api/wham/usage", "/api/codex/usage", "/wham/usage"])
    def test_speaks_as_the_backend_does(self, gateway: RunningGateway, path: str) -> None:
        found = send(gateway, method="GET", path=path).json
        assert found["plan_type"] == "pro"
        window = found["rate_limit"]["primary_window"]
        assert (window["used_percent"], window["limit_window_seconds"]) == (12, 18_000)
        assert found["rate_limit"]["allowed"] is True


def test_the_figures_are_there_for_other_processes(
    gateway: RunningGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "SAVE_SECONDS", 0.01)
    send(gateway, message(stream=True))
    file = tmp_path / "state" / "quota.json"
    wait_for(file.exists)
    assert set(json.loads(file.read_bytes())["accounts"]) == {"ada"}


class TestTheHeaderThatNamesAnAccount:
    def test_chooses_it(self, gateway: RunningGateway) -> None:
        assert send(gateway, message(), headers={"x-turnout-account": "ada"}).status == 200

    def test_is_refused_if_there_is_none_of_that_name(self, gateway: RunningGateway, sim: Simulator) -> None:
        answer = send(gateway, message(), headers={"x-turnout-account": "bob"})
        assert answer.status == 400
        assert "no account called 'bob'" in answer.error[1]
        assert not sim.requests
