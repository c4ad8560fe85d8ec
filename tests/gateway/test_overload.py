"""An upstream that is overloaded before it has said anything: once more by the gateway, and nothing twice."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.accounts import logins
from tests.gateway.client import Wire, message, record, send, wait_for
from tests.gateway.conftest import config
from tests.gateway.upstreams import BEGIN_TEXT, CREATED, STREAM_HEAD, ScriptedUpstream, chunk, delta, event
from turnout.config import AccountsSettings, OpenAISettings
from turnout.gateway.server import RunningGateway
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from tests.gateway.upstreams import Connection

ADA = Account()
BOB = Account(account_id="account-bob", user_id="user-bob", email="bob@example.com", plan="plus")
EVE = Account(account_id="account-eve", user_id="user-eve", email="eve@example.com", plan="plus")
BUSY = json.dumps({"error": {"code": "server_is_overloaded", "message": "Too many at once."}}).encode()
OVERLOAD = "failed:server_is_overloaded"


def busy(*headers: bytes) -> bytes:
    """An answer with HTTP 503, after which the connection stays open."""
    return b"\r\n".join(
        (
            b"HTTP/1.1 503 Busy",
            b"content-type: application/json",
            b"content-length: %d" % len(BUSY),
            *headers,
            b"",
            BUSY,
        )
    )


FAILED = STREAM_HEAD + chunk(CREATED + event("response.failed", response=json.loads(BUSY))) + b"0\r\n\r\n"


class TestOneAccount:
    @pytest.mark.parametrize("stream", [True, False])
    @pytest.mark.parametrize("refusal", [busy(), FAILED], ids=["503", "event"])
    def test_it_is_asked_once_more_over_a_new_connection(
        self, start: Callable[..., RunningGateway], refusal: bytes, stream: bool
    ) -> None:
        bodies: list[bytes] = []
        at: list[float] = []

        def script(connection: Connection) -> None:
            while body := connection.read_request():
                bodies.append(body)
                at.append(time.monotonic())
                if len(bodies) == 2:
                    connection.write(refusal)  # behind a first good answer, after which the connection is pooled
                else:
                    connection.answer("Yes.")

        with ScriptedUpstream(script) as upstream:
            gateway = start(endpoint=upstream.url)
            assert send(gateway, message()).status == 200
            answer = send(gateway, message(stream=stream))
            assert (answer.status, answer.text) == (200, "Yes.")
            assert len(bodies) == 3
            assert bodies[1] == bodies[2], "the same request"
            assert 0.5 <= at[2] - at[1] < 2
            assert len(upstream.connections) == 2, "not over the one that led to the overload"
            found = record(gateway, answer)
            assert (found.attempts, found.failure, found.status) == (2, None, 200)
            assert "over a new connection: upstream was overloaded" in "; ".join(map(str, found.notes))

    @pytest.mark.parametrize(("wanted", "waits"), [("2", 2.0), ("30", None), ("tomorrow", 0.5)])
    def test_as_long_as_upstream_wants_it_if_the_client_can_wait_for_that(
        self, start: Callable[..., RunningGateway], wanted: str, waits: float | None
    ) -> None:
        at: list[float] = []

        def script(connection: Connection) -> None:
            while connection.read_request():
                at.append(time.monotonic())
                if len(at) == 1:
                    connection.write(busy(f"retry-after: {wanted}".encode()))
                else:
                    connection.answer("Yes.")

        with ScriptedUpstream(script) as upstream:
            answer = send(start(endpoint=upstream.url), message(stream=True))
            if waits is None:
                assert (answer.status, answer.headers["retry-after"]) == (529, wanted)
                assert len(at) == 1
            else:
                assert answer.status == 200
                assert waits <= at[1] - at[0] < waits + 1.5

    def test_where_no_time_is_left_the_client_is_told_at_once(
        self, start: Callable[..., RunningGateway], sim: Simulator
    ) -> None:
        gateway = start(timing={"hold": 0.8})
        sim.fault(OVERLOAD)
        answer = send(gateway, message(stream=True))
        assert (answer.status, answer.error[0]) == (529, "overloaded_error")
        assert len(sim.requests) == 1

    def test_an_overload_and_another_failure_are_one_try_together(
        self, gateway: RunningGateway, sim: Simulator
    ) -> None:
        sim.fault(OVERLOAD)
        sim.fault("500")
        assert send(gateway, message(stream=True)).status == 500
        assert len(sim.requests) == 2

    @pytest.mark.parametrize("stream", [True, False])
    def test_after_output_nothing_is_sent_again(self, start: Callable[..., RunningGateway], stream: bool) -> None:
        def script(connection: Connection) -> None:
            while connection.read_request():
                failed = event("response.failed", response=json.loads(BUSY))
                connection.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Half")) + chunk(failed) + b"0\r\n\r\n")

        with ScriptedUpstream(script) as upstream:
            answer = send(start(endpoint=upstream.url), message(stream=stream))
            assert len(upstream.connections) == 1
            if stream:
                assert answer.status == 200
                assert [answer.names.count(name) for name in ("message_start", "error", "message_stop")] == [1, 1, 0]
            else:
                assert (answer.status, answer.error[0]) == (529, "overloaded_error")

    def test_after_a_keep_alive_nothing_is_sent_again(self, start: Callable[..., RunningGateway]) -> None:
        def script(connection: Connection) -> None:
            while connection.read_request():
                time.sleep(1)
                connection.write(FAILED)

        with ScriptedUpstream(script) as upstream:
            answer = send(start(endpoint=upstream.url, timing={"hold": 0.2}), message(stream=True))
            assert (answer.status, answer.names[-1]) == (200, "error")
            assert len(upstream.connections) == 1

    def test_a_client_that_leaves_meanwhile_is_not_asked_for(self, gateway: RunningGateway, sim: Simulator) -> None:
        sim.fault(OVERLOAD)
        with Wire(gateway) as client:
            client.post(message(stream=True))
            wait_for(lambda: len(sim.requests) == 1)
        wait_for(lambda: gateway.gateway.last and gateway.gateway.last[-1].status == 499)
        time.sleep(1.2)
        assert len(sim.requests) == 1

    def test_a_gateway_that_stops_meanwhile_asks_nobody(
        self, start: Callable[..., RunningGateway], sim: Simulator
    ) -> None:
        gateway = start()
        sim.fault("slow-first-event:5")
        with Wire(gateway) as client:
            client.post(message(stream=True))
            wait_for(lambda: len(sim.requests) == 1)
            gateway.end()
            assert client.answer().status == 529
        assert len(sim.requests) == 1

    @pytest.mark.parametrize(
        "fault", ["429-burst:1", "429-usage-limit", "429-insufficient-quota", "failed:rate_limit_exceeded"]
    )
    def test_a_limit_is_no_overload(self, gateway: RunningGateway, sim: Simulator, fault: str) -> None:
        sim.fault(fault)
        assert send(gateway, message(stream=True)).status in (402, 429)
        assert len(sim.requests) == 1


@pytest.fixture
def service() -> Iterator[Simulator]:
    with Simulator(seed=1, accounts=(ADA, BOB, EVE)) as running:
        yield running


@pytest.fixture
def serve(
    service: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., RunningGateway]]:
    """Starts a gateway of someone with these accounts, who has chosen failover: ``serve(ADA, BOB)``."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    with contextlib.ExitStack() as stack:

        def run(*accounts: Account, spill_to: str = "", policy: str = "failover") -> RunningGateway:
            store = logins.accounts(tmp_path, service)
            for account in accounts:
                store.add_owned(logins.login_of(service, account))
            made = config(f"{service.codex_url}/responses", tmp_path / "codex")
            settings = AccountsSettings(
                issuer=service.url,
                folder=str(tmp_path / "turnout"),
                policy=policy,  # type: ignore[arg-type]
                spill_to=spill_to,  # type: ignore[arg-type]
            )
            key = OpenAISettings(base_url=service.openai_url, api_key=service.api_key)
            return stack.enter_context(RunningGateway(msgspec.structs.replace(made, accounts=settings, openai=key)))

        yield run


def asked(service: Simulator) -> list[str]:
    names = {ADA.account_id: "ada", BOB.account_id: "bob", EVE.account_id: "eve"}
    return [names.get(request.headers.get("chatgpt-account-id", ""), "api") for request in service.requests]


def ask(gateway: RunningGateway, session: str = "one") -> Answer:
    metadata = {"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": session})}
    return send(gateway, message(stream=True, metadata=metadata))


class TestSeveralAccounts:
    def test_the_move_is_in_the_record(self, serve: Callable[..., RunningGateway], service: Simulator) -> None:
        gateway = serve(ADA, BOB)
        service.fault(OVERLOAD)
        answer = ask(gateway)
        assert answer.status == 200
        assert [answer.names.count(name) for name in ("message_start", "message_stop", "error")] == [1, 1, 0]
        found = record(gateway, answer)
        assert (found.attempts, found.failure) == (2, None)
        assert "account: upstream was overloaded for ada: sent as bob instead" in "; ".join(map(str, found.notes))

    def test_twice_in_all_and_not_once_for_each_account(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB, EVE)
        service.fault(OVERLOAD, times=5)
        answer = ask(gateway)
        assert (answer.status, answer.headers["retry-after"]) == (529, "1")
        assert asked(service) == ["ada", "bob"]

    def test_a_new_session_stays_where_it_was_answered_an_old_one_comes_back(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB)
        service.fault(OVERLOAD)
        ask(gateway, "new")
        ask(gateway, "new")
        ask(gateway, "old")
        service.fault(OVERLOAD)
        ask(gateway, "old")
        ask(gateway, "old")
        assert asked(service) == ["ada", "bob", "bob", "ada", "ada", "bob", "ada"]

    def test_one_whose_limit_is_reached_is_not_open(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB)
        service.settings.exhausted = {BOB.account_id: time.time() + 3600}
        assert send(gateway, message(), headers={"x-turnout-account": "bob"}).status == 429
        service.fault(OVERLOAD)
        assert ask(gateway).status == 200
        assert asked(service) == ["bob", "ada", "ada"]

    def test_what_is_wrong_with_the_other_account_is_not_the_answer(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        """The client would give up for hours, while the account that it is with may answer in a second."""
        gateway = serve(ADA, BOB)
        service.settings.exhausted = {BOB.account_id: time.time() + 3600}
        service.fault(OVERLOAD)
        answer = ask(gateway)
        assert (answer.status, answer.error[0], answer.headers["retry-after"]) == (529, "overloaded_error", "1")
        assert asked(service) == ["ada", "bob"]

    def test_one_after_the_other_where_limits_are_reached(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB, EVE)
        service.settings.exhausted = {BOB.account_id: time.time() + 3600}
        service.fault(OVERLOAD)
        assert ask(gateway).status == 200
        assert asked(service) == ["ada", "bob", "eve"]

    def test_no_money_is_spent_because_of_an_overload(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB, spill_to="openai")
        service.settings.exhausted = {BOB.account_id: time.time() + 3600}
        service.fault(OVERLOAD)
        assert ask(gateway).status == 529
        assert asked(service) == ["ada", "bob"]

    def test_one_account_and_a_key_is_one_account(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB, spill_to="openai", policy="default")
        service.fault(OVERLOAD)
        assert ask(gateway).status == 200
        assert asked(service) == ["ada", "ada"]

    def test_an_account_that_was_asked_for_is_asked_again(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB)
        service.fault(OVERLOAD)
        assert send(gateway, message(), headers={"x-turnout-account": "bob"}).status == 200
        assert asked(service) == ["bob", "bob"]

    def test_a_strict_request_stays_with_its_reasoning(
        self, serve: Callable[..., RunningGateway], service: Simulator
    ) -> None:
        gateway = serve(ADA, BOB)
        first = send(gateway, message()).json
        history = [
            *message()["messages"],
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": "Go on."},
        ]
        service.fault(OVERLOAD)
        answer = send(gateway, message(messages=history), headers={"x-turnout-strict": "1"})
        assert answer.status == 200
        assert asked(service) == ["ada", "ada", "ada"]
        assert [item["type"] for item in service.requests[-1].input].count("reasoning") == 1
