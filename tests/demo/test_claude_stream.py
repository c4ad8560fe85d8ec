"""Claude Code's stream-json lines, read as the events of a conversation."""

from __future__ import annotations

import json

import pytest

from turnout.demo.claude import parse
from turnout.demo.events import Answer, ConversationError, Text, Thinking, ToolCall, ToolResult


def stream(**event: object) -> str:
    return json.dumps({"type": "stream_event", "event": event})


LINES = [
    json.dumps({"type": "system", "subtype": "init"}),
    "a notice that is no JSON",
    "17",
    stream(type="message_start", message={"model": "m", "usage": {"input_tokens": 9, "cache_read_input_tokens": 0}}),
    stream(type="content_block_start", content_block={"type": "thinking", "thinking": ""}),
    stream(type="content_block_delta", delta={"type": "thinking_delta", "thinking": ""}),
    stream(type="content_block_delta", delta={"type": "thinking_delta", "thinking": "hm"}),
    stream(type="content_block_stop"),
    stream(type="content_block_start", content_block={"type": "tool_use", "name": "Read", "id": "t"}),
    stream(type="content_block_delta", delta={"type": "input_json_delta", "partial_json": '{"file_'}),
    stream(type="content_block_delta", delta={"type": "input_json_delta", "partial_json": 'path": "/a"}'}),
    stream(type="content_block_stop"),
    stream(
        type="message_delta",
        delta={"stop_reason": "tool_use"},
        usage={"input_tokens": 40, "cache_read_input_tokens": 60, "output_tokens": 5, "iterations": None},
    ),
    stream(type="message_stop"),
    json.dumps(
        {
            "type": "user",
            "message": {
                "content": [
                    {
                        "type": "tool_result",
                        "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
                    },
                    {"type": "tool_result", "content": "bad", "is_error": True},
                    {"type": "text", "text": "no result"},
                ]
            },
        }
    ),
    stream(type="content_block_start", content_block={"type": "text"}),
    stream(type="content_block_delta", delta={"type": "text_delta", "text": "done"}),
    json.dumps({"type": "result", "is_error": False, "result": "done"}),
]


def test_events_come_in_order_with_the_clients_own_figures() -> None:
    assert list(parse(LINES)) == [
        Thinking("hm"),
        ToolCall("Read", {"file_path": "/a"}),
        Answer(
            model="m",
            thinking_blocks=1,
            tool_calls=1,
            input_tokens=100,
            cached_tokens=60,
            output_tokens=5,
            stop_reason="tool_use",
        ),
        ToolResult("one\ntwo"),
        ToolResult("bad", failed=True),
        Text("done"),
    ]


def test_a_failed_run_is_told_in_the_clients_words() -> None:
    with pytest.raises(ConversationError, match="API Error: 400"):
        list(parse([json.dumps({"type": "result", "is_error": True, "result": "API Error: 400 bad"})]))
