"""Tools that are loaded while the conversation runs leave the prompt's beginning as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.messages import decode_request
from turnout.translate.messages_to_responses import translate
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.target import Target

SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
SEARCH = {"name": "ToolSearch", "description": "Finds tools.", "input_schema": SCHEMA}
PLACEHOLDER = {"name": "DeferredToolPlaceholder", "description": "", "input_schema": {}, "defer_loading": True}
LONG = "mcp__a_server__" + "x" * 60


def tool(name: str, *, late: bool = False) -> dict[str, Any]:
    made = {"name": name, "description": f"Does {name}.", "input_schema": {"type": "object", "properties": {}}}
    return {**made, "defer_loading": True} if late else made


def search(call_id: str, *names: str, content: Any = None) -> list[dict[str, Any]]:
    found = [{"type": "tool_reference", "tool_name": name} for name in names] if content is None else content
    return [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": call_id, "name": "ToolSearch", "input": {"query": "q"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": found}]},
    ]


def send(tools: list[dict[str, Any]], *turns: dict[str, Any], native: bool) -> dict[str, Any]:
    body = {"model": "m", "tools": tools, "messages": [{"role": "user", "content": "go"}, *turns]}
    target = Target(
        model="m", effort=None, account="a", capabilities=Capabilities(tool_search=True), tool_search=native
    )
    return dict(json.loads(translate(decode_request(json.dumps(body).encode()), target).body))


def names(body: dict[str, Any]) -> list[str]:
    return [one.get("name", one["type"]) for one in body["tools"]]


def items(body: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item for item in body["input"] if item["type"] == kind]


def test_natively_the_tools_stay_the_same_and_loaded_ones_come_with_the_searches_output() -> None:
    first = send([tool("Bash"), PLACEHOLDER, SEARCH], native=True)
    later = send([tool("Bash"), tool("Fetch", late=True), SEARCH], *search("c1", "Fetch"), native=True)
    assert first["tools"] == later["tools"]
    assert later["tools"][-1] == {
        "type": "tool_search",
        "execution": "client",
        "description": "Finds tools.",
        "parameters": SCHEMA,
    }
    assert items(later, "tool_search_call") == [
        {
            "type": "tool_search_call",
            "call_id": "c1",
            "execution": "client",
            "arguments": {"query": "q"},
            "status": "completed",
        }
    ]
    (output,) = items(later, "tool_search_output")
    assert [one["name"] for one in output["tools"]] == ["Fetch"]
    assert output["tools"][0]["defer_loading"] is True
    assert output["call_id"] == "c1"


def test_natively_a_tool_that_was_loaded_in_a_history_that_is_gone_is_offered_at_the_end() -> None:
    body = send([tool("Bash"), tool("Fetch", late=True), SEARCH], native=True)
    assert names(body) == ["Bash", "tool_search", "Fetch"]


def test_natively_a_tool_found_twice_comes_once() -> None:
    turns = [*search("c1", "Fetch"), *search("c2", "Fetch", "Plan")]
    body = send([tool("Fetch", late=True), tool("Plan", late=True), SEARCH], *turns, native=True)
    assert [[one["name"] for one in output["tools"]] for output in items(body, "tool_search_output")] == [
        ["Fetch"],
        ["Plan"],
    ]


@pytest.mark.parametrize("native", [True, False])
def test_a_search_that_failed_tells_the_model_so(native: bool) -> None:
    body = send([SEARCH], *search("c1", content="Nothing matches."), native=native)
    assert "Nothing matches." in json.dumps(body["input"])
    if native:
        assert items(body, "tool_search_output")[0]["tools"] == []


def test_natively_a_search_without_an_answer_is_answered() -> None:
    body = send([SEARCH], search("c1")[0], native=True)
    assert items(body, "tool_search_output")[0]["call_id"] == "c1"


def test_elsewhere_loaded_tools_stand_last_in_the_order_in_which_the_model_met_them() -> None:
    before = [tool("Bash"), tool("Zip", late=True), SEARCH]
    after = [tool("Alpha", late=True), tool("Bash"), tool("Zip", late=True), SEARCH]
    first = send(before, *search("c1", "Zip"), native=False)
    later = send(after, *search("c1", "Zip"), *search("c2", "Alpha"), native=False)
    assert names(first) == ["Bash", "ToolSearch", "Zip"]
    assert names(later) == ["Bash", "ToolSearch", "Zip", "Alpha"]


def test_elsewhere_the_model_is_told_the_name_that_the_tool_has_upstream() -> None:
    body = send([tool(LONG, late=True), SEARCH], *search("c1", LONG), native=False)
    (output,) = items(body, "function_call_output")
    assert body["tools"][-1]["name"] in output["output"][0]["text"]


def test_upstreams_search_for_tools_becomes_a_call_of_the_clients() -> None:
    def event(name: str, **fields: Any) -> bytes:
        return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()

    item = {"type": "tool_search_call", "id": "ts_1", "call_id": "c1", "execution": "client"}
    target = Target(model="m", effort=None, account="a", capabilities=Capabilities())
    stream = MessagesStream(message_id="msg_1", model="m", target=target, full_names={}, now=0)
    out = stream.feed(
        event("response.output_item.added", output_index=0, item={**item, "arguments": None, "status": "in_progress"})
        + event("response.output_item.done", output_index=0, item={**item, "arguments": {"query": "select:Fetch"}})
        + event("response.completed", response={"usage": None, "output": []})
    )
    assert b'"type":"tool_use","id":"c1","name":"ToolSearch"' in out
    assert rb'"partial_json":"{\"query\": \"select:Fetch\"}"' in out
    assert stream.stop_reason == "tool_use"


@pytest.mark.parametrize("native", [True, False])
def test_a_client_without_a_search_keeps_its_own_order(native: bool) -> None:
    tools = [tool("First", late=True), tool("Second", late=True)]
    before, after = send(tools, native=native), send(tools, *search("c1", "Second"), native=native)
    assert names(before) == names(after) == ["First", "Second"]
