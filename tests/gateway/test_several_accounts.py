"""Several accounts of one user: what happens when the limit of one is reached."""

from __future__ import annotations

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import message, record, send, wait_for
from tests.gateway.conftest import config
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.config import OpenAISettings
from turnout.gateway.server import RunningGateway
from turnout.gateway.tracing import FileOutlet
from turnout.ledger import trace
from turnout.quota.board import Board
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from turnout.simulator import RecordedRequest

    Start = Callable[..., RunningGateway]

ADA = Account()
BOB = Account(account_id="account-bob", user_id="user-bob", email="bob@example.com", plan="plus")
EVE = Account(account_id="account-eve", user_id="user-eve", email="eve@example.com", plan="plus")
UNIFIED = "anthropic-ratelimit-unified-"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=1, accounts=(ADA, BOB, EVE)) as running:
        yield running


@pytest.fixture
def start(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a gateway of someone with the accounts ada, bob and eve: ``start(policy="failover")``."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    with contextlib.ExitStack() as stack:

        def run(*, openai: dict[str, Any] | None = None, **accounts: Any) -> RunningGateway:
            made = config(f"{sim.codex_url}/responses", tmp_path / "codex")
            fields = {**_fields(made.accounts), "folder": str(tmp_path / "accounts"), **accounts}
            made = _with(made, accounts=type(made.accounts)(**fields))
            made = _with(made, codex=_with(made.codex, base_url=f"{sim.url}/backend-api"))
            made = _with(made, openai=OpenAISettings(base_url=sim.openai_url, **(openai or {"api_key": sim.api_key})))
            known = Accounts(made, {})
            if not known.list():
                for account in (ADA, BOB, EVE):
                    issued = sim.tokens(account)
                    known.add_owned(
                        Tokens(
                            id_token=issued.id_token,
                            access_token=issued.access_token,
                            refresh_token=issued.refresh_token,
                            account_id=account.account_id,
                        )
                    )
            return stack.enter_context(RunningGateway(made))

        yield run


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}


def _with(record: Any, **fields: Any) -> Any:
    return type(record)(**{**_fields(record), **fields})


def exhaust(sim: Simulator, **hours: float) -> None:
    """These accounts' limits are reached, for so many hours."""
    ids = {"ada": ADA.account_id, "bob": BOB.account_id, "eve": EVE.account_id}
    sim.settings.exhausted = {ids[name]: time.time() + 3600 * wait for name, wait in hours.items()}


def ask(gateway: RunningGateway, session: str = "one", *, stream: bool = True, **fields: Any) -> Answer:
    metadata = {"user_id": json.dumps({"device_id": "d", "account_uuid": "", "session_id": session})}
    return send(gateway, message(stream=stream, metadata=metadata, **fields))


def who(request: RecordedRequest) -> str:
    """The account of a request upstream; ``api`` for one to the API."""
    names = {ADA.account_id: "ada", BOB.account_id: "bob", EVE.account_id: "eve"}
    return names.get(request.headers.get("chatgpt-account-id", ""), "api")


def asked(sim: Simulator) -> list[str]:
    return [who(request) for request in sim.requests]


def notes(gateway: RunningGateway, answer: Answer) -> str:
    return "; ".join(str(note) for note in record(gateway, answer).notes)


class TestWithoutAWord:
    """`default`: one account, and a limit is a limit."""

    def test_the_default_account_is_used_and_no_other(self, start: Start, sim: Simulator) -> None:
        gateway = start()
        exhaust(sim, ada=2)
        answer = ask(gateway)
        assert (answer.status, answer.error[0]) == (429, "rate_limit_error")
        assert answer.headers["x-should-retry"] == "false"
        assert asked(sim) == ["ada"]

    def test_the_header_chooses_one_for_a_request(self, start: Start, sim: Simulator) -> None:
        gateway = start()
        answer = send(gateway, message(), headers={"x-turnout-account": "eve"})
        assert answer.status == 200
        assert asked(sim) == ["eve"]


class TestFailover:
    @pytest.mark.parametrize("stream", [True, False])
    def test_the_next_account_answers_and_the_client_does_not_notice(
        self, start: Start, sim: Simulator, stream: bool
    ) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=2)
        answer = ask(gateway, stream=stream)
        assert answer.status == 200
        assert answer.text
        assert asked(sim) == ["ada", "bob"]
        assert (answer.headers[f"{UNIFIED}status"], answer.headers[f"{UNIFIED}5h-utilization"]) == ("allowed", "0.125")

    def test_the_switch_is_in_the_record(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=2)
        answer = ask(gateway)
        found = record(gateway, answer)
        assert "account: the usage limit of ada is reached: sent as bob instead" in notes(gateway, answer)
        assert (found.attempts, found.failure, found.status) == (2, None, 200)
        exhaust(sim)
        assert record(gateway, send(gateway, message(), headers={"x-turnout-account": "bob"})).account == found.account

    def test_a_limit_inside_the_stream_counts_before_any_output(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        sim.fault("failed:usage_limit_reached")
        answer = ask(gateway)
        assert answer.status == 200
        assert asked(sim) == ["ada", "bob"]

    def test_the_dry_account_is_not_asked_again(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=2)
        for session in ("one", "one", "two"):
            assert ask(gateway, session).status == 200
        assert asked(sim) == ["ada", "bob", "bob", "bob"]

    def test_a_session_stays_where_it_is_when_the_first_account_opens_again(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        sim.settings.exhausted = {ADA.account_id: time.time() + 1.5}
        ask(gateway, "one")
        ask(gateway, "one")
        time.sleep(2.6)
        ask(gateway, "one")
        ask(gateway, "two")
        assert asked(sim) == ["ada", "bob", "bob", "bob", "ada"]

    def test_a_conversation_stays_where_its_reasoning_is_after_a_restart(self, start: Start, sim: Simulator) -> None:
        exhaust(sim, ada=2)
        first = ask(start(policy="failover"), stream=False).json
        exhaust(sim)
        history = [
            *message()["messages"],
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": "Go on."},
        ]
        gateway = start(policy="failover")
        wait_for(lambda: send(gateway, method="GET", path="/health").status == 200)
        assert ask(gateway, messages=history).status == 200
        assert asked(sim)[:3] == ["ada", "bob", "bob"]
        assert [item["type"] for item in sim.requests[-1].input].count("reasoning") == 1

    def test_a_trace_is_recorded_over_a_change(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        gateway = start(policy="failover")
        gateway.gateway.tracer.start(lambda: FileOutlet(tmp_path / "trace.jsonl"))
        exhaust(sim, ada=2)
        assert ask(gateway).status == 200
        gateway.end()
        gateway._thread.join()
        (exchange,) = trace.read(tmp_path / "trace.jsonl").exchanges
        assert exchange.record is not None
        assert exchange.record.attempts == 2
        assert "account-bob" not in (tmp_path / "trace.jsonl").read_text()

    def test_one_after_the_other_until_one_answers(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=2, bob=1)
        assert ask(gateway).status == 200
        assert asked(sim) == ["ada", "bob", "eve"]

    @pytest.mark.parametrize("stream", [True, False])
    def test_when_all_are_dry_the_earliest_reset_is_told(self, start: Start, sim: Simulator, stream: bool) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=3, bob=1, eve=2)
        answer = ask(gateway, stream=stream)
        kind, text = answer.error
        assert (answer.status, kind, answer.headers["x-should-retry"]) == (429, "rate_limit_error", "false")
        assert "(ada, bob, eve); the first to open again is bob. It resets at " in text
        assert "(in 1h 0m)" in text or "(in 59m)" in text
        assert answer.headers[f"{UNIFIED}status"] == "rejected"
        assert 3_500 < int(answer.headers[f"{UNIFIED}reset"]) - time.time() < 3_601
        assert asked(sim) == ["ada", "bob", "eve"]
        assert record(gateway, answer).failure == "usage_limit"

    def test_when_all_are_dry_one_is_asked_all_the_same(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=3, bob=1, eve=2)
        ask(gateway)
        ask(gateway)
        exhaust(sim)
        assert ask(gateway).status == 200
        assert asked(sim)[3:] == ["bob", "bob"]

    def test_an_account_that_has_to_be_signed_in_to_again_is_passed_over(
        self, start: Start, sim: Simulator, tmp_path: Path
    ) -> None:
        gateway = start(policy="failover")
        exhaust(sim, ada=3)
        next((tmp_path / "accounts").rglob("bob.json")).write_text("{")
        assert ask(gateway).status == 200
        assert asked(sim) == ["ada", "eve"]

    def test_the_gateway_is_ready_while_one_account_is(self, start: Start, tmp_path: Path) -> None:
        alone, together = start(), start(policy="failover")
        next((tmp_path / "accounts").rglob("ada.json")).write_text("{")
        time.sleep(1.1)  # a login's file is looked at once a second
        assert send(alone, method="GET", path="/ready").status == 503
        assert send(together, method="GET", path="/ready").status == 200

    @pytest.mark.parametrize(
        ("fault", "status", "calls"),
        [
            ("429-burst:7", 429, 1),
            ("429-usage-not-included", 403, 1),
            ("429-insufficient-quota", 402, 1),
            ("failed:rate_limit_exceeded", 429, 1),
            ("500", 500, 2),
        ],
    )
    def test_what_is_neither_a_limit_nor_an_overload_is_no_reason(
        self, start: Start, sim: Simulator, fault: str, status: int, calls: int
    ) -> None:
        gateway = start(policy="failover")
        sim.fault(fault, times=5)
        assert ask(gateway).status == status
        assert asked(sim) == ["ada"] * calls

    def test_after_output_a_limit_ends_the_answer(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        sim.fault("failed-mid-text:usage_limit_reached")
        answer = ask(gateway)
        assert (answer.status, answer.names[-1]) == (200, "error")
        assert asked(sim) == ["ada"]

    def test_an_account_that_was_asked_for_is_not_replaced(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        exhaust(sim, bob=1)
        assert send(gateway, message(), headers={"x-turnout-account": "bob"}).status == 429
        assert asked(sim) == ["bob"]

    def test_reasoning_goes_back_only_to_the_account_that_it_is_from(self, start: Start, sim: Simulator) -> None:
        gateway = start(policy="failover")
        first = ask(gateway, stream=False).json
        history = [
            *message()["messages"],
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": "Go on."},
        ]
        exhaust(sim, ada=2)
        assert ask(gateway, messages=history).status == 200
        exhaust(sim, bob=2)
        ask(gateway, messages=history)
        held = [[item["type"] for item in request.input].count("reasoning") for request in sim.requests]
        assert list(zip(asked(sim), held, strict=True)) == [
            ("ada", 0),
            ("ada", 1),
            ("bob", 0),
            ("bob", 0),
            ("eve", 0),
        ]

    def test_a_strict_request_that_would_lose_its_reasoning_is_told_of_the_limit(
        self, start: Start, sim: Simulator
    ) -> None:
        gateway = start(policy="failover")
        first = ask(gateway, stream=False).json
        history = [
            *message()["messages"],
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": "Go on."},
        ]
        exhaust(sim, ada=2)
        answer = send(gateway, message(messages=history), headers={"x-turnout-strict": "1"})
        assert (answer.status, answer.error[0]) == (429, "rate_limit_error")
        assert asked(sim) == ["ada", "ada"]

    def test_what_is_known_of_limits_outlives_the_gateway(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        exhaust(sim, ada=2)
        gateway = start(policy="failover")
        ask(gateway)
        gateway.end()
        gateway._thread.join()
        wait_for(lambda: (known := Board(tmp_path / "state" / "quota.json").get("ada")) and known.reached)
        ask(start(policy="failover"))
        assert asked(sim) == ["ada", "bob", "bob"]


class TestSpillingOver:
    def test_the_api_goes_on_where_the_plan_ends(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        answer = ask(gateway)
        assert answer.status == 200
        assert asked(sim) == ["ada", "api"]
        assert "the usage limit of ada is reached: sent to the OpenAI API instead" in notes(gateway, answer)
        assert record(gateway, answer).upstream == "openai"
        assert not [name for name in answer.headers if name.startswith(UNIFIED)]
        file = tmp_path / "state" / "spending.json"
        wait_for(file.exists)
        assert json.loads(file.read_bytes())["dollars"] > 0

    def test_the_plan_is_not_asked_in_vain(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        ask(gateway)
        answer = ask(gateway)
        assert asked(sim) == ["ada", "api", "api"]
        assert "the plan's usage limit is reached: sent to the OpenAI API" in notes(gateway, answer)

    def test_only_after_all_accounts_with_failover(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai", policy="failover")
        exhaust(sim, ada=2, bob=1, eve=1)
        assert ask(gateway).status == 200
        assert asked(sim) == ["ada", "bob", "eve", "api"]

    def test_the_plan_comes_first_again_once_it_is_open(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai")
        sim.settings.exhausted = {ADA.account_id: time.time() + 1.5}
        ask(gateway)
        time.sleep(2.6)
        ask(gateway)
        assert asked(sim) == ["ada", "api", "ada"]

    def test_the_cap_holds(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        gateway = start(spill_to="openai", spill_limit=1e-9)
        exhaust(sim, ada=2)
        assert ask(gateway).status == 200
        wait_for((tmp_path / "state" / "spending.json").exists)
        answer = ask(gateway)
        assert (answer.status, answer.error[0]) == (429, "rate_limit_error")
        assert "of 0.00 dollars are spent this month" in answer.error[1]
        assert "It resets at " in answer.error[1]
        assert asked(sim) == ["ada", "api"]

    def test_what_is_under_way_at_the_same_time_counts(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        gateway = start(spill_to="openai", spill_limit=0.08)
        exhaust(sim, ada=2)
        ask(gateway, model="gpt-9-unheard-of")  # learns that the plan is dry, and goes nowhere
        sim.fault("slow-first-byte:1", times=5)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda number: ask(gateway, str(number)), range(6)))
        taken = [answer for answer in answers if answer.status == 200]
        assert len(taken) == 2, "each is expected to cost five cents"
        assert asked(sim).count("api") == 2
        refused = next(answer for answer in answers if answer.status != 200)
        assert "the answers under way may take the rest" in refused.error[1]
        wait_for(lambda: gateway.gateway._placements.spending.under_way == 0)
        assert ask(gateway).status == 200, "they have cost less"

    def test_a_request_that_fails_is_under_way_no_more(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        sim.fault("429-insufficient-quota")
        assert ask(gateway).status == 402
        assert gateway.gateway._placements.spending.under_way == 0

    def test_a_request_that_has_gone_on_to_another_model_is_under_way_no_more(
        self, start: Start, sim: Simulator
    ) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        sim.fault("429-insufficient-quota")
        answer = ask(gateway, model="[gpt-5.5, openai/gpt-5.5]")
        assert answer.names[-1] == "message_stop"
        assert asked(sim) == ["ada", "api", "api"]
        assert gateway.gateway._placements.spending.under_way == 0

    def test_a_cap_of_nothing_spends_nothing(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai", spill_limit=0)
        exhaust(sim, ada=2)
        assert ask(gateway).status == 429
        assert asked(sim) == ["ada"]

    def test_who_cannot_count_does_not_spend(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        gateway = start(spill_to="openai")
        (tmp_path / "state").mkdir(exist_ok=True)
        (tmp_path / "state" / "spending.json").write_text("{")
        exhaust(sim, ada=2)
        answer = ask(gateway)
        assert answer.status == 429
        assert "cannot be read" in answer.error[1]
        assert asked(sim) == ["ada"]

    def test_a_model_without_a_price_is_not_bought(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        answer = ask(gateway, model="gpt-9-unheard-of")
        assert answer.status != 200
        assert "api" not in asked(sim)

    def test_without_a_key_the_limit_is_told(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai", openai={"api_key": ""})
        exhaust(sim, ada=2)
        answer = ask(gateway)
        assert answer.status == 429
        assert "The OpenAI API is not used instead" in answer.error[1]

    def test_a_failure_of_the_api_is_the_apis(self, start: Start, sim: Simulator) -> None:
        gateway = start(spill_to="openai")
        exhaust(sim, ada=2)
        sim.fault("429-insufficient-quota")
        answer = ask(gateway)
        assert (answer.status, answer.error[0]) == (402, "billing_error")
        assert asked(sim) == ["ada", "api"]


def test_the_accounts_of_a_later_model_of_a_chain_are_tried_too(start: Start, sim: Simulator) -> None:
    gateway = start(policy="failover", openai={"api_key": "sk-wrong"})
    exhaust(sim, ada=1)
    answer = ask(gateway, model="[openai/gpt-5.5, codex/gpt-5.5]")
    assert answer.names[-1] == "message_stop"
    assert asked(sim) == ["api", "ada", "bob"]
    said = notes(gateway, answer)
    assert "openai/gpt-5.5 failed (sign in)" in said
    assert "the usage limit of ada is reached: sent as bob instead" in said
    # Where every account is dry the last failure is the one that is told.
    exhaust(sim, ada=1, bob=1, eve=1)
    status = ask(gateway, "two", model="[codex/gpt-5.5, openai/gpt-5.5]", stream=False)
    assert "before it failed codex/gpt-5.5 (usage limit)" in status.error[1]
