"""The lists of models: which there are, in the form that each client reads, and how they stay fresh."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from tests.gateway.client import message, send, wait_for
from tests.gateway.conftest import config
from turnout.config import ModelsSettings
from turnout.gateway.server import RunningGateway
from turnout.models.catalogue import Catalogue
from turnout.simulator import Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gateway.client import Answer

ANTHROPIC = {"anthropic-version": "2023-06-01"}
LISTED = [facts.slug for facts in Catalogue.bundled().listed()]


def get(gateway: RunningGateway, path: str, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(gateway, method="GET", path=path, headers={**_credentials(gateway), **named})


def _credentials(gateway: RunningGateway) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway.token}"}


class TestAnthropicsForm:
    def page(self, gateway: RunningGateway, query: str = "") -> dict[str, Any]:
        found: dict[str, Any] = get(gateway, f"/v1/models{query}", **ANTHROPIC).json
        return found

    def test_lists_names_that_claude_code_shows(self, gateway: RunningGateway) -> None:
        page = self.page(gateway, "?limit=1000")
        assert [model["id"] for model in page["data"]] == [f"anthropic/{slug}" for slug in LISTED]
        assert page["data"][0] == {
            "type": "model",
            "id": "anthropic/gpt-6.1-sol",
            "display_name": "GPT-6.1-Sol",
            "created_at": "1970-01-01T00:00:00Z",
            "lifecycle": "active",
            "max_input_tokens": 258_400,
            "max_tokens": None,
        }
        assert (page["first_id"], page["last_id"], page["has_more"]) == (
            "anthropic/gpt-6.1-sol",
            "anthropic/gpt-5.5",
            False,
        )

    def test_goes_page_by_page_in_both_directions(self, gateway: RunningGateway) -> None:
        first = self.page(gateway, "?limit=4")
        second = self.page(gateway, f"?limit=4&after_id={first['last_id']}")
        third = self.page(gateway, f"?limit=4&after_id={second['last_id']}")
        assert [page["has_more"] for page in (first, second, third)] == [True, True, False]
        pages = first["data"] + second["data"] + third["data"]
        assert [model["id"] for model in pages] == [f"anthropic/{slug}" for slug in LISTED]
        back = self.page(gateway, f"?limit=4&before_id={third['first_id']}")
        assert back == {**second, "has_more": True}
        assert self.page(gateway, f"?limit=8&before_id={third['first_id']}")["has_more"] is False
        empty = self.page(gateway, f"?after_id={third['last_id']}")
        assert empty == {"data": [], "first_id": None, "last_id": None, "has_more": False}

    @pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?limit=many", "?after_id=gpt-0", "?before_id=gpt-0"])
    def test_refuses_pages_that_there_are_not(self, gateway: RunningGateway, query: str) -> None:
        answer = get(gateway, f"/v1/models{query}", **ANTHROPIC)
        assert (answer.status, answer.error[0]) == (400, "invalid_request_error")

    def test_is_what_anthropics_own_client_reads(self, gateway: RunningGateway) -> None:
        client = anthropic.Anthropic(base_url=gateway.base_url, auth_token=gateway.token, max_retries=0)
        assert [model.id for model in client.models.list(limit=2)] == [f"anthropic/{slug}" for slug in LISTED]
        one = client.models.retrieve("anthropic/gpt-6-astra")
        assert (one.id, one.max_input_tokens, one.max_tokens) == ("anthropic/gpt-6-astra", 258_400, 128_000)
        with pytest.raises(anthropic.NotFoundError, match="There is no model"):
            client.models.retrieve("llama-3")

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("gpt-5.5", "GPT-5.5"),
            ("anthropic/gpt-5.5", "GPT-5.5"),
            ("anthropic%2Fgpt-5.5", "GPT-5.5"),
            ("claude-opus-5-5", "GPT-6-Astra"),
            ("claude-3-haiku-20240307", "GPT-6-Luna"),
            ("codex-auto-review", "Codex Auto Review"),
        ],
    )
    def test_tells_of_any_name_that_a_request_may_have(self, gateway: RunningGateway, name: str, shown: str) -> None:
        found = get(gateway, f"/v1/models/{name}", **ANTHROPIC).json
        assert (found["id"], found["display_name"]) == (name.replace("%2F", "/"), shown)

    def test_listed_names_are_names_that_requests_may_have(self, gateway: RunningGateway, sim: Simulator) -> None:
        for model in self.page(gateway)["data"]:
            answer = send(gateway, message(model=model["id"]))
            assert answer.json["model"] == model["id"]
        assert [request.body["model"] for request in sim.requests if request.body] == LISTED


class TestOpenAIsForm:
    def test_lists_plain_names(self, gateway: RunningGateway) -> None:
        found = get(gateway, "/v1/models").json
        assert found["object"] == "list"
        assert [model["id"] for model in found["data"]] == LISTED
        assert found["data"][0] == {
            "id": "gpt-6.1-sol",
            "object": "model",
            "created": 0,
            "owned_by": "openai",
            "context_window": 258_400,
        }

    def test_tells_of_one(self, gateway: RunningGateway) -> None:
        assert get(gateway, "/v1/models/gpt-6.1-terra").json["context_window"] == 475_000
        missing = get(gateway, "/v1/models/llama-3")
        assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-5.5", "/turnout/models"])
def test_strangers_are_told_nothing(gateway: RunningGateway, path: str) -> None:
    assert send(gateway, method="GET", path=path, headers={"authorization": "Bearer x"}).status == 401


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/gpt-5.5", "/turnout/models"])
def test_other_methods_are_refused(gateway: RunningGateway, path: str) -> None:
    answer = send(gateway, {}, path=path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def own(gateway: RunningGateway, *, refresh: bool = False) -> dict[str, Any]:
    """What the gateway tells of its models."""
    path = "/turnout/models/refresh" if refresh else "/turnout/models"
    found: dict[str, Any] = send(gateway, method="POST" if refresh else "GET", path=path).json
    return found


def questions(sim: Simulator) -> int:
    return len([call for call in sim.calls if call.path.endswith("/models")])


@pytest.fixture
def fresh(sim: Simulator, home: Path, tmp_path: Path) -> Iterator[Any]:
    """Starts gateways that ask by themselves, of one user whose files are empty at first."""
    running: list[RunningGateway] = []

    def start(refresh: float = 3600.0) -> RunningGateway:
        from msgspec.structs import replace

        made = replace(config(f"{sim.codex_url}/responses", home), models=ModelsSettings(refresh=refresh))
        running.append(RunningGateway(made, environ={"TURNOUT_HOME": str(tmp_path)}, refreshes=True))
        return running[-1].__enter__()

    sim.state.settings = Settings()
    yield start
    for gateway in running:
        gateway.__exit__(None, None, None)
    sim.state.settings = Settings()


class TestTheGatewaysOwnForm:
    def test_has_the_facts_and_what_claudes_names_stand_for(self, gateway: RunningGateway) -> None:
        found = own(gateway)
        assert (found["source"], found["fetched_at"], found["upstream"]) == ("bundled", None, "codex")
        (astra,) = [model for model in found["models"] if model["slug"] == "gpt-6-astra"]
        assert astra["efforts"] == ["low", "medium", "high", "xhigh", "max"]
        assert (astra["window"], astra["max_window"], astra["output_limit"]) == (272_000, 872_000, 128_000)
        assert len(found["models"]) == len(Catalogue.bundled().all())
        slots = {line["slot"]: line for line in found["slots"]}
        assert (slots["opus"]["model"], slots["opus"]["chosen"]) == ("gpt-6-astra", True)
        assert (slots["haiku"]["model"], slots["haiku"]["chosen"]) == ("gpt-6-luna", False)
        assert "lightest" in slots["haiku"]["why"]

    def test_is_fetched_on_demand(self, gateway: RunningGateway, sim: Simulator) -> None:
        sim.settings.absent = {"gpt-6.1-sol"}
        try:
            found = own(gateway, refresh=True)
            assert (found["source"], found["problem"]) == ("live", "")
            assert 0 <= time.time() - found["fetched_at"] < 20
            assert "gpt-6.1-sol" not in {model["slug"] for model in own(gateway)["models"]}
            assert "gpt-6.1-sol" not in {model["id"] for model in get(gateway, "/v1/models").json["data"]}
        finally:
            sim.settings.absent = set()
            own(gateway, refresh=True)

    def test_says_why_it_could_not_be_fetched_and_stays(self, gateway: RunningGateway, sim: Simulator) -> None:
        before = own(gateway, refresh=True)
        sim.account_fault("html", path="/models")
        answer = send(gateway, method="POST", path="/turnout/models/refresh")
        assert answer.status == 403
        after = own(gateway)
        assert after["problem"]
        assert (after["models"], after["fetched_at"]) == (before["models"], before["fetched_at"])
        assert own(gateway, refresh=True)["problem"] == ""


class TestByItself:
    def test_it_asks_at_the_start_and_the_slots_follow(self, fresh: Any, sim: Simulator) -> None:
        sim.settings.absent = {"gpt-6-sol", "gpt-6-luna"}
        gateway = fresh()
        wait_for(lambda: own(gateway)["source"] == "live")
        send(gateway, message(model="claude-haiku-5-5"))
        assert sim.requests[-1].body["model"] == "gpt-5.6-luna"  # type: ignore[index]
        assert questions(sim) == 1

    def test_a_second_gateway_of_the_same_user_need_not_ask(self, fresh: Any, sim: Simulator) -> None:
        first = fresh()
        wait_for(lambda: own(first)["source"] == "live")
        second = fresh()
        assert own(second)["source"] == "cache"
        assert own(second)["fetched_at"] == own(first)["fetched_at"]
        send(second, message())
        assert questions(sim) == 1

    def test_it_asks_again_and_again(self, fresh: Any, sim: Simulator) -> None:
        gateway = fresh(refresh=0.2)
        wait_for(lambda: questions(sim) >= 3)
        sim.settings.absent = {"gpt-5.5"}
        wait_for(lambda: "gpt-5.5" not in {model["slug"] for model in own(gateway)["models"]})

    def test_it_asks_when_an_answer_tells_of_a_change(
        self, fresh: Any, sim: Simulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gateway = fresh()
        monkeypatch.setattr(gateway.gateway.refresher, "_quiet", 0.0)
        wait_for(lambda: own(gateway)["source"] == "live")
        send(gateway, message(stream=True))
        assert questions(sim) == 1
        sim.settings.absent = {"gpt-5.5"}
        send(gateway, message(stream=True))
        wait_for(lambda: "gpt-5.5" not in {model["slug"] for model in own(gateway)["models"]})
        assert questions(sim) == 2

    def test_it_never_asks_if_it_is_told_not_to(self, fresh: Any, sim: Simulator) -> None:
        gateway = fresh(refresh=0)
        send(gateway, message())
        assert (own(gateway)["source"], questions(sim)) == ("bundled", 0)
        assert own(gateway, refresh=True)["source"] == "live"

    def test_a_catalogue_that_cannot_be_had_costs_no_request(self, fresh: Any, sim: Simulator) -> None:
        sim.account_fault("500", times=1000, path="/models")
        gateway = fresh()
        wait_for(lambda: own(gateway)["problem"] != "")
        assert send(gateway, message()).status == 200
        assert own(gateway)["source"] == "bundled"
        sim.reset()
        assert own(gateway, refresh=True)["source"] == "live"


def test_a_lesson_outlives_a_catalogue_that_has_not_changed(gateway: RunningGateway, sim: Simulator) -> None:
    own(gateway, refresh=True)
    live = gateway.gateway.live
    live.use_catalogue(live.catalogue.without("gpt-5.5", "pro"))
    own(gateway, refresh=True)
    assert live.catalogue.allows("gpt-5.5", "pro") is False
    sim.settings.absent = {"gpt-6.1-sol"}
    own(gateway, refresh=True)
    assert live.catalogue.allows("gpt-5.5", "pro") is True
    sim.settings.absent = set()
    own(gateway, refresh=True)
