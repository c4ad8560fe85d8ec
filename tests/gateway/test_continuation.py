"""Answers that take several requests upstream: what is sent, what the client sees, and what is held meanwhile."""

from __future__ import annotations

import gc
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Wire, message, send, wait_for
from tests.gateway.upstreams import (
    BEGIN_TEXT,
    MESSAGE,
    STREAM_HEAD,
    Connection,
    ScriptedUpstream,
    chunk,
    delta,
    event,
)
from tests.translate import legality
from turnout.gateway.continuation import Bodies
from turnout.simulator import FunctionCall, Message, Reasoning, Turn
from turnout.upstream.base import Call

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway
    from turnout.simulator import Simulator

TOOL = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}


def unfinished(text: str) -> bytes:
    """The end of a response behind which upstream has more to say."""
    item = {**MESSAGE, "content": [{"type": "output_text", "text": text}]}
    usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
    response = {"id": "resp_1", "status": "completed", "output": [], "usage": usage, "end_turn": False}
    return event("response.output_item.done", output_index=0, item=item) + event(
        "response.completed", response=response
    )


def half(text: str) -> bytes:
    """A whole HTTP answer that asks to go on."""
    return STREAM_HEAD + chunk(BEGIN_TEXT + delta(text) + unfinished(text)) + b"0\r\n\r\n"


def texts(answer: legality.Answer) -> list[str]:
    return [block.content for block in answer.blocks if block.type == "text"]


@pytest.mark.parametrize("stream", [True, False])
def test_an_unfinished_turn_is_one_answer(gateway: RunningGateway, sim: Simulator, stream: bool) -> None:
    sim.script(
        Turn(output=[Reasoning(summary=["First thought."]), Message(text="First.")], end_turn=False),
        Turn(output=[Reasoning(summary=["Second thought."]), Message(text="Second.")], end_turn=False),
        Turn(output=[Message(text="Third.")]),
    )
    answer = send(gateway, message(stream=stream))
    assert answer.status == 200
    assert answer.text == "First.Second.Third."
    if stream:
        assert legality.read(answer.body).stop_reason == "end_turn"
        assert answer.names.count("message_start") == answer.names.count("message_delta") == 1
    else:
        assert answer.json["stop_reason"] == "end_turn"
    first, second, third = (request.body for request in sim.requests)
    assert first is not None
    assert second is not None
    assert third is not None
    kinds = [item["type"] for item in third["input"][len(first["input"]) :]]
    assert kinds == ["reasoning", "message", "reasoning", "message"]
    assert second["input"][: len(first["input"])] == first["input"]
    assert third["input"][: len(second["input"])] == second["input"]
    assert {**second, "input": []} == {**first, "input": []}
    wait_for(lambda: gateway.gateway.last and gateway.gateway.last[-1].request_id == answer.headers["request-id"])
    record = gateway.gateway.last[-1]
    assert record.attempts == 3
    assert record.usage is not None
    assert record.usage.output_tokens == sum(_usage(request)["output_tokens"] for request in sim.requests)


def _usage(request: Any) -> dict[str, Any]:
    """What the simulator said that a request took."""
    assert request.usage is not None
    found: dict[str, Any] = request.usage
    return found


def test_a_turn_with_a_call_for_the_client_is_over(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[FunctionCall(name="Bash", arguments={})], end_turn=False))
    answer = legality.read(send(gateway, message(stream=True, tools=[TOOL])).body)
    assert answer.stop_reason == "tool_use"
    assert len(sim.requests) == 1


def test_the_requests_of_one_answer_share_a_connection(start: Start) -> None:
    def script(upstream: Connection) -> None:
        for number in range(3):
            assert upstream.read_request()
            upstream.write(half(f"{number}.")) if number < 2 else upstream.answer("2.")
        upstream.read_request()

    with ScriptedUpstream(script) as upstream:
        answer = send(start(endpoint=upstream.url), message(stream=True))
        assert answer.text == "0.1.2."
        assert len(upstream.connections) == 1


def test_a_failure_in_a_later_request_is_an_error_event_and_nothing_is_repeated(
    gateway: RunningGateway, sim: Simulator
) -> None:
    sim.script(Turn(output=[Message(text="First.")], end_turn=False))
    sim.fault("500", after=1, times=3)
    answer = legality.read(send(gateway, message(stream=True)).body)
    assert texts(answer) == ["First."]
    assert answer.error is not None
    assert answer.error["type"] == "api_error"
    assert len(sim.requests) == 2


def test_without_streaming_such_a_failure_is_an_http_error(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[Message(text="First.")], end_turn=False))
    sim.fault("429-burst", after=1)
    answer = send(gateway, message())
    assert answer.status == 429
    assert answer.error[0] == "rate_limit_error"


def test_a_client_that_leaves_between_two_requests_ends_them(start: Start) -> None:
    asked = []

    def script(upstream: Connection) -> None:
        for number in range(2):
            asked.append(upstream.read_request())
            if number == 0:
                upstream.write(half("First."))
        upstream.wait_closed()

    with ScriptedUpstream(script) as upstream, Wire(start(endpoint=upstream.url)) as client:
        client.post(message(stream=True))
        wait_for(lambda: len(asked) == 2)
        assert b"First." in client.read_until(b"First.")
        left = time.monotonic()
        client.socket.close()
        wait_for(lambda: upstream.connections[0].closed_at)
        closed = upstream.connections[0].closed_at
        assert closed is not None
        assert closed - left < 0.5


def test_silence_in_a_later_request_is_kept_alive(start: Start) -> None:
    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(half("First."))
        upstream.read_request()
        time.sleep(0.5)
        upstream.answer("Second.")

    with ScriptedUpstream(script) as upstream:
        gateway = start(endpoint=upstream.url, timing={"hold": 0.1, "keepalive": 0.1})
        answer = send(gateway, message(stream=True))
    assert answer.text == "First.Second."
    assert answer.names.count("ping") >= 2
    legality.read(answer.body)


def test_a_body_that_is_not_held_any_more_ends_the_answer_and_that_is_noted(
    start: Start, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.gateway.answers.Bodies", lambda: Bodies(budget=10))
    gateway = start()
    sim.script(Turn(output=[Message(text="First.")], end_turn=False))
    answer = send(gateway, message(stream=True))
    assert legality.read(answer.body).stop_reason == "end_turn"
    assert answer.text == "First."
    assert len(sim.requests) == 1
    wait_for(lambda: gateway.gateway.last)
    notes = [str(note) for note in gateway.gateway.last[-1].notes]
    assert any("not held any more" in note for note in notes), notes


def call(size: int) -> Call:
    return Call(body=b"x" * size, model="m", request_id="req_1")


def test_bodies_are_held_within_a_budget_and_the_oldest_go_first() -> None:
    bodies = Bodies(budget=100)
    first, second, third = call(40), call(40), call(40)
    for one in (first, second, third):
        bodies.hold(one)
    assert [len(one.body) for one in (first, second, third)] == [0, 40, 40]
    assert bodies.held == 80
    bodies.let_go(second)
    bodies.let_go(second)
    bodies.let_go(first)
    assert bodies.held == 40
    third.body += b"x" * 20
    bodies.hold(third)
    assert bodies.held == 60, "a body that has grown counts with its new length"
    huge = call(101)
    bodies.hold(huge)
    assert (len(huge.body), bodies.held) == (0, 0)


def test_nothing_is_held_once_the_answers_are_over(start: Start, sim: Simulator) -> None:
    gateway = start()
    for _ in range(3):
        send(gateway, message("x" * 10_000, stream=True))
    held = [found for found in gc.get_objects() if isinstance(found, Bodies)]
    wait_for(lambda: all(bodies.held == 0 for bodies in held))


def test_what_is_added_to_a_request_is_what_upstream_would_take(gateway: RunningGateway, sim: Simulator) -> None:
    """The simulator refuses what the services refuse: foreign reasoning, ids of 400 characters."""
    sim.script(
        Turn(
            output=[Reasoning(summary=[]), Reasoning(summary=["x"]), Message(text="a"), Message(text="b")],
            end_turn=False,
        )
    )
    answer = legality.read(send(gateway, message(stream=True)).body)
    assert answer.error is None
    assert [request.status for request in sim.requests] == [200, 200]
    second = sim.requests[1].body
    assert second is not None
    assert not any(len(str(item.get("id", ""))) > 64 for item in second["input"])
    assert json.dumps(second["input"]).count("encrypted_content") == 2
