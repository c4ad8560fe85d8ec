"""The door of Responses before other upstreams: the OpenAI API, and servers of the user's own on both wires."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import record, send
from tests.gateway.conftest import config
from tests.translate.creating import events, hold_to_specification
from turnout.config import CustomUpstream, OpenAISettings
from turnout.gateway.server import RunningGateway
from turnout.simulator import FunctionCall, Message, Reasoning, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from turnout.simulator import RecordedRequest, Simulator

PATH = "/v1/responses"
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}
CALLING = Turn(output=[Reasoning(summary=["Hm."]), FunctionCall(name="look", arguments={"at": "橋"})])


@pytest.fixture
def gateway(sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway with the OpenAI API, and the upstreams ``chat`` and ``plain`` (the Responses API)."""
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    monkeypatch.setenv("BOX_KEY", sim.api_key)
    custom = {
        "chat": CustomUpstream(base_url=sim.openai_url, wire="chat", key="env:BOX_KEY", model="qwen"),
        "plain": CustomUpstream(base_url=sim.openai_url, key="env:BOX_KEY", model="gpt-5.5"),
    }
    made = config(f"{sim.codex_url}/responses", home)
    api = OpenAISettings(base_url=sim.openai_url, api_key=sim.api_key)
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(RunningGateway(msgspec.structs.replace(made, custom=custom, openai=api)))


def ask(gateway: RunningGateway, model: str, given: object = "Say something.", **fields: Any) -> Answer:
    return send(gateway, {"model": model, "input": given, **fields}, path=PATH)


def body(request: RecordedRequest) -> Any:
    return request.body if isinstance(request.body, dict) else json.loads(request.raw)


def text_of(answer: Answer) -> str:
    parts = [part for item in answer.json["output"] if item["type"] == "message" for part in item["content"]]
    return "".join(part["text"] for part in parts)


@pytest.mark.parametrize("model", ["openai/gpt-5.5", "plain/gpt-5.5", "chat/qwen"])
def test_a_tool_s_round(gateway: RunningGateway, sim: Simulator, model: str) -> None:
    sim.script(CALLING, Message(text="Done."))
    answer = ask(gateway, model, tools=[TOOL], stream=True)
    found = events(answer.body)
    hold_to_specification(found)
    made = found[-1]["response"]
    (call,) = [item for item in made["output"] if item["type"] == "function_call"]
    assert json.loads(call["arguments"]) == {"at": "橋"}
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "seen"}
    again = ask(gateway, model, [result], tools=[TOOL], previous_response_id=made["id"])
    assert (again.status, text_of(again)) == (200, "Done.")
    assert made["model"] == model


def test_the_api_gets_what_it_takes(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    fields: dict[str, Any] = {"max_output_tokens": 500, "metadata": {"a": "b"}, "truncation": "auto", "user": "me"}
    answer = ask(gateway, "openai/gpt-5.5", **fields)
    assert answer.status == 200
    sent = body(sim.requests[0])
    assert sent == sent | fields | {"store": False, "stream": True}
    assert [note for note in record(gateway, answer).notes if note.action != "mapped"] == []


def test_ids_from_elsewhere_go_on_to_the_api(gateway: RunningGateway, sim: Simulator) -> None:
    answer = ask(gateway, "openai/gpt-5.5", previous_response_id="resp_of_another_s")
    assert body(sim.requests[0])["previous_response_id"] == "resp_of_another_s"
    assert answer.status >= 400, "and it says what it knows of them"
    answer = ask(gateway, "plain/gpt-5.5", previous_response_id="resp_of_another_s")
    assert answer.json["error"]["code"] == "previous_response_not_found"
    assert len(sim.requests) == 1


def test_a_server_with_chat_completions_only(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    fields: dict[str, Any] = {"instructions": "Be brief.", "temperature": 0.5, "max_output_tokens": 99}
    answer = ask(gateway, "chat/qwen", [{"role": "user", "content": "Hi"}], **fields)
    assert (answer.status, text_of(answer)) == (200, "Yes.")
    sent = body(sim.requests[0])
    assert [each["role"] for each in sent["messages"]][-1] == "user"
    assert sent["temperature"] == 0.5
    assert 99 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))
