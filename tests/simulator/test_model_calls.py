"""The lists of models: what changes them, their mark, and their faults."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulator.wire import Answer, body, send
from turnout.simulator import Account, Settings, Simulator

CODEX = "/backend-api/codex/models?client_version=0.169.0"


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(accounts=(Account(), Account(account_id="b-free", plan="free"))) as running:
        yield running


def listed(sim: Simulator, path: str = CODEX, **extra: str) -> Answer:
    return send(sim, None, raw=b"", method="GET", path=path, **extra)


def test_a_list_that_is_known_is_not_sent_again(sim: Simulator) -> None:
    first = listed(sim)
    again = listed(sim, if_none_match=first.headers["etag"])
    assert (again.status, again.raw, again.headers["etag"]) == (304, b"", first.headers["etag"])
    sim.settings.absent = {"gpt-6.1-sol"}
    changed = listed(sim, if_none_match=first.headers["etag"])
    assert changed.status == 200
    assert changed.headers["etag"] != first.headers["etag"]
    assert "gpt-6.1-sol" not in {model["slug"] for model in changed.json["models"]}


def test_answers_tell_the_mark_of_the_list_for_their_client(sim: Simulator) -> None:
    assert send(sim, body()).headers["x-models-etag"] == listed(sim).headers["etag"]
    older = listed(sim, "/backend-api/codex/models?client_version=0.153.0").headers["etag"]
    assert send(sim, body(), version="0.153.0").headers["x-models-etag"] == older != listed(sim).headers["etag"]


def test_an_absent_model_is_not_served(sim: Simulator) -> None:
    sim.settings.absent = {"gpt-5.5"}
    assert "not supported when using Codex with a ChatGPT account" in send(sim, body()).json["detail"]
    assert "gpt-5.5" not in {model["id"] for model in listed(sim, "/v1/models").json["data"]}


def test_a_model_is_for_its_plans(sim: Simulator) -> None:
    sim.state.settings = Settings(plans={"gpt-5.5": {"plus"}})
    (entry,) = [model for model in listed(sim).json["models"] if model["slug"] == "gpt-5.5"]
    assert entry["available_in_plans"] == ["plus"]
    refused = send(sim, body())
    assert (refused.status, "'gpt-5.5' model is not supported" in refused.json["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("fault", "status", "kind"),
    [("500", 500, "application/json"), ("html", 403, "text/html"), ("truncated-200", 200, "application/json")],
)
@pytest.mark.parametrize("path", [CODEX, "/v1/models"])
def test_the_faults_of_small_calls_strike_where_the_list_is_named(
    sim: Simulator, fault: str, status: int, kind: str, path: str
) -> None:
    sim.account_fault("500", path="")
    assert listed(sim, path).status == 200
    sim.account_fault(fault, path="/models")
    answer = listed(sim, path)
    assert answer.status == status
    assert answer.headers["content-type"].startswith(kind)
    assert listed(sim, path).status == 200
