"""The behaviours of behaviours.md that belong to accounts and attempts, under their numbers.

Those of translation are in tests/translate/test_behaviours.py; tests/test_behaviours.py holds that none is missing.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import anthropic
import msgspec
import pytest

from tests.accounts import logins
from tests.gateway.client import Answer, message, send
from tests.gateway.conftest import config
from turnout.config import AccountsSettings
from turnout.gateway.server import RunningGateway
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from turnout.accounts.store import Accounts

ADA = Account()
BOB = Account(account_id="0b0b0b0b-7a4e-4d8e-9a55-51b0a70f0002", user_id="user-2", email="bob@example.com", plan="plus")


@pytest.fixture
def service() -> Iterator[Simulator]:
    """A backend and sign-in service that knows two accounts."""
    with Simulator(seed=1, accounts=(ADA, BOB)) as running:
        yield running


@pytest.fixture
def store(service: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    """The user's accounts, none yet."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    return logins.accounts(tmp_path, service)


@pytest.fixture
def serve(service: Simulator, store: Accounts, tmp_path: Path) -> Iterator[Callable[..., RunningGateway]]:
    """Starts a gateway for these accounts; `accounts` are its settings."""
    with ExitStack() as running:

        def start(**accounts: str) -> RunningGateway:
            made = config(f"{service.codex_url}/responses", tmp_path / "codex")
            settings = AccountsSettings(issuer=service.url, folder=str(tmp_path / "turnout"), **accounts)  # type: ignore[arg-type]
            return running.enter_context(RunningGateway(msgspec.structs.replace(made, accounts=settings)))

        yield start


def asked_with(service: Simulator) -> list[str]:
    """The accounts that the requests came with, in their order."""
    names = {ADA.account_id: "ada", BOB.account_id: "bob"}
    return [names[request.headers["chatgpt-account-id"]] for request in service.requests]


def resets_in(answer: Answer) -> float:
    """Seconds until the reset that the answer tells in its header."""
    return float(answer.headers["anthropic-ratelimit-unified-reset"]) - time.time()


def test_37_a_reached_limit_switches_accounts_until_its_reset(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    store.add_owned(logins.login_of(service, BOB))
    gateway = serve(policy="failover")
    service.fault("429-usage-limit:3600")
    assert send(gateway, message("Say yes.")).status == 200
    assert asked_with(service) == ["ada", "bob"], "the same request went to the other account"
    assert send(gateway, message("Say yes.")).status == 200
    assert asked_with(service) == ["ada", "bob", "bob"], "the first one rests until its reset"


def test_37_a_burst_is_waited_out_with_the_same_account(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    store.add_owned(logins.login_of(service, BOB))
    gateway = serve(policy="failover")
    service.fault("429-burst:2")
    answer = send(gateway, message("Say yes."))
    assert (answer.status, answer.error[0], answer.headers["retry-after"]) == (429, "rate_limit_error", "2")
    assert send(gateway, message("Say yes.")).status == 200
    assert asked_with(service) == ["ada", "ada"]


def test_37_when_all_are_dry_the_earliest_reset_is_told(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    store.add_owned(logins.login_of(service, BOB))
    gateway = serve(policy="failover")
    service.fault("429-usage-limit:7200")
    service.fault("429-usage-limit:3600")
    answer = send(gateway, message("Say yes."))
    assert (answer.status, answer.error[0]) == (429, "rate_limit_error")
    assert "bob" in answer.error[1], "whose limit ends first"
    assert 3500 < resets_in(answer) <= 3601


OVERLOADED = "server_is_overloaded"


OVERLOADS = pytest.mark.parametrize("fault", ["503", f"failed:{OVERLOADED}", "failed:slow_down"])


@OVERLOADS
def test_38_an_overload_before_any_output_is_not_noticed(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway], fault: str
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    gateway = serve()
    service.fault(fault)
    answer = send(gateway, message("Say yes.", stream=True))
    assert answer.status == 200
    assert [answer.names.count(name) for name in ("message_start", "message_stop", "error")] == [1, 1, 0]
    assert asked_with(service) == ["ada", "ada"]


@OVERLOADS
def test_38_with_another_account_it_is_sent_there(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway], fault: str
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    store.add_owned(logins.login_of(service, BOB))
    gateway = serve(policy="failover")
    service.fault(fault)
    assert send(gateway, message("Say yes.", stream=True)).status == 200
    assert asked_with(service) == ["ada", "bob"]


@OVERLOADS
def test_38_an_overload_that_stays_is_the_clients_to_wait_for(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway], fault: str
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    gateway = serve()
    service.fault(fault, times=2)
    refused = send(gateway, message("Say yes.", stream=True))
    assert (refused.status, refused.error[0], refused.headers["retry-after"]) == (529, "overloaded_error", "1")
    assert len(service.requests) == 2

    service.fault(fault, times=2)
    client = anthropic.Anthropic(base_url=gateway.base_url, auth_token=gateway.token, api_key=None)
    said = client.messages.create(model="claude-opus-5-5", max_tokens=100, messages=message("Say yes.")["messages"])
    assert said.stop_reason == "end_turn"
    assert len(service.requests) == 5


def test_38_an_overload_after_output_is_delivered(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA))
    gateway = serve()
    service.fault(f"failed-mid-text:{OVERLOADED}")
    answer = send(gateway, message("Write 200 words.", stream=True))
    assert answer.status == 200
    assert "content_block_delta" in answer.names
    name, content = answer.events[-1]
    assert (name, content["error"]["type"]) == ("error", "overloaded_error")
    assert "message_stop" not in answer.names
    assert len(service.requests) == 1


def test_39_fifty_requests_with_an_expired_token_cost_one_renewal(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA, lifetime=-10))
    gateway = serve()
    service.account_fault("slow:0.3")
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: send(gateway, message("Say yes.")), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert [use.outcome for use in service.issuer.uses] == ["renewed"]


def test_39_a_token_that_another_process_has_renewed_is_adopted(
    service: Simulator, serve: Callable[..., RunningGateway], tmp_path: Path
) -> None:
    logins.codex_login(tmp_path, service, lifetime=-10)
    gateway = serve()
    path = logins.codex_login(tmp_path, service)  # as the Codex CLI writes it after a renewal of its own
    assert send(gateway, message("Say yes.")).status == 200
    token = json.loads(path.read_bytes())["tokens"]["access_token"]
    assert service.requests[-1].headers["authorization"] == f"Bearer {token}"
    assert service.issuer.uses == []


def test_39_a_used_up_refresh_token_ends_the_login_for_good(
    service: Simulator, store: Accounts, serve: Callable[..., RunningGateway]
) -> None:
    store.add_owned(logins.login_of(service, ADA, lifetime=-10))
    service.account_fault("reused", times=10)
    for gateway in (serve(), serve()):
        for _ in range(2):
            answer = send(gateway, message("Say yes."))
            assert answer.status in (401, 403)
            assert "turnout login" in answer.error[1]
    assert len([call for call in service.calls if call.path == "/oauth/token"]) == 1, "nor does another process try"
    assert service.requests == []
