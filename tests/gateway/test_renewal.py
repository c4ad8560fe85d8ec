"""Requests while a login comes to its end: renewed ahead, renewed once when refused, told when it is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.gateway.client import message, send
from tests.gateway.conftest import config
from turnout.gateway.server import RunningGateway
from turnout.simulator import Simulator


@pytest.fixture
def own(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningGateway]:
    """A gateway with a login of its own in ``tmp_path``, which it looks at for each request."""
    monkeypatch.setattr("turnout.accounts.live.LOOK_SECONDS", 0)
    sim.write_auth_json(tmp_path)
    with RunningGateway(config(f"{sim.codex_url}/responses", tmp_path)) as running:
        yield running
    sim.settings.token_lifetime = 864_000


def renewals(sim: Simulator) -> list[str]:
    """Why each renewal was asked for."""
    return [call.body["refresh_reason"] for call in sim.calls if call.path == "/oauth/token" and call.body]


def sign_in(sim: Simulator, home: Path, lifetime: float) -> None:
    sim.settings.token_lifetime = lifetime
    sim.write_auth_json(home)
    sim.settings.token_lifetime = 864_000


class TestARefusedToken:
    @pytest.mark.parametrize("stream", [True, False])
    def test_is_renewed_and_the_request_sent_once_more(self, own: RunningGateway, sim: Simulator, stream: bool) -> None:
        sim.fault("401")
        answer = send(own, message(stream=stream))
        assert answer.status == 200
        assert [request.status for request in sim.requests] == [401, 200]
        first, second = (request.headers["authorization"] for request in sim.requests)
        assert first != second
        assert renewals(sim) == ["unauthorized_recovery"]
        assert "renewed" in str(own.gateway.last[-1].notes)

    def test_is_read_again_first(
        self, own: RunningGateway, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("turnout.accounts.live.LOOK_SECONDS", 60)
        assert send(own, message()).status == 200
        sign_in(sim, tmp_path, 864_000)  # as if Codex had renewed it
        sim.fault("401")
        assert send(own, message()).status == 200
        assert renewals(sim) == []

    def test_that_is_refused_again_is_told(self, own: RunningGateway, sim: Simulator) -> None:
        sim.fault("401", times=9)
        for _ in range(3):
            answer = send(own, message())
            assert (answer.status, answer.error[0]) == (403, "authentication_error")
            assert "turnout login" in answer.error[1]
        assert renewals(sim) == ["unauthorized_recovery"], "never in a loop"
        assert len(sim.requests) == 4

    def test_that_cannot_be_renewed_any_more_is_told_and_not_sent_again(
        self, own: RunningGateway, sim: Simulator
    ) -> None:
        sim.fault("401", times=9)
        sim.account_fault("expired", times=9)
        for _ in range(3):
            answer = send(own, message())
            assert "Sign in again with: turnout login" in answer.error[1]
            assert answer.headers["x-should-retry"] == "false"
        assert (len(renewals(sim)), len(sim.requests)) == (1, 1)

    def test_of_many_requests_costs_one_renewal(self, own: RunningGateway, sim: Simulator) -> None:
        sim.fault("401", times=8)
        with ThreadPoolExecutor(8) as pool:
            answers = [*pool.map(lambda _: send(own, message(stream=True)), range(8))]
        assert {answer.status for answer in answers} == {200}
        assert len(renewals(sim)) == 1

    def test_is_not_renewed_after_the_answer_has_begun(self, sim: Simulator, tmp_path: Path) -> None:
        """The client has been told that its answer comes: what fails then is told in it."""
        sim.write_auth_json(tmp_path)
        slow = config(f"{sim.codex_url}/responses", tmp_path, timing={"hold": 0.2})
        with RunningGateway(slow) as gateway:
            sim.fault("slow-first-event:0.5")
            assert send(gateway, message(stream=True)).status == 200
        assert renewals(sim) == []


class TestATokenNearItsEnd:
    def test_is_used_while_it_is_renewed(self, own: RunningGateway, sim: Simulator, tmp_path: Path) -> None:
        sign_in(sim, tmp_path, 200)
        sim.account_fault("slow:2")
        started = time.monotonic()
        assert send(own, message()).status == 200
        assert time.monotonic() - started < 1.5
        sim.state.recorder.wait_for(lambda calls: any(call.path == "/oauth/token" for call in calls), 10)
        assert renewals(sim) == ["proactive_expiry"]

    def test_is_used_to_its_end_while_openai_cannot_renew_it(
        self, own: RunningGateway, sim: Simulator, tmp_path: Path
    ) -> None:
        sign_in(sim, tmp_path, 200)
        sim.account_fault("500", times=99)
        for _ in range(5):
            assert send(own, message()).status == 200
            time.sleep(0.1)
        assert len(renewals(sim)) <= 1

    def test_that_is_over_is_renewed_first(self, own: RunningGateway, sim: Simulator, tmp_path: Path) -> None:
        sign_in(sim, tmp_path, -10)
        assert send(own, message(stream=True)).status == 200
        assert [request.status for request in sim.requests] == [200]

    @pytest.mark.parametrize("fault", ["500", "429:30", "html", "html-200", "drop-before"])
    def test_that_is_over_and_cannot_be_renewed_now_is_a_failure_that_passes(
        self, own: RunningGateway, sim: Simulator, tmp_path: Path, fault: str
    ) -> None:
        sign_in(sim, tmp_path, -10)
        sim.account_fault(fault, times=99)
        answer = send(own, message(stream=True))
        assert answer.status in (429, 500, 502)
        assert "<" not in answer.error[1]
        assert answer.headers.get("x-should-retry") != "false"
        assert sim.requests == []


def test_a_gateway_that_nobody_asks_renews_all_the_same(sim: Simulator, tmp_path: Path) -> None:
    sign_in(sim, tmp_path, 200)
    with RunningGateway(config(f"{sim.codex_url}/responses", tmp_path)):
        assert sim.state.recorder.wait_for(lambda calls: any(call.path == "/oauth/token" for call in calls), 10)
    assert renewals(sim) == ["proactive_expiry"]


def test_readiness_says_when_only_the_user_can_help(own: RunningGateway, sim: Simulator, tmp_path: Path) -> None:
    sign_in(sim, tmp_path, -10)
    sim.account_fault("expired", times=9)
    answer = send(own, b"", path="/ready", method="GET")
    assert answer.status == 503
    assert "turnout login" in answer.json["reasons"][0]
