"""Upstream's records: what servers leave out has a default, and what Turnout does not read may be anything."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from turnout.protocol import responses as wire


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "item",
    [
        {"type": "message"},
        {"type": "message", "id": None, "content": None},
        {"type": "message", "role": "assistant", "status": "completed", "phase": "final_answer", "content": []},
        {"type": "reasoning", "summary": [], "encrypted_content": None, "content": None},
        {"type": "function_call", "call_id": None, "name": None, "arguments": None, "namespace": "functions"},
        {"type": "message", "content": [{"type": "output_text", "text": "a", "logprobs": [], "annotations": []}]},
        {"type": "message", "content": [{"type": "refusal", "refusal": "No."}, {"type": "poem", "text": None}]},
    ],
)
def test_items_may_lack_anything_but_their_type(item: dict[str, Any]) -> None:
    assert wire.decode_item(encoded(item)).type == item["type"]


def test_an_item_is_read_whole() -> None:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "Bash", "arguments": "{}"}
    read = wire.decode_item(encoded(call))
    assert (read.id, read.call_id, read.name, read.arguments) == ("fc_1", "call_1", "Bash", "{}")
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}], "encrypted_content": "gAAAA"}
    read = wire.decode_item(encoded(thought))
    assert read.summary == [wire.Part(type="summary_text", text="Hm.")]
    assert read.encrypted_content == "gAAAA"


@pytest.mark.parametrize(
    "item",
    [
        {"type": "tool_search_call", "arguments": {"query": "x"}, "name": 5, "content": "text", "summary": {}},
        {"type": "compaction", "encrypted_content": ["a"]},
    ],
)
def test_items_of_other_types_may_hold_anything(item: dict[str, Any]) -> None:
    assert wire.decode_item(encoded(item)) == wire.Item(type=item["type"])


@pytest.mark.parametrize(
    "item", [{"type": "message", "content": "text"}, {"type": "function_call", "name": 5}, 5, None]
)
def test_an_item_that_cannot_be_read_is_an_error(item: object) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_item(encoded(item))


def test_added_and_done_are_read_with_their_index() -> None:
    event = {"type": "response.output_item.added", "sequence_number": 3, "output_index": 2, "item": {"type": "message"}}
    assert wire.decode_added(encoded(event)) == wire.ItemAdded(wire.Item(type="message"), 2)
    assert wire.decode_done(encoded(event)) == wire.ItemDone(wire.Item(type="message"), 2)
    assert wire.decode_done(encoded({"item": {"type": "message"}})).output_index == 0


@pytest.mark.parametrize("details", [{}, {"input_tokens_details": None, "output_tokens_details": None}])
def test_usage_may_lack_its_details(details: dict[str, Any]) -> None:
    usage = msgspec.json.decode(encoded({"input_tokens": 1, "total_tokens": 1, **details}), type=wire.Usage)
    assert (usage.input_tokens, usage.output_tokens) == (1, None)


def test_nothing_odd_in_a_complete_response_keeps_it_from_being_read() -> None:
    response = {"id": None, "output": [5, {"type": "x"}], "usage": "none", "error": [], "tools": {}, "status": None}
    read = msgspec.json.decode(encoded({"type": "response.completed", "response": response}), type=wire.ResponseEvent)
    assert [bytes(item) for item in read.response.output or []] == [b"5", b'{"type": "x"}']
    assert bytes(read.response.usage) == b'"none"'
