"""What servers with Chat Completions only say, in all their dialects, as Responses events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import answers, strategies
from tests.translate.chat_server import DONE, Json, call_chunk, chunk, events, machine, output, run
from turnout.translate import chat_reasoning
from turnout.translate.chat_request_tools import Called

STOP = chunk({}, "stop") + DONE
CALLED = chunk({}, "tool_calls") + DONE


def shapes(items: list[Json]) -> list[tuple[str, Any]]:
    """Type and content of each item."""
    made = []
    for item in items:
        match item["type"]:
            case "message":
                made.append(("message", [part.get("text", part.get("refusal")) for part in item["content"]]))
            case "reasoning":
                made.append(("reasoning", item["content"][0]["text"]))
            case _:
                made.append((item["name"], item.get("arguments", item.get("input"))))
    return made


def test_a_text() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 10,
        "total_tokens": 110,
        "prompt_tokens_details": {"cached_tokens": 60},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    out = run(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        b": keep-alive\n\n",
        chunk({"content": "lo 🚂"}),
        chunk({}, "stop"),
        chunk(usage=usage),
        DONE,
    )
    found = events(out)
    assert [event["delta"] for event in found if event["type"] == "response.output_text.delta"] == ["Hel", "lo 🚂"]
    response = found[-1]["response"]
    assert shapes(response["output"]) == [("message", ["Hello 🚂"])]
    assert (response["status"], response["id"]) == ("completed", "resp_abc")
    assert response["usage"] == {
        **answers.USAGE,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0},
    }


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 100, "completion_tokens": 10, "prompt_cache_hit_tokens": 60},
        {"prompt_tokens": 100.0, "completion_tokens": 10, "cached_tokens": 60},
    ],
)
def test_usage_in_its_dialects(usage: Json) -> None:
    response = events(run(chunk({"content": "x"}, usage=None), chunk({}, "stop", usage=usage), DONE))[-1]["response"]
    assert response["usage"]["input_tokens_details"]["cached_tokens"] == 60
    assert response["usage"]["total_tokens"] == 110


def test_usage_in_a_choice_and_none_at_all() -> None:
    inside = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 7}}]}
    made = f"data: {json.dumps(inside)}\n\n".encode()
    assert events(run(chunk({"content": "x"}), made))[-1]["response"]["usage"]["input_tokens"] == 7
    assert events(run(chunk({"content": "x"}), STOP))[-1]["response"]["usage"] is None
    assert events(run(chunk({"content": "x"}), chunk({}, "stop", usage="many"), DONE))[-1]["response"]["usage"] is None


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_becomes_an_item_that_brings_itself_back(field: str) -> None:
    items = output(chunk({field: "Let me "}), chunk({field: "see."}), chunk({"content": "So."}), STOP)
    assert shapes(items) == [("reasoning", "Let me see."), ("message", ["So."])]
    packed = chat_reasoning.unpack(items[0]["encrypted_content"])
    assert {name: bytes(value) for name, value in packed.items()} == {field: b'"Let me see."'}


def test_the_same_reasoning_in_two_fields_is_shown_once() -> None:
    both = chunk({"reasoning": "Hm.", "reasoning_content": "Hm."})
    assert shapes(output(both, STOP)) == [("reasoning", "Hm.")]


def test_details_of_reasoning_are_kept_whole() -> None:
    def detail(**fields: object) -> bytes:
        return chunk({"reasoning": str(fields.get("text", "")), "reasoning_details": [{"index": 0, **fields}]})

    items = output(
        detail(type="reasoning.text", text="Let "),
        detail(type="reasoning.text", text="me."),
        detail(type="reasoning.text", signature="sig"),
        chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz", "index": 1}]}),
        chunk({"content": "So."}),
        STOP,
    )
    assert shapes(items) == [("reasoning", "Let me."), ("message", ["So."])]
    packed = chat_reasoning.unpack(items[0]["encrypted_content"])
    assert json.loads(bytes(packed["reasoning_details"])) == [
        {"index": 0, "type": "reasoning.text", "text": "Let me.", "signature": "sig"},
        {"index": 1, "type": "reasoning.encrypted", "data": "xyz"},
    ]


def test_encrypted_details_without_a_text_are_an_item_too() -> None:
    hidden = chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "xyz"}]})
    assert shapes(output(hidden, call_chunk(0, "a", "look", "{}"), CALLED)) == [("reasoning", ""), ("look", "{}")]


def test_content_in_parts() -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]
    items = output(chunk({"content": thinking}), chunk({"content": [{"type": "text", "text": "So."}]}), STOP)
    assert shapes(items) == [("reasoning", "Hm."), ("message", ["So."])]


def test_reasoning_that_is_left_in_the_text() -> None:
    pieces = ["<thi", "nk>\nLet me ", "see.\n</th", "ink>\n\nSo", " be it."]
    items = output(*(chunk({"content": piece}) for piece in pieces), call_chunk(0, "a", "look", "{}"), CALLED)
    assert shapes(items) == [("reasoning", "Let me see."), ("message", ["So be it."]), ("look", "{}")]
    assert "encrypted_content" not in items[0], "such servers do not want it back"
    told = output(chunk({"reasoning_content": "Hm."}), chunk({"content": "<think> is a tag."}), STOP)
    assert shapes(told) == [("reasoning", "Hm."), ("message", ["<think> is a tag."])]
    assert shapes(output(chunk({"content": "<th"}), call_chunk(0, "a", "look", "{}"), CALLED)) == [
        ("message", ["<th"]),
        ("look", "{}"),
    ]


def test_a_refusal() -> None:
    items = output(chunk({"refusal": "N"}), chunk({"refusal": "o."}), STOP)
    assert items[0]["content"] == [{"type": "refusal", "refusal": "No."}]


PARALLEL = [("look", '{"at":1}'), ("wait", '{"for":2}')]


@pytest.mark.parametrize(
    "chunks",
    [
        [
            call_chunk(0, "a", "look", ""),
            call_chunk(0, arguments='{"at"'),
            call_chunk(0, arguments=":1}"),
            call_chunk(1, "b", "wait", ""),
            call_chunk(1, arguments='{"for":2}'),
        ],
        [
            call_chunk(0, "a", "look", '{"at"'),
            call_chunk(1, "b", "wait", '{"for"'),
            call_chunk(0, arguments=":1}"),
            call_chunk(1, arguments=":2}"),
        ],
        [call_chunk(0, "a", "look", '{"at":1}'), call_chunk(0, "b", "wait", '{"for":2}')],
        [call_chunk(None, "a", "look", '{"at":1}'), call_chunk(None, "b", "wait", '{"for":2}')],
        [call_chunk(0, "a", "look", {"at": 1}), call_chunk(1, "b", "wait", {"for": 2})],
        [
            call_chunk(0, "a", None, '{"at"'),
            call_chunk(0, None, "look", ":1}"),
            call_chunk(1, "b", "wait", '{"for":2}'),
        ],
        [
            call_chunk(0, "a", "look", '{"at":1'),
            call_chunk(0, "a", "look", "}"),
            call_chunk(1, "b", "wait", '{"for":2}'),
        ],
    ],
    ids=["in order", "interleaved", "one index", "no index", "objects", "late name", "name repeated"],
)
def test_parallel_calls_in_their_dialects(chunks: list[bytes]) -> None:
    items = output(*chunks, CALLED)
    assert [(name, json.loads(given)) for name, given in shapes(items)] == [
        (name, json.loads(given)) for name, given in PARALLEL
    ]
    assert [item["call_id"] for item in items] == ["a", "b"]


def test_calls_without_ids_get_some() -> None:
    items = output(call_chunk(0, None, "look", "{}"), call_chunk(1, "", "wait", "{}"), CALLED)
    assert [item["call_id"] for item in items] == ["call_abc_0", "call_abc_1"]


def test_the_older_form_of_a_call() -> None:
    older = [{"name": "look", "arguments": ""}, {"arguments": '{"at":1}'}]
    items = output(*(chunk({"function_call": each}) for each in older), chunk({}, "function_call"), DONE)
    assert shapes(items) == [("look", '{"at":1}')]


def test_a_call_that_is_never_named_is_none() -> None:
    assert shapes(output(chunk({"content": "x"}), call_chunk(0, "a", None, "{}"), STOP)) == [("message", ["x"])]


def test_calls_get_their_own_names_back() -> None:
    called = {"patch": Called("patch", custom=True), "db__query": Called("query", namespace="db")}
    items = output(
        call_chunk(0, "a", "patch", '{"input": "*** Be'),
        call_chunk(0, arguments='gin"}'),
        call_chunk(1, "b", "db__query", "{}"),
        call_chunk(2, "c", "patch", "no JSON"),
        CALLED,
        stream=machine(called=called),
    )
    assert [(item["type"], item["name"]) for item in items] == [
        ("custom_tool_call", "patch"),
        ("function_call", "query"),
        ("custom_tool_call", "patch"),
    ]
    assert (items[0]["input"], items[1]["namespace"], items[2]["input"]) == ("*** Begin", "db", "no JSON")


def test_text_around_calls_keeps_its_place() -> None:
    items = output(chunk({"content": "a"}), call_chunk(0, "c", "look", "{}"), chunk({"content": "b"}), CALLED)
    assert shapes(items) == [("message", ["a"]), ("look", "{}"), ("message", ["b"])]


@pytest.mark.parametrize(
    ("reason", "status", "why"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("eos", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
        ("error", "failed", None),
        ("insufficient_system_resource", "failed", None),
    ],
)
def test_reasons_for_the_end(reason: str, status: str, why: str | None) -> None:
    response = events(run(chunk({"content": "x"}), chunk({}, reason), DONE))[-1]["response"]
    assert response["status"] == status
    assert (response["incomplete_details"] or {}).get("reason") == why


@pytest.mark.parametrize("end", [DONE, chunk({}, "stop"), chunk({}, "stop")[:-2], chunk({}, "stop") + DONE[:-2]])
def test_every_way_to_say_that_all_is_said(end: bytes) -> None:
    assert events(run(chunk({"content": "x"}), end))[-1]["type"] == "response.completed"


@pytest.mark.parametrize("end", [b"", chunk({"content": "y"})[:-9], b"data: [DON"])
def test_a_cut_is_no_end(end: bytes) -> None:
    assert events(run(chunk({"content": "x"}), end))[-1]["type"] == "response.output_text.delta"


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        ({"error": {"message": "Slow.", "code": 429}}, "rate_limit_exceeded", "Slow."),
        ({"error": {"message": "Hm.", "code": 599}}, "server_error", "Hm."),
        ({"error": {"message": "Long.", "code": "context_length_exceeded"}}, "context_length_exceeded", "Long."),
        ({"error": {"message": "Bad.", "type": "invalid_request_error"}}, "invalid_request_error", "Bad."),
        ({"error": "It broke."}, "server_error", "It broke."),
        ({"error": {}}, "server_error", "a failure without a reason"),
    ],
)
@pytest.mark.parametrize("before", [b"", chunk({"content": "x"})])
def test_errors_inside_a_stream(error: Json, code: str, words: str, before: bytes) -> None:
    made = f"data: {json.dumps(error)}\n\n".encode()
    found = failure(run(before, made, chunk({"content": "late"}), DONE))
    assert found["code"] == code
    assert words in found["message"]


def failure(out: bytes) -> Json:
    """The error with which a stream ends."""
    last = events(out)[-1]
    assert last["type"] == "response.failed"
    error: Json = last["response"]["error"]
    return error


def test_what_cannot_be_read_is_a_failure() -> None:
    assert failure(run(chunk({"content": "x"}), b"data: {broken\n\n"))["code"] == "server_error"


def test_a_whole_answer_in_place_of_a_stream() -> None:
    message = {
        "role": "assistant",
        "content": "So.",
        "reasoning_content": "Hm.",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "wait", "arguments": "{}"}},
        ],
    }
    body: Json = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 6},
    }
    made = json.dumps(body, indent=1).encode()
    out = run(made)
    assert shapes(events(out)[-1]["response"]["output"]) == [
        ("reasoning", "Hm."),
        ("message", ["So."]),
        ("look", "{}"),
        ("wait", "{}"),
    ]
    bytewise = machine()
    assert b"".join(bytewise.feed(made[i : i + 1]) for i in range(len(made))) + bytewise.close() == out
    del body["choices"][0]["finish_reason"]
    assert events(run(json.dumps(body).encode()))[-1]["type"] == "response.completed"
    assert failure(run(b'{"error":{"message":"No."}}'))["message"] == "No."
    assert failure(run(b'{"choices": [{"mess'))["code"] == "server_error"


def test_other_choices_and_half_characters() -> None:
    second = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    half = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n'
    assert shapes(output(f"data: {json.dumps(second)}\n\n".encode(), half, STOP)) == [("message", ["a\ufffd"])]


# Properties

DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "role": st.just("assistant"),
        "content": strategies.WORDS | st.none() | strategies.ODD,
        "reasoning_content": strategies.WORDS | strategies.ODD,
        "reasoning": strategies.WORDS | st.none(),
        "reasoning_details": st.lists(strategies.OBJECTS, max_size=2),
        "refusal": st.none() | strategies.WORDS,
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "index": st.none() | st.integers(-1, 2),
                    "id": st.sampled_from(["a", "b", "", None]),
                    "function": st.fixed_dictionaries(
                        {},
                        optional={
                            "name": st.sampled_from(["look", "wait", "", None]),
                            "arguments": strategies.WORDS | strategies.ODD | st.sampled_from(['{"a":', "1}"]),
                        },
                    ),
                },
            ),
            max_size=2,
        ),
    },
)
REASONS = st.sampled_from([None, None, None, "stop", "length", "tool_calls", "error"])
CHUNKS = st.builds(chunk, DELTAS | st.none(), REASONS, usage=st.none() | strategies.OBJECTS)
STREAMS = st.builds(
    lambda chunks, end: b"".join([*chunks, end]),
    st.lists(CHUNKS, max_size=8),
    st.sampled_from([DONE, b"", b"data: {", STOP, CALLED, b'data: {"error":{"message":"x"}}\n\n', b"garbage\n\n"]),
)


@settings(max_examples=300, deadline=None)
@given(STREAMS)
def test_any_chunks_give_a_legal_stream(stream: bytes) -> None:
    events(run(stream))


@settings(max_examples=150, deadline=None)
@given(STREAMS, st.data())
def test_how_the_network_cut_the_bytes_makes_no_difference(stream: bytes, data: st.DataObject) -> None:
    expected = run(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    other = machine()
    out = b"".join([other.feed(stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)])
    assert out + other.close() == expected
