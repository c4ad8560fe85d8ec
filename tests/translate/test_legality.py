"""The checker itself: a legal stream passes, and each single offence is found."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.translate import legality

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    },
}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
TEXT = {"type": "text", "text": ""}
CALL = {"type": "tool_use", "id": "call_1", "name": "Read", "input": {}}
SEARCH = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srv_1",
    "content": [{"type": "web_search_result", "title": "T", "url": "u", "encrypted_content": "", "page_age": None}],
}
CITATION = {"type": "web_search_result_location", "url": "u", "title": "T", "cited_text": "", "encrypted_index": ""}
FAILED = {
    **FOUND,
    "content": {"type": "web_search_tool_result_error", "error_code": "unavailable"},
}
END = {
    "type": "message_delta",
    "delta": {"stop_reason": "end_turn", "stop_sequence": None},
    "usage": {"input_tokens": 1, "output_tokens": 2},
}
STOP = {"type": "message_stop"}
ERROR = {"type": "error", "error": {"type": "api_error", "message": "It broke."}}
PING = {"type": "ping"}


def begin(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def end(index: int) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def delta(index: int, kind: str, **fields: object) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def stream(*events: dict[str, Any]) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


LEGAL = (
    START,
    begin(0, THINKING),
    delta(0, "thinking_delta", thinking="Hm."),
    PING,
    delta(0, "signature_delta", signature="sig"),
    end(0),
    begin(1, TEXT),
    delta(1, "text_delta", text="Hel"),
    delta(1, "text_delta", text="lo"),
    end(1),
    begin(2, CALL),
    delta(2, "input_json_delta", partial_json="{}"),
    end(2),
    {**END, "delta": {"stop_reason": "tool_use", "stop_sequence": None}},
    STOP,
)


def test_a_legal_stream_is_read() -> None:
    answer = legality.read(stream(*LEGAL))
    assert answer.shape == [("thinking", "Hm."), ("text", "Hello"), ("tool_use", "{}")]
    assert answer.text == "Hello"
    assert answer.blocks[0].signature == "sig"
    assert (answer.blocks[2].id, answer.blocks[2].name) == ("call_1", "Read")
    assert (answer.model, answer.stop_reason, answer.usage["output_tokens"]) == ("m", "tool_use", 2)


@pytest.mark.parametrize("result", [FOUND, FAILED])
def test_a_search_is_read(result: dict[str, Any]) -> None:
    answer = legality.read(
        stream(
            START,
            begin(0, SEARCH),
            delta(0, "input_json_delta", partial_json="{}"),
            end(0),
            begin(1, result),
            end(1),
            begin(2, TEXT),
            delta(2, "citations_delta", citation=CITATION),
            end(2),
            END,
            STOP,
        )
    )
    assert [block.type for block in answer.blocks] == ["server_tool_use", "web_search_tool_result", "text"]
    assert answer.blocks[1].result == result["content"]
    assert answer.blocks[2].citations == [CITATION]


def test_an_error_may_end_a_stream_anywhere_after_its_head() -> None:
    for length in range(1, len(LEGAL) - 1):
        answer = legality.read(stream(*LEGAL[:length], ERROR))
        assert answer.error == ERROR["error"]


def test_the_beginning_of_a_stream_is_legal_where_that_is_asked_for() -> None:
    for length in range(1, len(LEGAL)):
        legality.read(stream(*LEGAL[:length]), ended=False)
        with pytest.raises(legality.IllegalStream):
            legality.read(stream(*LEGAL[:length]))


@pytest.mark.parametrize("left_out", [0, 1, 4 + 1, 6, 9, 10, 12, 13, 14])
def test_no_structural_event_can_be_missing(left_out: int) -> None:
    with pytest.raises(legality.IllegalStream):
        legality.read(stream(*LEGAL[:left_out], *LEGAL[left_out + 1 :]))


@pytest.mark.parametrize("doubled", [index for index in range(len(LEGAL)) if index not in (2, 3, 7, 8, 11)])
def test_no_structural_event_can_come_twice(doubled: int) -> None:
    with pytest.raises(legality.IllegalStream):
        legality.read(stream(*LEGAL[: doubled + 1], *LEGAL[doubled:]))


OFFENCES = {
    "nothing": b"",
    "an error first": stream(ERROR),
    "ping alone": stream(PING, END),
    "index does not begin at 0": stream(START, begin(1, TEXT), end(1), END, STOP),
    "index gap": stream(START, begin(0, TEXT), end(0), begin(2, TEXT), end(2), END, STOP),
    "delta of another block": stream(START, begin(0, TEXT), delta(1, "text_delta", text="x"), end(0), END, STOP),
    "delta outside": stream(START, begin(0, TEXT), end(0), delta(0, "text_delta", text="x"), END, STOP),
    "wrong delta": stream(START, begin(0, TEXT), delta(0, "thinking_delta", thinking="x"), end(0), END, STOP),
    "delta without a string": stream(START, begin(0, TEXT), delta(0, "text_delta", text=None), end(0), END, STOP),
    "thinking after signature": stream(
        START,
        begin(0, THINKING),
        delta(0, "signature_delta", signature="s"),
        delta(0, "thinking_delta", thinking="x"),
        end(0),
        END,
        STOP,
    ),
    "interleaved blocks": stream(START, begin(0, TEXT), begin(1, TEXT), end(0), end(1), END, STOP),
    "text at the start": stream(START, begin(0, {**TEXT, "text": "x"}), end(0), END, STOP),
    "call without id": stream(START, begin(0, {**CALL, "id": ""}), end(0), END, STOP),
    "tool_use without a call": stream(
        START, {**END, "delta": {"stop_reason": "tool_use", "stop_sequence": None}}, STOP
    ),
    "unknown stop reason": stream(START, {**END, "delta": {"stop_reason": "done", "stop_sequence": None}}, STOP),
    "negative usage": stream(START, {**END, "usage": {"input_tokens": -1, "output_tokens": 0}}, STOP),
    "no usage": stream(START, {**END, "usage": {}}, STOP),
    "block after message_delta": stream(START, END, begin(0, TEXT), end(0), STOP),
    "event after the end": stream(START, END, STOP, PING),
    "event after an error": stream(START, ERROR, END),
    "unknown event": stream(START, {"type": "surprise"}, END, STOP),
    "two calls with one id": stream(START, begin(0, CALL), end(0), begin(1, CALL), end(1), END, STOP),
    "search without a result": stream(START, begin(0, SEARCH), end(0), END, STOP),
    "result without a search": stream(START, begin(0, FOUND), end(0), END, STOP),
    "result of a client's call": stream(
        START, begin(0, {**CALL, "id": "srv_1"}), end(0), begin(1, FOUND), end(1), END, STOP
    ),
    "two results of one search": stream(
        START, begin(0, SEARCH), end(0), begin(1, FOUND), end(1), begin(2, FOUND), end(2), END, STOP
    ),
    "a page without an address": stream(
        START,
        begin(0, SEARCH),
        end(0),
        begin(1, {**FOUND, "content": [{**FOUND["content"][0], "url": None}]}),
        end(1),
        END,
        STOP,
    ),
    "citation in thinking": stream(
        START, begin(0, THINKING), delta(0, "citations_delta", citation=CITATION), end(0), END, STOP
    ),
    "a citation of another kind": stream(
        START, begin(0, TEXT), delta(0, "citations_delta", citation={"url": "u"}), end(0), END, STOP
    ),
    "unknown block": stream(START, begin(0, {"type": "poem"}), end(0), END, STOP),
    "name and type differ": b'event: ping\ndata: {"type":"pong"}\n\n',
    "no event line": b'data: {"type":"ping"}\n\n',
    "two data lines": b'event: ping\ndata: {"type":\ndata: "ping"}\n\n',
    "not ended": b'event: ping\ndata: {"type":"ping"}\n',
    "not JSON": b'event: ping\ndata: {"type":"ping","a":NaN}\n\n',
    "an error that says nothing": stream(START, {"type": "error", "error": {"type": "api_error", "message": " "}}),
}


@pytest.mark.parametrize("offence", OFFENCES.values(), ids=OFFENCES.keys())
def test_each_offence_is_found(offence: bytes) -> None:
    with pytest.raises(legality.IllegalStream):
        legality.read(offence)
