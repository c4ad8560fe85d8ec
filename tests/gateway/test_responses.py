"""The door of Responses, byte by byte: what is the same for all doors is tested with Messages."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import openresponses_types.types as specified
import pytest
import zstandard

from tests.gateway.client import Answer, record, send
from tests.translate.creating import events, hold_to_specification
from turnout.simulator import FunctionCall, Message, Pacing, Reasoning, Simulator, Turn
from turnout.simulator.scenario import Compaction

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway

PATH = "/v1/responses"
MODEL = "gpt-5.5"
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}
TURN = Turn(
    output=[Reasoning(summary=["Hm."]), Message(text="So be it. 🚂"), FunctionCall(name="look", arguments={"at": "橋"})]
)


def body(given: object = "Say something.", **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "input": given, **fields}


def ask(gateway: RunningGateway, given: object = "Say something.", **fields: Any) -> Answer:
    return send(gateway, body(given, **fields), path=PATH)


def text_of(response: dict[str, Any]) -> str:
    parts = [part for item in response["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(part["text"] for part in parts)


# Answers


def test_an_answer_streamed_and_whole(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(TURN, TURN)
    asked: dict[str, Any] = {"tools": [TOOL], "reasoning": {"summary": "auto"}, "metadata": {"a": "b"}}
    whole = ask(gateway, **asked).json
    answer = ask(gateway, **asked, stream=True)

    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = events(answer.body)
    hold_to_specification(found)
    for response in (whole, found[-1]["response"]):
        assert [item["type"] for item in response["output"]] == ["reasoning", "message", "function_call"]
        assert text_of(response) == "So be it. 🚂"
        assert json.loads(response["output"][2]["arguments"]) == {"at": "橋"}
        assert (response["status"], response["model"], response["metadata"]) == ("completed", MODEL, {"a": "b"})
        assert response["usage"]["output_tokens"] > 0


def test_the_simulated_backend_s_oddities_do_not_get_through(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(TURN)
    answer = ask(gateway, stream=True)
    assert b"codex.rate_limits" not in answer.body
    for each in events(answer.body)[-1]["response"]["output"]:
        assert len(each["id"]) <= 64


def test_the_whole_conversation_goes_back_as_it_came(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(TURN, Message(text="Done."))
    first = ask(gateway, tools=[TOOL]).json
    result = {"type": "function_call_output", "call_id": first["output"][2]["call_id"], "output": "seen"}
    user = {"role": "user", "content": "Say something."}

    second = ask(gateway, [user, *first["output"], result], tools=[TOOL])

    assert text_of(second.json) == "Done."
    sent = (sim.requests[1].body or {})["input"]
    assert [item.get("type", "message") for item in sent] == [
        "message",
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
    ]
    assert sent[1]["encrypted_content"]


def test_reasoning_that_upstream_cannot_read_is_left_out_once(gateway: RunningGateway, sim: Simulator) -> None:
    foreign = {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAforeign"}
    sim.script(Message(text="Yes."))
    answer = ask(gateway, [foreign, {"role": "user", "content": "Hi"}])
    assert answer.status == 200
    kept = record(gateway, answer)
    assert kept.attempts == 2
    assert [item.get("type") for item in (sim.requests[1].body or {})["input"]] == [None]


def test_the_record_is_that_of_any_request(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    kept = record(gateway, ask(gateway, temperature=0.2, reasoning={"effort": "low"}, prompt_cache_key="talk"))
    assert (kept.status, kept.model, kept.effort, kept.streamed) == (200, MODEL, "low", False)
    assert kept.usage.output_tokens > 0
    assert [(note.action, note.place) for note in kept.notes] == [("dropped", "temperature")]
    assert kept.session
    sent = sim.requests[0].body or {}
    assert (sent["prompt_cache_key"], sent["reasoning"]["effort"]) == ("talk", "low")


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "identity"])
def test_compressed_bodies(gateway: RunningGateway, sim: Simulator, encoding: str) -> None:
    sim.script(Message(text="Yes."))
    data = json.dumps(body()).encode()
    packed = {"gzip": gzip.compress, "zstd": zstandard.compress, "identity": bytes}[encoding](data)
    answer = send(gateway, packed, path=PATH, headers={"content-encoding": encoding})
    assert text_of(answer.json) == "Yes."


def test_a_compaction_is_passed_on_and_taken_back(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[Compaction(summary="It was said.")]), Message(text="On we go."))
    user = {"type": "message", "role": "user", "content": "Hi"}
    (item,) = ask(gateway, [user, {"type": "compaction_trigger"}]).json["output"]
    assert item["type"] == "compaction"
    assert text_of(ask(gateway, [item, user]).json) == "On we go."


def test_a_conversation_is_compacted_on_demand(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="A fact."), Turn(output=[Compaction(summary="It was said.")]), Message(text="On we go."))
    first = ask(gateway, "A").json
    answer = send(gateway, body("B", previous_response_id=first["id"]), path=f"{PATH}/compact")

    assert answer.headers["content-type"] == "application/json"
    specified.CompactResource.model_validate(answer.json)
    (item,) = answer.json["output"]
    assert item["type"] == "compaction"
    sent = (sim.requests[1].body or {})["input"]
    assert [each.get("type", "message") for each in sent][-2:] == ["message", "compaction_trigger"]
    assert record(gateway, answer).model == MODEL
    assert text_of(ask(gateway, [item, {"role": "user", "content": "C"}]).json) == "On we go."
    assert send(gateway, method="GET", path=f"{PATH}/compact").status == 405


def test_codex_clients_get_their_headers_and_repeat_the_turn_s_state(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."), Message(text="Two."), Message(text="Three."))
    codex = {"user-agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64)"}
    first = send(gateway, body(stream=True), path=PATH, headers=codex)
    state = first.headers["x-codex-turn-state"]
    assert first.headers["openai-model"] == MODEL
    assert "x-codex-primary-used-percent" in first.headers
    send(gateway, body(), path=PATH, headers={**codex, "x-codex-turn-state": state})
    assert sim.requests[1].headers["x-codex-turn-state"] == state
    other = send(gateway, body(), path=PATH, headers={"x-codex-turn-state": state})
    assert "x-codex-turn-state" not in sim.requests[2].headers
    assert "openai-model" not in other.headers


# Conversations


def test_a_conversation_goes_on_from_a_response(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(TURN, Message(text="Done."), Message(text="Again."))
    first = ask(gateway, tools=[TOOL]).json
    result = {"type": "function_call_output", "call_id": first["output"][2]["call_id"], "output": "seen"}
    second = ask(gateway, [result], previous_response_id=first["id"], tools=[TOOL]).json
    third = ask(gateway, "And?", previous_response_id=second["id"], tools=[TOOL]).json

    assert (second["previous_response_id"], third["previous_response_id"]) == (first["id"], second["id"])
    bodies = [request.body or {} for request in sim.requests]
    assert not any("previous_response_id" in each for each in bodies)
    assert [len(each["input"]) for each in bodies] == [1, 5, 7]
    assert len({each["prompt_cache_key"] for each in bodies}) == 1


def test_a_conversation_is_counted_from_a_response(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="So be it."))
    first = ask(gateway, "A").json
    counted = send(gateway, body("B", previous_response_id=first["id"]), path=f"{PATH}/input_tokens").json
    alone = send(gateway, body("B"), path=f"{PATH}/input_tokens").json
    assert counted["input_tokens"] > alone["input_tokens"] + 4


def test_an_item_is_named_by_its_id(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(TURN, Message(text="Done."))
    first = ask(gateway, tools=[TOOL]).json["output"]
    result = {"type": "function_call_output", "call_id": first[2]["call_id"], "output": "seen"}
    references = [{"type": "item_reference", "id": item["id"]} for item in first]
    assert ask(gateway, [*references, result], tools=[TOOL]).status == 200
    assert [item["type"] for item in (sim.requests[1].body or {})["input"]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call_output",
    ]


@pytest.mark.parametrize("fields", [{}, {"stream": True}])
def test_a_conversation_that_is_not_there(gateway: RunningGateway, sim: Simulator, fields: dict[str, Any]) -> None:
    answer = ask(gateway, "And?", previous_response_id="resp_gone", **fields)
    assert answer.status == 400
    assert answer.openai_error["code"] == "previous_response_not_found"
    assert answer.openai_error["param"] == "previous_response_id"
    assert not sim.requests


def test_what_is_not_to_be_stored_is_not(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Secret."))
    made = ask(gateway, store=False).json
    assert made["store"] is False
    assert send(gateway, path=f"{PATH}/{made['id']}", method="GET").status == 404


def test_a_response_can_be_asked_for_and_deleted(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    made = ask(gateway).json
    place = f"{PATH}/{made['id']}"
    assert made["store"] is True
    assert send(gateway, path=place, method="GET").json == made
    assert send(gateway, path=f"{place}/cancel").status == 400
    assert send(gateway, path=place, method="DELETE").json == {"id": made["id"], "object": "response", "deleted": True}
    for path, method in (
        (place, "GET"),
        (place, "DELETE"),
        (f"{place}/input_items", "GET"),
        (f"{place}/cancel", "POST"),
    ):
        answer = send(gateway, path=path, method=method)
        assert (answer.status, answer.openai_error["code"]) == (404, "not_found")


def test_the_items_of_a_response_come_in_pages(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."), Message(text="Two."))
    first = ask(gateway, "A").json
    second = ask(gateway, [{"role": "user", "content": "B"}], previous_response_id=first["id"]).json
    place = f"{PATH}/{second['id']}/input_items"

    found = send(gateway, path=f"{place}?order=asc", method="GET").json
    texts = [item["content"][0]["text"] for item in found["data"]]
    assert texts == ["A", "One.", "B"]
    assert (found["object"], found["has_more"]) == ("list", False)
    page = send(gateway, path=f"{place}?limit=2", method="GET").json
    assert [item["content"][0]["text"] for item in page["data"]] == ["B", "One."]
    assert page["has_more"] is True
    rest = send(gateway, path=f"{place}?after={page['last_id']}", method="GET").json
    assert [item["id"] for item in rest["data"]] == [found["first_id"]]
    for query in ("limit=0", "limit=x", "order=up", "after=nobody"):
        assert send(gateway, path=f"{place}?{query}", method="GET").status == 400


def test_the_store_can_be_off(start: Start, sim: Simulator) -> None:
    gateway = start(responses={"store": False})
    sim.script(Message(text="Yes."))
    made = ask(gateway).json
    assert made["store"] is False
    answer = send(gateway, path=f"{PATH}/{made['id']}", method="GET")
    assert answer.status == 404
    assert "TURNOUT_RESPONSES_STORE" in answer.openai_error["message"]
    assert ask(gateway, previous_response_id=made["id"]).openai_error["code"] == "previous_response_not_found"


@pytest.mark.parametrize("path", [f"{PATH}/resp_1", f"{PATH}/resp_1/input_items"])
def test_what_was_said_is_for_those_with_the_token(gateway: RunningGateway, path: str) -> None:
    answer = send(gateway, path=path, method="GET", headers={"authorization": "Bearer wrong"})
    assert (answer.status, answer.openai_error["code"]) == (401, "invalid_api_key")


# Refusals


@pytest.mark.parametrize(
    ("given", "words", "param"),
    [
        (b"{", "not valid JSON", None),
        (b"[]", "expected object", None),
        (b'{"input":"x"}', "required", "model"),
        (b'{"model":"gpt-5.5"}', "nothing in it", "input"),
        (b'{"model":"gpt-5.5","input":7}', "expected a string", "input"),
        (b'{"model":"gpt-5.5","input":[7]}', "expected", "input[0]"),
        (b'{"model":"gpt-5.5","input":"\xff"}', "UTF-8", None),
        (b'{"model":"gpt-5.5","surprise":' + b"[" * 50_000, "nested too deeply", None),
        (b'{"model":"gpt-5.5","input":"x","conversation":"conv_1"}', "keeps nothing", "conversation"),
    ],
)
def test_bad_input_is_refused_by_its_place(
    gateway: RunningGateway, sim: Simulator, given: bytes, words: str, param: str | None
) -> None:
    answer = send(gateway, given, path=PATH)
    assert answer.status == 400
    assert words in answer.openai_error["message"]
    assert answer.openai_error["param"] == param
    assert not sim.requests


def test_other_methods_paths_and_bodies_that_are_too_large(start: Start) -> None:
    gateway = start(server={"body_limit": 1024})
    assert send(gateway, method="GET", path=PATH).status == 405
    assert send(gateway, method="PUT", path=f"{PATH}/resp_1").status == 405
    assert send(gateway, method="GET", path=f"{PATH}/resp_1/nothing").status == 404
    answer = send(gateway, body("x" * 2000), path=PATH)
    assert (answer.status, answer.openai_error["code"]) == (413, "request_too_large")


def test_a_request_that_is_surely_too_long_is_not_sent(gateway: RunningGateway, sim: Simulator) -> None:
    answer = ask(gateway, "one two three " * 150_000)
    assert (answer.status, answer.openai_error["code"]) == (400, "context_length_exceeded")
    assert not sim.requests


def test_a_failure_in_the_middle_is_the_response_s_own(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="word " * 50))
    sim.fault("drop-mid-text")
    answer = ask(gateway, stream=True)
    assert answer.status == 200
    end = events(answer.body)[-1]
    assert (end["type"], end["response"]["status"]) == ("response.failed", "failed")
    assert end["response"]["error"]["code"] == "server_error"
    assert send(gateway, path=f"{PATH}/{end['response']['id']}", method="GET").status == 404


@pytest.mark.parametrize(("agent", "mark"), [("python", b": keep-alive\n\n"), ("codex_exec/0.169.0", b"keepalive")])
def test_a_silent_upstream_is_bridged(start: Start, sim: Simulator, agent: str, mark: bytes) -> None:
    gateway = start(timing={"hold": 0.1, "keepalive": 0.1})
    sim.script(Turn(output=[Message(text="At last.")], pacing=Pacing(first_byte=0.5)))
    answer = send(gateway, body(stream=True), path=PATH, headers={"user-agent": agent})
    assert answer.body.count(mark) >= 2
    found = [each for each in events(answer.body) if each["type"] not in ("keepalive", "codex.rate_limits")]
    hold_to_specification(found)
    assert text_of(found[-1]["response"]) == "At last."
