"""What an answer amounts to: read alike from events, from a body, and from a trace."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.ledger.bodies import record
from tests.translate import answers, chatting
from turnout.protocol.fidelity import dropped, mapped
from turnout.replay.answer import Gist, of_answer, with_record

USAGE = {"input_tokens": 100, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 5, "output_tokens": 7}
GIST = Gist(
    status=200,
    stop_reason="tool_use",
    tools=("Read", "Bash"),
    text_length=5,
    input_tokens=145,
    cached_tokens=40,
    output_tokens=7,
)


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def test_a_whole_answer_and_a_stream_come_to_the_same() -> None:
    whole = {
        "type": "message",
        "content": [
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "name": "Read", "input": {}},
            {"type": "tool_use", "name": "Bash", "input": {}},
        ],
        "stop_reason": "tool_use",
        "usage": USAGE,
    }
    events = stream(
        {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "Read"}},
        {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "Bash"}},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": USAGE},
        {"type": "message_stop"},
    )
    assert of_answer(200, "application/json", json.dumps(whole).encode()) == GIST
    assert of_answer(200, "text/event-stream; charset=utf-8", events) == GIST


def test_chat_completions_come_to_the_same_streamed_and_whole() -> None:
    out = chatting.run(
        answers.said(0, "Hel", "lo"),
        answers.called(1, "a", "Read", "{}"),
        answers.called(2, "b", "Bash", "{}"),
        answers.completed(),
    )
    streamed = of_answer(200, "text/event-stream", b": a comment\n\n" + out)
    assert streamed == of_answer(200, "application/json", json.dumps(chatting.collected(out)).encode())
    assert streamed == msgspec.structs.replace(
        GIST, stop_reason="tool_calls", input_tokens=100, cached_tokens=60, output_tokens=10
    )
    failed = chatting.run(answers.said(0, "Hi"), answers.failed("server_error", "It broke."))
    assert of_answer(200, "text/event-stream", failed).error == "server_error: It broke."
    assert of_answer(500, "application/json", b'{"error":{"type":"a","message":"b"}}').error == "a: b"


def test_errors_before_and_inside_an_answer() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Soon."}}
    refused = of_answer(529, "application/json", json.dumps(error).encode())
    assert (refused.status, refused.error) == (529, "overloaded_error: Soon.")
    assert of_answer(200, "text/event-stream", stream(error)).error == "overloaded_error: Soon."


def test_an_answer_that_is_none() -> None:
    assert of_answer(502, "text/html", b"<html>").error == "an answer that is no JSON"


def test_notes_count_by_kind_and_place() -> None:
    notes = (dropped("tools[0]", "why"), mapped("", "sent once more"), dropped("tools[0]", "again"))
    assert with_record(Gist(), record(notes=notes)).notes == ("dropped tools[0]", "mapped")
