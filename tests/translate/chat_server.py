"""A chat-only server's side of a test: requests held to the simulator's strict checks, streams written by hand."""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from turnout.protocol.chat_capabilities import ChatCapabilities
from turnout.protocol.sse import SseSplitter, parse
from turnout.simulator.chat_checks import ChatRules, check
from turnout.simulator.rejection import Rejection
from turnout.translate.chat_stream_to_responses import ResponsesFromChat
from turnout.translate.responses_to_chat_request import ChatCall, translate

Json = dict[str, Any]

DEFAULT = ChatCapabilities()
NOW = 1_795_000_000.0
DONE = b"data: [DONE]\n\n"
_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def call(body: Json | bytes, capabilities: ChatCapabilities = DEFAULT, rules: ChatRules | None = None) -> ChatCall:
    """The request as it is sent; the server would take it."""
    made = translate(body if isinstance(body, bytes) else json.dumps(body).encode(), capabilities)
    rules = rules or ChatRules(developer_role=True)
    verdict = check(json.loads(made.body), {"authorization": "Bearer k"}, "k", rules)
    assert not isinstance(verdict, Rejection), (verdict.body, made.body)
    return made


def sent(body: Json | bytes, capabilities: ChatCapabilities = DEFAULT, rules: ChatRules | None = None) -> Json:
    found: Json = json.loads(call(body, capabilities, rules).body)
    return found


def chunk(delta: Json | None = None, reason: str | None = None, **fields: object) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    body = {"id": "chatcmpl-9", "object": "chat.completion.chunk", "model": "m", "choices": choices, **fields}
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def call_chunk(index: int | None, call_id: str | None = None, name: str | None = None, arguments: Any = None) -> bytes:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    made: Json = {"function": function}
    if index is not None:
        made["index"] = index
    if call_id is not None:
        made |= {"id": call_id, "type": "function"}
    return chunk({"tool_calls": [made]})


def machine(**fields: Any) -> ResponsesFromChat:
    return ResponsesFromChat(mark="abc", model="m", now=NOW, **fields)


def run(*chunks: bytes, stream: ResponsesFromChat | None = None) -> bytes:
    stream = stream or machine()
    return stream.feed(b"".join(chunks)) + stream.close()


def events(out: bytes) -> list[Json]:
    """The events of a stream, each checked against the SDK's types; fails where the stream is not legal."""
    found: list[Json] = []
    for block in SseSplitter().feed(out):
        name, data = parse(block)
        event = json.loads(data)
        assert event["type"] == name.decode()
        assert event["sequence_number"] == len(found)
        if name != b"response.failed":  # the codes of servers are not all among the SDK's
            _EVENT.validate_python(event)
        found.append(event)
    if found:
        assert [event["type"] for event in found[:2]] == ["response.created", "response.in_progress"]
    _check_items(found)
    return found


def _check_items(found: list[Json]) -> None:
    """Items are opened in order, closed once, and written to only in between."""
    opened: list[str] = []
    closed: dict[int, Json] = {}
    for event in found:
        match event["type"]:
            case "response.output_item.added":
                assert event["output_index"] == len(opened)
                opened.append(event["item"]["id"])
            case "response.output_item.done":
                assert event["output_index"] not in closed
                closed[event["output_index"]] = event["item"]
                assert event["item"]["id"] == opened[event["output_index"]]
            case "response.completed" | "response.incomplete":
                assert event is found[-1]
                assert event["response"]["output"] == [closed[index] for index in range(len(opened))]
            case _ if "item_id" in event:
                assert event["item_id"] == opened[event["output_index"]]
                assert event["output_index"] not in closed


def output(*chunks: bytes, stream: ResponsesFromChat | None = None) -> list[Json]:
    """The items of a completed response."""
    items: list[Json] = events(run(*chunks, stream=stream))[-1]["response"]["output"]
    return items
