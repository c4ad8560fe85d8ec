"""Where requests go, and how: by their model strings, headers, slots and the account's plan."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import message, record, send
from tests.gateway.conftest import config
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.config import OpenAISettings, Slot, Slots
from turnout.gateway.server import RunningGateway
from turnout.models.catalogue import Catalogue
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from turnout.config import Config
    from turnout.simulator import RecordedRequest

    Start = Callable[..., RunningGateway]

ADA = Account(plan="pro")
BOB = Account(account_id="account-bob", user_id="user-bob", email="bob@example.com", plan="free")


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    with Simulator(seed=1, accounts=(ADA, BOB)) as running:
        yield running


@pytest.fixture
def sim(shared: Simulator) -> Simulator:
    shared.reset()
    shared.settings.exhausted, shared.settings.plans = {}, {}
    return shared


@pytest.fixture
def start(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a gateway of someone with the accounts ada and bob and an API key: ``start(slots=Slots(…))``."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    with contextlib.ExitStack() as stack:

        def run(
            *, catalogue: Catalogue | None = None, use: str = "ada", key: bool = True, spill_to: Any = "", **fields: Any
        ) -> Any:
            made = _config(sim, tmp_path, use)
            fields["accounts"] = msgspec.structs.replace(made.accounts, spill_to=spill_to)
            openai = OpenAISettings(base_url=sim.openai_url, api_key=sim.api_key if key else "")
            made = msgspec.structs.replace(made, slots=Slots(), openai=openai)
            known = Accounts(made, {})
            for account in (ADA, BOB):
                issued = sim.tokens(account)
                tokens = Tokens(
                    id_token=issued.id_token,
                    access_token=issued.access_token,
                    refresh_token=issued.refresh_token,
                    account_id=account.account_id,
                )
                known.add_owned(tokens)
            return stack.enter_context(
                RunningGateway(msgspec.structs.replace(made, **fields), catalogue=catalogue or Catalogue.bundled())
            )

        yield run


def _config(sim: Simulator, folder: Path, use: str) -> Config:
    made = config(f"{sim.codex_url}/responses", folder / "codex")
    accounts = msgspec.structs.replace(made.accounts, folder=str(folder / "accounts"), use=use)
    codex = msgspec.structs.replace(made.codex, base_url=f"{sim.url}/backend-api")
    return msgspec.structs.replace(made, accounts=accounts, codex=codex)


def went(request: RecordedRequest) -> tuple[str, str]:
    """Who was asked for which model: an account's name, or ``api``."""
    names = {ADA.account_id: "ada", BOB.account_id: "bob"}
    return names.get(request.headers.get("chatgpt-account-id", ""), "api"), str(sent(request)["model"])


def sent(request: RecordedRequest) -> dict[str, Any]:
    body: dict[str, Any] = request.body if isinstance(request.body, dict) else json.loads(request.body)
    return body


def responses(sim: Simulator) -> list[RecordedRequest]:
    return [request for request in sim.requests if request.path.endswith("/responses")]


def ask(gateway: RunningGateway, model: str = "claude-opus-5-5", headers: Any = None, **fields: Any) -> Answer:
    return send(gateway, message(model=model, **fields), headers=headers)


def notes(gateway: RunningGateway, answer: Answer) -> str:
    return "; ".join(str(note) for note in record(gateway, answer).notes)


class TestPlaces:
    """One gateway, several upstreams and accounts side by side."""

    def test_slots_go_to_upstreams_and_accounts_of_their_own(self, start: Start, sim: Simulator) -> None:
        slots = Slots(opus=Slot(upstream="openai"), haiku=Slot(account="bob"))
        gateway = start(slots=slots)
        for model in ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"):
            assert ask(gateway, model).status == 200
        assert [went(request) for request in responses(sim)] == [
            ("api", "gpt-6.1-sol"),
            ("ada", "gpt-6-sol"),
            ("bob", "gpt-6-luna"),
        ]

    def test_a_request_may_say_where_it_goes(self, start: Start, sim: Simulator) -> None:
        gateway = start()
        answer = ask(gateway, "openai/gpt-5.5@low")
        assert (answer.status, answer.json["model"]) == (200, "openai/gpt-5.5@low")
        assert ask(gateway, headers={"x-turnout-upstream": "openai"}).status == 200
        assert ask(gateway, headers={"x-turnout-account": "bob", "x-turnout-model": "haiku"}).status == 200
        assert [went(request) for request in responses(sim)] == [
            ("api", "gpt-5.5"),
            ("api", "gpt-6.1-sol"),
            ("bob", "gpt-6-luna"),
        ]
        assert sent(responses(sim)[0])["reasoning"]["effort"] == "low"

    def test_an_account_with_a_key_is_for_the_api(self, start: Start, sim: Simulator) -> None:
        gateway = start()
        gateway.gateway._accounts.add_api_key(sim.api_key, "paid")
        answer = ask(gateway, headers={"x-turnout-account": "paid"})
        assert answer.status == 200, answer.body
        assert went(responses(sim)[-1]) == ("api", "gpt-6.1-sol")

    def test_the_only_account_with_a_key_serves_the_api_though_another_account_is_in_use(
        self, start: Start, sim: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        gateway = start(key=False)
        gateway.gateway._accounts.add_api_key(sim.api_key, "paid")
        assert ask(gateway, "openai/gpt-5.5").status == 200
        assert went(responses(sim)[-1]) == ("api", "gpt-5.5")

    def test_an_upstream_without_a_credential_says_what_helps(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        kind, text = ask(start(key=False), "openai/gpt-5.5").error
        assert kind == "authentication_error"
        assert "OPENAI_API_KEY" in text

    def test_an_unknown_upstream_is_refused_with_the_ones_there_are(self, start: Start) -> None:
        answer = ask(start(), headers={"x-turnout-upstream": "elsewhere"})
        assert answer.status == 400
        assert "There is no upstream elsewhere here. There is codex and openai." in answer.error[1]

    def test_what_goes_to_the_api_in_place_of_a_plan_costs_no_more_than_list_prices(
        self, start: Start, sim: Simulator
    ) -> None:
        sim.settings.exhausted = {ADA.account_id: time.time() + 3600, BOB.account_id: time.time() + 3600}
        gateway = start(tier="priority", spill_to="openai")
        assert ask(gateway, speed="fast").status == 200
        assert went(responses(sim)[-1])[0] == "api"
        assert "service_tier" not in sent(responses(sim)[-1])


class TestOverrides:
    """What a request says of itself goes before everything else."""

    @pytest.mark.parametrize(
        ("headers", "fields"),
        [
            ({"x-turnout-model": "gpt-5.5", "x-turnout-effort": "low", "x-turnout-tier": "fast"}, {}),
            ({}, {"turnout": {"model": "gpt-5.5", "effort": "low", "tier": "priority"}}),
            ({}, {"extra_body": {"turnout": {"model": "gpt-5.5", "reasoning_effort": "low", "tier": "priority"}}}),
            ({"x-turnout-model": "gpt-5.5"}, {"reasoning_effort": "low", "speed": "fast"}),
        ],
    )
    def test_by_headers_and_by_the_body(
        self, start: Start, sim: Simulator, headers: dict[str, str], fields: dict[str, Any]
    ) -> None:
        gateway = start(effort="max")
        assert ask(gateway, headers=headers, output_config={"effort": "high"}, **fields).status == 200
        body = sent(responses(sim)[-1])
        assert (body["model"], body["reasoning"]["effort"], body["service_tier"]) == ("gpt-5.5", "low", "priority")
        assert "turnout" not in body
        assert "extra_body" not in body

    @pytest.mark.parametrize(
        ("headers", "fields", "words"),
        [
            ({"x-turnout-effort": "turbo"}, {}, "'turbo' is not known"),
            ({"x-turnout-tier": "gold"}, {}, "'gold' is not known"),
            ({"x-turnout-model": "x" * 400}, {}, "400 characters"),
            ({}, {"turnout": {"model": 5}}, "turnout.model"),
            ({}, {"extra_body": "x"}, "extra_body"),
        ],
    )
    def test_what_cannot_be_used_is_named(
        self, start: Start, headers: dict[str, str], fields: dict[str, Any], words: str
    ) -> None:
        answer = ask(start(), headers=headers, **fields)
        assert answer.status == 400
        assert words in answer.error[1]

    def test_the_route_is_in_the_record(self, start: Start) -> None:
        gateway = start()
        kept = record(gateway, ask(gateway, "gpt-5.5-max", speed="fast"))
        assert (kept.slot, kept.model, kept.effort_asked, kept.effort) == ("direct", "gpt-5.5", "max", "xhigh")
        assert kept.tier == "priority"
        assert [note.place for note in kept.notes] == ["effort", "service_tier"]

    def test_a_subagent_has_a_slot_of_its_own(self, start: Start, sim: Simulator) -> None:
        gateway = start(slots=Slots(subagent=Slot(model="gpt-5.5@low")))
        session = {"user_id": json.dumps({"session_id": "s-1"})}
        headers = {"x-claude-code-session-id": "s-1", "x-claude-code-agent-id": "a1"}
        assert ask(gateway, metadata=session).status == 200
        assert ask(gateway, metadata=session, headers=headers).status == 200
        assert [went(request)[1] for request in responses(sim)] == ["gpt-6.1-sol", "gpt-5.5"]


class TestRefusals:
    """Models that cannot be had."""

    def test_an_unknown_name_is_a_404_with_the_nearest_ones(self, start: Start, sim: Simulator) -> None:
        live = Catalogue(Catalogue.bundled().all(), source="live")
        answer = ask(start(catalogue=live), "gpt-5.55")
        assert answer.status == 404
        assert answer.headers["x-should-retry"] == "false"
        kind, text = answer.error
        assert kind == "not_found_error"
        assert "There is no model 'gpt-5.55' here. Did you mean gpt-5.5" in text
        assert not responses(sim)

    def test_what_upstream_refuses_is_explained_and_avoided_from_then_on(self, start: Start, sim: Simulator) -> None:
        sim.settings.plans = {"gpt-6.1-sol": {"plus"}}
        gateway = start()
        refused = ask(gateway)
        assert refused.status == 404
        text = refused.error[1]
        assert "not supported when using Codex with a ChatGPT account" in text
        assert "the plan pro" in text
        assert "from now on go to gpt-6-astra" in text
        after = ask(gateway)
        assert after.status == 200
        assert went(responses(sim)[-1]) == ("ada", "gpt-6-astra")
        assert "gpt-6.1-sol is not in the plan pro: gpt-6-astra instead" in notes(gateway, after)

    def test_what_was_chosen_is_asked_for_again_with_a_warning(self, start: Start, sim: Simulator) -> None:
        sim.settings.plans = {"gpt-6.1-sol": {"plus"}}
        gateway = start(slots=Slots(opus=Slot(model="gpt-6.1-sol")))
        assert "Choose gpt-6-astra" in ask(gateway).error[1]
        again = ask(gateway)
        assert again.status == 404
        assert "may not be offered to the plan pro; gpt-6-astra is" in notes(gateway, again)
        assert [went(request)[1] for request in responses(sim)] == ["gpt-6.1-sol"] * 2

    def test_an_old_client_version_is_named(self, start: Start, sim: Simulator, tmp_path: Path) -> None:
        codex = msgspec.structs.replace(_config(sim, tmp_path, "ada").codex, client_version="0.130.0")
        text = ask(start(codex=codex)).error[1]
        assert "announces the Codex version 0.130.0, and this model wants 0.153.0 or newer" in text
        assert "TURNOUT_CLIENT_VERSION" in text

    def test_a_name_that_nobody_has_brings_names_like_it(self, start: Start) -> None:
        answer = ask(start(), "gpt-5.55")
        assert answer.status == 404
        assert "Names like it: gpt-5.5" in answer.error[1]

    def test_a_plan_that_is_known_not_to_have_the_default_gets_another_one(self, start: Start, sim: Simulator) -> None:
        models = [
            msgspec.structs.replace(facts, plans=frozenset({"pro"} if facts.slug == "gpt-6.1-sol" else {"pro", "free"}))
            for facts in Catalogue.bundled().all()
        ]
        assert ask(start(use="bob", catalogue=Catalogue(models))).status == 200
        assert went(responses(sim)[-1]) == ("bob", "gpt-6-astra")
