"""The acceptance tests of the Open Responses specification (2026-04-24), one by one, held to its published types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openresponses_types.types as specified
import pytest

from tests.gateway.client import send
from tests.gateway.test_responses_socket import Socket
from tests.translate.creating import events, hold_to_specification
from turnout.simulator import FunctionCall, Message, Reasoning, Simulator, Turn

if TYPE_CHECKING:
    from turnout.gateway.server import RunningGateway

MODEL = "gpt-5.5"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Get the current weather for a location",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "The city and state"}},
        "required": ["location"],
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def said(role: str, content: object) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": content}


ASKED: dict[str, dict[str, Any]] = {
    "basic": {"input": [said("user", "Say hello in exactly 3 words.")]},
    "a string": {"input": "Say hello."},
    "system prompt": {"input": [said("system", "You are a pirate."), said("user", "Say hello.")]},
    "instructions": {"input": "Say hello.", "instructions": "You are a pirate."},
    "tool calling": {"input": [said("user", "What's the weather in San Francisco?")], "tools": [WEATHER]},
    "image input": {
        "input": [
            said("user", [{"type": "input_text", "text": "What?"}, {"type": "input_image", "image_url": PIXEL}]),
        ]
    },
    "multi-turn": {
        "input": [
            said("user", "My name is Alice."),
            said("assistant", "Hello Alice! Nice to meet you."),
            said("user", "What is my name?"),
        ]
    },
    "every field": {
        "input": "Say hello.",
        "tools": [WEATHER],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "low", "summary": "auto"},
        "metadata": {"a": "b"},
        "temperature": 0.7,
        "top_p": 0.9,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.1,
        "max_output_tokens": 1000,
        "max_tool_calls": 2,
        "truncation": "disabled",
        "service_tier": "auto",
        "safety_identifier": "s",
        "prompt_cache_key": "k",
        "store": True,
        "background": False,
        "include": ["reasoning.encrypted_content"],
    },
}


def script(sim: Simulator, name: str) -> None:
    call = FunctionCall(name="get_weather", arguments={"location": "San Francisco, CA"})
    last = call if name == "tool calling" else Message(text="Hello there, you.")
    sim.script(Turn(output=[Reasoning(summary=["Hm."]), last]))


@pytest.mark.parametrize("name", ASKED)
def test_a_response(gateway: RunningGateway, sim: Simulator, name: str) -> None:
    script(sim, name)
    answer = send(gateway, {"model": MODEL, **ASKED[name]}, path="/v1/responses")
    made = specified.ResponseResource.model_validate(answer.json)
    assert (made.status, made.model, made.object.value) == ("completed", MODEL, "response")
    last = made.output[-1]
    if name == "tool calling":
        assert isinstance(last, specified.FunctionCall)
        assert (last.name, last.status.value) == ("get_weather", "completed")
    else:
        assert isinstance(last, specified.Message)


@pytest.mark.parametrize("name", ASKED)
def test_a_stream(gateway: RunningGateway, sim: Simulator, name: str) -> None:
    script(sim, name)
    answer = send(gateway, {"model": MODEL, "stream": True, **ASKED[name]}, path="/v1/responses")
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = events(answer.body)
    hold_to_specification(found)
    kinds = [each["type"] for each in found]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert kinds.count("response.output_item.added") == kinds.count("response.output_item.done") == 2
    assert kinds.count("response.content_part.added") == kinds.count("response.content_part.done")


@pytest.mark.parametrize("name", ASKED)
def test_a_websocket(gateway: RunningGateway, sim: Simulator, name: str) -> None:
    script(sim, name)
    with Socket(gateway) as socket:
        socket.send({"type": "response.create", "model": MODEL, **ASKED[name]})
        hold_to_specification(socket.read_answer())
