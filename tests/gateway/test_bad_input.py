"""Bad input: a 400 in Anthropic's shape that names the place in the body, never a traceback, never a call upstream. And
what is no bad input, however new it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import MODEL, message, send

if TYPE_CHECKING:
    from turnout.gateway.server import RunningGateway
    from turnout.simulator import Simulator


def user(*blocks: Any) -> dict[str, Any]:
    return message(messages=[{"role": "user", "content": list(blocks)}])


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in message().items() if key != name}


BAD = [
    # what it is, the body, the place that the message names
    ("empty", b"", ""),
    ("not JSON", b"hello", ""),
    ("half of it", b'{"model": "claude-opus-5-5", "messages": [', ""),
    ("a second value behind it", b'{"model":"x","messages":[]} {}', ""),
    ("an array", b"[]", ""),
    ("a string", b'"hello"', ""),
    ("null", b"null", ""),
    ("invalid UTF-8", b'{"model":"claude-opus-5-5","messages":[{"role":"user","content":"\xff\xfe"}]}', "UTF-8"),
    (
        "a cut UTF-8 character",
        b'{"model":"claude-opus-5-5","messages":[{"role":"user","content":"\xe2\x82"}]}',
        "UTF-8",
    ),
    ("no model", without("model"), "model"),
    ("a model that is a number", message(model=5), "model"),
    ("an empty model", message(model=""), "model"),
    ("no messages", without("messages"), "messages"),
    ("empty messages", message(messages=[]), "messages"),
    ("messages that are a string", message(messages="hi"), "messages"),
    ("a message that is a string", message(messages=["hi"]), "messages[0]"),
    ("a message without a role", message(messages=[{"content": "hi"}]), "messages[0]"),
    ("a message without content", message(messages=[{"role": "user"}]), "messages[0]"),
    ("an unknown role", message(messages=[{"role": "robot", "content": "hi"}]), "messages[0].role"),
    ("content that is a number", message(messages=[{"role": "user", "content": 5}]), "messages[0].content"),
    ("a block that is a number", user({"type": "text", "text": "a"}, 5), "messages[0].content[1]"),
    ("a block without a type", user({"text": "a"}), "messages[0].content[0]"),
    ("a text block without text", user({"type": "text"}), "messages[0].content[0]"),
    ("a text that is a number", user({"type": "text", "text": 5}), "messages[0].content[0].text"),
    ("an image without a source", user({"type": "image"}), "messages[0].content[0]"),
    ("an image with a string for a source", user({"type": "image", "source": "x"}), "messages[0].content[0].source"),
    ("a result of no call", user({"type": "tool_result"}), "messages[0].content[0]"),
    ("tools that are no list", message(tools={"a": 1}), "tools"),
    ("a tool that is a string", message(tools=["Bash"]), "tools[0]"),
    ("a tool without a name", message(tools=[{"input_schema": {"type": "object"}}]), "tools[0]"),
    ("a schema that is a string", message(tools=[{"name": "a", "input_schema": "x"}]), "tools[0].input_schema"),
    ("a tool_choice that is a string", message(tools=[], tool_choice="auto"), "tool_choice"),
    ("max_tokens that is a string", message(max_tokens="many"), "max_tokens"),
    ("max_tokens of nothing", message(max_tokens=0), "max_tokens"),
    ("stream that is a string", message(stream="yes"), "stream"),
    ("a system that is a number", message(system=5), "system"),
    ("a system block without text", message(system=[{"type": "text", "text": 5}]), "system[0]"),
    ("thinking that is a string", message(thinking="much"), "thinking"),
    ("nested a million deep", b'{"model":"x","messages":' + b"[" * 1_000_000, ""),
    (
        "a tool's input nested a million deep",
        b'{"model":"x","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":'
        + b'{"a":' * 100_000
        + b"1"
        + b"}" * 100_000
        + b"}]}]}",
        "",
    ),
    ("a number of a million digits", b'{"model":"x","max_tokens":' + b"9" * 1_000_000 + b',"messages":[]}', ""),
]


@pytest.mark.parametrize(("body", "place"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_is_a_400_that_names_the_place(sim: Simulator, gateway: RunningGateway, body: object, place: str) -> None:
    answer = send(gateway, body if isinstance(body, bytes) else json.dumps(body).encode())

    assert (answer.status, answer.error[0]) == (400, "invalid_request_error"), answer.body
    assert place in answer.error[1]
    assert answer.error[1]
    assert "Traceback" not in answer.error[1]
    assert "msgspec" not in answer.error[1]
    assert not sim.requests


GOOD = [
    ("unknown top-level fields", message(never_seen={"a": [1, 2]}, safeguards=[], context_management={"edits": []})),
    ("an unknown block", user({"type": "text", "text": "a"}, {"type": "hologram", "depth": 3})),
    ("only an unknown block", user({"type": "hologram", "depth": 3})),
    ("unknown keys in a block", user({"type": "text", "text": "a", "mood": {"happy": True}})),
    ("unknown keys in a message", message(messages=[{"role": "user", "content": "a", "output_config": {"x": 1}}])),
    (
        "a system message with keys",
        message(messages=[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]),
    ),
    (
        "unknown keys in a tool",
        message(tools=[{"name": "a", "input_schema": {"type": "object"}, "defer_loading": True, "eager": 1, "x": {}}]),
    ),
    ("a tool of the provider's", message(tools=[{"type": "web_search_20990101", "name": "web_search", "max_uses": 5}])),
    ("an unknown kind of thinking", message(thinking={"type": "telepathic", "display": "omitted"})),
    ("an unknown effort", message(output_config={"effort": "heroic"})),
    ("an unknown speed", message(speed="warp")),
    ("no max_tokens", without("max_tokens")),
    ("an unknown model", message(model="claude-nova-9")),
    ("metadata of no use", message(metadata={"user_id": "somebody"})),
    ("null for what is optional", message(system=None, tools=None, stream=None, metadata=None, thinking=None)),
    ("a text of 600 KB", user({"type": "text", "text": "x" * 600_000})),
]


@pytest.mark.parametrize("body", [case[1] for case in GOOD], ids=[case[0] for case in GOOD])
def test_what_is_merely_new_is_taken(gateway: RunningGateway, body: dict[str, Any]) -> None:
    beta = {"anthropic-beta": "time-travel-2099-01-01,claude-code-20250219"}

    answer = send(gateway, body, headers=beta)

    assert answer.status == 200, answer.body
    assert answer.json["model"] == body.get("model", MODEL)
