"""The door of Chat Completions, byte by byte: what is the same for all doors is tested with Messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Answer, record, send
from tests.gateway.test_tracing import Listener
from tests.translate import chatting
from turnout.replay.answer import of_trace
from turnout.simulator import FunctionCall, Message, Pacing, Reasoning, Simulator, Turn

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway

PATH = "/v1/chat/completions"
MODEL = "gpt-5.5"


def body(text: str = "Say something.", **fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], **fields}


def ask(gateway: RunningGateway, text: str = "Say something.", **fields: Any) -> Answer:
    return send(gateway, body(text, **fields), path=PATH)


def test_an_answer_streamed_and_whole(gateway: RunningGateway, sim: Simulator) -> None:
    turn = Turn(output=[Reasoning(summary=["Hm."]), Message(text="So be it.")])
    sim.script(turn, turn)
    whole = ask(gateway).json
    assert whole["choices"][0]["message"]["content"] == "So be it."
    assert (whole["object"], whole["model"]) == ("chat.completion", MODEL)
    answer = ask(gateway, stream=True, stream_options={"include_usage": True})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    read = chatting.read(answer.body)
    assert read.message.content == "So be it."
    assert read.message.reasoning_content == "Hm."
    assert read.chunks[-1]["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize("asked", [{"stream_options": {"include_usage": True}}, {"usage": {"include": True}}])
def test_usage_is_streamed_where_it_is_asked_for(
    gateway: RunningGateway, sim: Simulator, asked: dict[str, Any]
) -> None:
    sim.script(Message(text="Yes."))
    assert chatting.read(ask(gateway, stream=True, **asked).body).chunks[-1]["usage"]["completion_tokens"] > 0


def test_the_record_is_that_of_any_request(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    kept = record(gateway, ask(gateway, seed=7, reasoning_effort="low", prompt_cache_key="talk"))
    assert (kept.status, kept.model, kept.effort, kept.streamed) == (200, MODEL, "low", False)
    assert kept.usage.output_tokens > 0
    assert [note.place for note in kept.notes] == ["seed"]
    assert kept.session
    assert (sim.requests[0].body or {})["prompt_cache_key"] == "talk"
    assert (sim.requests[0].body or {})["reasoning"]["effort"] == "low"


def test_reasoning_comes_back_with_the_next_request(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[Reasoning(summary=["Hm."]), FunctionCall(name="look", call_id="a")]), Message(text="Seen."))
    tools = [chatting.FUNCTION]
    first = ask(gateway, tools=tools).json["choices"][0]["message"]
    messages = [*body()["messages"], first, chatting.result("a")]
    assert send(gateway, {"model": MODEL, "messages": messages, "tools": tools}, path=PATH).status == 200
    items = (sim.requests[1].body or {})["input"]
    assert [item["type"] for item in items] == ["message", "reasoning", "function_call", "function_call_output"]


def test_a_stranger_is_refused_in_openais_form(gateway: RunningGateway) -> None:
    answer = send(gateway, body(), path=PATH, headers={"authorization": "Bearer x"})
    assert (answer.status, answer.openai_error["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    ("given", "words", "param"),
    [
        (b"", "not valid JSON", None),
        (b"{", "not valid JSON", None),
        (b"[]", "expected object", None),
        (b'{"model":"m","messages":[]}', "at least one", "messages"),
        (json.dumps(body(n=2)).encode(), "2 answers", "n"),
        (json.dumps(body(logprobs=True)).encode(), "no log probabilities", "logprobs"),
        (b'{"model":"gpt-5.5","messages":[{"role":"user","content":7}]}', "expected a string", "messages[0].content"),
        (b'{"model":"gpt-5.5","messages":[{"role":"user","content":"\xff"}]}', "UTF-8", None),
        (b'{"model":"gpt-5.5","surprise":' + b"[" * 50_000, "nested too deeply", None),
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


def test_other_methods_and_bodies_that_are_too_large(start: Start) -> None:
    gateway = start(server={"body_limit": 1024})
    assert send(gateway, method="GET", path=PATH).status == 405
    answer = send(gateway, body("x" * 2000), path=PATH)
    assert (answer.status, answer.openai_error["code"]) == (413, "request_too_large")


def test_a_failure_in_the_middle_is_the_last_event(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="word " * 50))
    sim.fault("drop-mid-text")
    answer = ask(gateway, stream=True)
    read = chatting.read(answer.body)
    assert answer.status == 200
    assert read.error is not None
    assert read.error["code"] == "upstream_cut"


def test_a_silent_upstream_is_bridged_by_comments(start: Start, sim: Simulator) -> None:
    gateway = start(timing={"hold": 0.1, "keepalive": 0.1})
    sim.script(Turn(output=[Message(text="At last.")], pacing=Pacing(first_byte=0.5)))
    answer = ask(gateway, stream=True)
    assert answer.body.count(b": waiting for the model\n\n") >= 2
    assert chatting.read(answer.body).message.content == "At last."


def test_a_trace_of_it_can_be_read(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="So be it."))
    listener = Listener(gateway)
    ask(gateway, stream=True)
    listener.has("end")
    (exchange,) = listener.leave().exchanges
    gist = of_trace(exchange)
    assert (gist.status, gist.stop_reason, gist.text_length) == (200, "stop", len("So be it."))
