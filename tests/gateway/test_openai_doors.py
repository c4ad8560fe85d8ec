"""What is the same at the doors of Chat Completions and of Responses: tokens, models, failures, clients that leave."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Wire, credentials, send
from turnout.simulator import Message, Pacing, Simulator, Turn

if TYPE_CHECKING:
    from turnout.gateway.server import RunningGateway

MODEL = "gpt-5.5"


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": "Say something."}], **fields}


def responses(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": "Say something.", **fields}


doors = pytest.mark.parametrize(
    ("path", "body"), [("/v1/chat/completions", chat), ("/v1/responses", responses)], ids=["chat", "responses"]
)


@doors
@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_the_token_may_be_shown_either_way(
    gateway: RunningGateway, sim: Simulator, path: str, body: Any, header: str
) -> None:
    sim.script(Message(text="Yes."))
    shown = {"authorization": "", header: f"Bearer {gateway.token}" if header == "authorization" else gateway.token}
    assert send(gateway, body(), path=path, headers=shown).status == 200


@doors
@pytest.mark.parametrize("model", ["claude-opus-5-5", "openai-codex:gpt-5.5", "codex/gpt-5.5", "gpt-5.5"])
def test_models_are_routed_as_everywhere(
    gateway: RunningGateway, sim: Simulator, path: str, body: Any, model: str
) -> None:
    sim.script(Message(text="Yes."))
    answer = send(gateway, body(model=model), path=path)
    assert (answer.status, answer.json["model"]) == (200, model)
    assert (sim.requests[0].body or {})["model"].startswith("gpt-")


@doors
def test_a_strict_request_is_refused_where_something_would_be_lost(
    gateway: RunningGateway, sim: Simulator, path: str, body: Any
) -> None:
    answer = send(gateway, body(temperature=0.3), path=path, headers={"x-turnout-strict": "1"})
    assert answer.status == 400
    assert "temperature" in answer.openai_error["message"]
    assert not sim.requests


@doors
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("401", 401, "sign_in_required"),
        ("404-model", 404, "model_not_found"),
        ("429-usage-limit", 429, "usage_limit_reached"),
        ("429-burst", 429, "rate_limit_exceeded"),
        ("context-400", 400, "context_length_exceeded"),
        ("failed:context_length_exceeded", 400, "context_length_exceeded"),
        ("failed:server_is_overloaded", 503, "server_is_overloaded"),
        ("failed-before-first-byte:server_is_overloaded", 503, "server_is_overloaded"),
        ("error-event-before-first-byte:context_length_exceeded", 400, "context_length_exceeded"),
        ("502-html", 502, "server_error"),
    ],
)
def test_failures_before_the_answer_are_http_errors(
    gateway: RunningGateway, sim: Simulator, path: str, body: Any, *, fault: str, status: int, code: str, streamed: bool
) -> None:
    sim.fault(fault, times=5)
    answer = send(gateway, body(stream=streamed), path=path)
    assert (answer.status, answer.openai_error["code"]) == (status, code)
    assert "<html" not in answer.openai_error["message"]


@doors
def test_a_client_that_leaves_stops_the_upstream(gateway: RunningGateway, sim: Simulator, path: str, body: Any) -> None:
    sim.script(Turn(output=[Message(text="word " * 5000)], pacing=Pacing(delta=0.01)))
    data = json.dumps(body(stream=True)).encode()
    with Wire(gateway) as wire:
        wire.head({"content-length": str(len(data)), **credentials(gateway)}, f"POST {path} HTTP/1.1")
        wire.write(data)
        wire.read_until(b"word")
    sim.wait_until(lambda requests: requests[0].done)
    assert sim.requests[0].disconnected_at is not None
