"""A stream gathered into one message says what the stream said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translate import answers
from turnout.translate.collect import MessageCollector


def collected(stream: bytes, size: int | None = None) -> dict[str, Any]:
    collector = MessageCollector()
    for start in range(0, len(stream), size or len(stream)):
        collector.feed(stream[start : start + (size or len(stream))])
    message: dict[str, Any] = json.loads(collector.message())
    return message


WHOLE = answers.run(
    answers.HANDSHAKE,
    answers.thought(0, "Über ", "🚂"),
    answers.said(1, "Hel", "lo"),
    answers.called(2, "call_1", "Bash", '{"command":', '"ls","n":1.50}'),
    answers.completed(),
)


@pytest.mark.parametrize("size", [None, 1, 7])
def test_a_message_has_everything_that_the_stream_had(size: int | None) -> None:
    assert collected(WHOLE, size) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5-5",
        "content": [
            {"type": "thinking", "thinking": "Über 🚂", "signature": "turnout:1:acct-1:gpt-5.5:rs_1:gAAAAcipher"},
            {"type": "text", "text": "Hello"},
            {"type": "tool_use", "id": "call_1", "name": "Bash", "input": {"command": "ls", "n": 1.5}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 40,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 60,
            "output_tokens": 10,
            "output_tokens_details": {"thinking_tokens": 4},
        },
    }


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", {}),
        ("{}", {}),
        ('{"a":{"b":[1,2]}}', {"a": {"b": [1, 2]}}),
        ('{"a":', {"__unparsedToolInput": {"raw": '{"a":', "len": 5}}),
        ("[1]", {"__unparsedToolInput": {"raw": "[1]", "len": 3}}),
        ('{"a":NaN}', {"__unparsedToolInput": {"raw": '{"a":NaN}', "len": 9}}),
    ],
)
def test_an_input_that_is_no_object_keeps_its_text(arguments: str, expected: dict[str, Any]) -> None:
    stream = answers.run(answers.called(0, "c", "Bash", arguments), answers.completed())
    (block,) = collected(stream)["content"]
    assert block["input"] == expected


def test_numbers_in_an_input_are_not_rounded() -> None:
    stream = answers.run(
        answers.called(0, "c", "Bash", '{"a":12345678901234567890123,"b":0.1000000000000000055}'), answers.completed()
    )
    collector = MessageCollector()
    collector.feed(stream)
    assert b'"a":12345678901234567890123,"b":0.1000000000000000055' in collector.message()


def test_a_block_that_only_kept_the_connection_alive_is_left_out() -> None:
    machine = answers.machine()
    stream = b"".join(
        [
            machine.keepalive(),
            machine.feed(answers.said(0, "Hello")),
            machine.keepalive(),
            machine.feed(answers.completed()),
        ]
    )
    assert collected(stream)["content"] == [{"type": "text", "text": "Hello"}]


def test_thinking_with_a_signature_alone_is_kept() -> None:
    stream = answers.run(answers.done(0, answers.reasoning()), answers.completed())
    (block,) = collected(stream)["content"]
    assert block["thinking"] == ""
    assert block["signature"].startswith("turnout:1:")


def test_an_empty_answer_is_a_message_without_content() -> None:
    assert collected(answers.run(answers.completed()))["content"] == []


def test_the_stop_sequence_is_told() -> None:
    stream = answers.run(
        answers.said(0, "yes</block> and more"),
        answers.completed(),
        stream=answers.machine(stops=("</block>",)),
    )
    message = collected(stream)
    assert message["content"] == [{"type": "text", "text": "yes"}]
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "</block>")
