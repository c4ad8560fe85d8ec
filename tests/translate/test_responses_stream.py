"""Given these events of an upstream, a client of the Responses API gets those: the same, made whole."""

from __future__ import annotations

import json
from typing import Any

import openresponses_types.types as specified
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.translate import answers
from tests.translate.answers import CREATED, HANDSHAKE, IN_PROGRESS, KEEPALIVE, sse
from tests.translate.creating import events, hold_to_specification, machine, request
from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.response_collect import CompactionCollector, ResponseCollector

Json = dict[str, Any]

LONG = "msg_" + "a" * 400
MESSAGE = {
    "id": LONG,
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello you", "annotations": [], "logprobs": []}],
}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "look",
    "arguments": "{}",
}
USAGE = {**answers.USAGE, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 0}}


def stream(*, end: bytes = b"", start: bool = True) -> bytes:
    """A whole answer with a message and a call, numbered."""
    place = {"item_id": LONG, "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    made: list[tuple[str, Json]] = [
        ("response.created", {"response": {"id": "resp_theirs", "status": "in_progress", "instructions": "long"}}),
        ("response.in_progress", {"response": {"id": "resp_theirs", "status": "in_progress"}}),
        (
            "response.output_item.added",
            {"output_index": 0, "item": {**MESSAGE, "status": "in_progress", "content": []}},
        ),
        ("response.content_part.added", {**place, "part": part}),
        ("response.output_text.delta", {**place, "delta": "Hello ", "logprobs": []}),
        ("response.output_text.delta", {**place, "delta": "you", "logprobs": []}),
        ("response.output_text.done", {**place, "text": "Hello you", "logprobs": []}),
        ("response.content_part.done", {**place, "part": MESSAGE["content"][0]}),  # type: ignore[index]
        ("response.output_item.done", {"output_index": 0, "item": MESSAGE}),
        ("response.output_item.added", {"output_index": 1, "item": {**CALL, "arguments": "", "status": "in_progress"}}),
        ("response.function_call_arguments.delta", {"item_id": "fc_1", "output_index": 1, "delta": "{}"}),
        ("response.function_call_arguments.done", {"item_id": "fc_1", "output_index": 1, "arguments": "{}"}),
        ("response.output_item.done", {"output_index": 1, "item": CALL}),
        (
            "response.completed",
            {"response": {"id": "resp_theirs", "status": "completed", "output": [], "usage": USAGE}},
        ),
    ]
    pieces = [sse(kind, sequence_number=number, **fields) for number, (kind, fields) in enumerate(made)]
    if end:
        pieces[-1:] = [end]
    return b"".join(pieces if start else pieces[2:])


def told(data: bytes, **fields: Any) -> list[Json]:
    one = machine(**fields)
    return events(one.feed(data) + (b"" if one.finished else one.close()))


# What goes on


def test_a_whole_answer() -> None:
    asked = request(metadata={"a": "b"}, instructions="Be brief.", previous_response_id="resp_0", user="me")
    found = told(stream(), asked=asked, stored=True)

    hold_to_specification(found)
    assert [each["type"] for each in found] == [each["type"] for each in events(stream())]
    head, end = found[0]["response"], found[-1]["response"]
    assert (head["id"], head["status"], head["output"]) == ("resp_ours", "in_progress", [])
    assert (end["id"], end["status"], end["usage"]) == ("resp_ours", "completed", USAGE)
    assert [item["type"] for item in end["output"]] == ["message", "function_call"]
    assert end["metadata"] == {"a": "b"}
    assert (end["instructions"], end["previous_response_id"], end["user"]) == ("Be brief.", "resp_0", "me")
    assert (end["store"], end["model"]) == (True, "gpt-5.5")


def test_the_format_of_the_answer_is_told_whole() -> None:
    form = {"type": "json_schema", "name": "track", "schema": {"type": "object"}}
    text = told(stream(), asked=request(text={"format": form}))[-1]["response"]["text"]
    assert text == {"format": {"description": None, "strict": None, **form}}
    assert told(stream(), asked=request(text={"verbosity": "low"}))[0]["response"]["text"] == {
        "format": {"type": "text"},
        "verbosity": "low",
    }


def test_deltas_keep_their_bytes() -> None:
    delta = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",  "delta":"\\u0041"}\n\n'
    one = machine()
    one.feed(stream(end=b" ")[:-1])
    assert one.feed(delta) == delta


@given(
    kinds=st.lists(st.sampled_from(["output_text.delta", "refusal.delta", "novelty", "output_text.done"]), max_size=12),
    cuts=st.lists(st.integers(0, 1500), max_size=5),
)
def test_whatever_order_events_have_they_keep_it(kinds: list[str], cuts: list[int]) -> None:
    data = b"".join(sse(f"response.{kind}", number=number) for number, kind in enumerate(kinds))
    one, out, at = machine(), b"", 0
    one.feed(stream(end=b" ")[:-1])
    for cut in sorted({*cuts, len(data)}):
        out += one.feed(data[at:cut])
        at = max(at, cut)
    assert out == data


def test_ids_that_no_server_takes_back_are_replaced_everywhere() -> None:
    found = told(stream())
    (name,) = {each["item_id"] for each in found if each.get("output_index") == 0 and "item_id" in each}
    assert name.startswith("msg_")
    assert len(name) <= 64
    assert found[-1]["response"]["output"][0]["id"] == name
    assert "a" * 65 not in json.dumps(found)
    assert found[-1]["response"]["output"][1]["id"] == "fc_1"


def test_ids_in_outputs_that_were_only_told_at_the_end() -> None:
    (said, _) = told(HANDSHAKE + completed(output=[MESSAGE, CALL]))[-1]["response"]["output"]
    assert len(said["id"]) <= 64


def test_ids_that_begin_alike_stay_apart() -> None:
    items = [{**MESSAGE, "id": "msg_" + "a" * 399 + mark} for mark in "bc"]
    pieces = [sse("response.output_item.done", output_index=index, item=item) for index, item in enumerate(items)]
    delta = sse("response.output_text.delta", item_id=items[1]["id"], output_index=1, delta="x")
    one = machine()
    found = events(one.feed(HANDSHAKE + pieces[0]) + one.feed(delta + pieces[1]) + one.feed(completed()))
    first, second = (item["id"] for item in found[-1]["response"]["output"])
    assert first != second


def test_an_item_without_an_id_gets_one() -> None:
    item = {**MESSAGE, "id": None}
    found = told(HANDSHAKE + sse("response.output_item.done", output_index=0, item=item) + completed())
    (said,) = found[-1]["response"]["output"]
    assert said["id"].startswith("msg_")
    assert found[-2]["item"]["id"] == said["id"]


def completed(**fields: object) -> bytes:
    response = {"id": "r", "status": "completed", "output": [], "usage": USAGE, **fields}
    return sse("response.completed", response=response)


def test_outputs_that_were_only_told_at_the_end() -> None:
    found = told(HANDSHAKE + completed(output=[MESSAGE, CALL]))
    assert len(found[-1]["response"]["output"]) == 2


def test_fields_that_a_server_has_not_said_stand_in_their_place() -> None:
    hold_to_specification(told(sse("response.completed", response={"status": "completed"})))


def test_what_upstream_says_of_itself_stays() -> None:
    end = told(HANDSHAKE + completed(service_tier="priority", temperature=None, end_turn=False))[-1]["response"]
    assert (end["service_tier"], end["temperature"], end["end_turn"]) == ("priority", 1.0, False)


@pytest.mark.parametrize("for_codex", [False, True])
def test_an_answer_that_wants_another_request_is_noted_for_those_who_do_not_know(*, for_codex: bool) -> None:
    one = machine(for_codex=for_codex)
    one.feed(HANDSHAKE + completed(end_turn=False))
    assert [note.place for note in one.notes] == ([] if for_codex else ["output"])


def test_an_incomplete_answer() -> None:
    end = sse("response.incomplete", response={"incomplete_details": {"reason": "max_output_tokens"}})
    found = told(stream(end=end))
    assert found[-1]["type"] == "response.incomplete"
    assert found[-1]["response"]["status"] == "incomplete"
    assert found[-1]["response"]["incomplete_details"] == {"reason": "max_output_tokens"}


def test_usage_is_counted() -> None:
    one = machine()
    one.feed(stream())
    assert (one.usage.input_tokens, one.usage.cached_tokens, one.usage.output_tokens) == (40, 60, 10)


def test_events_without_a_name_of_their_own_and_the_end_of_chat_streams() -> None:
    bare = b"\n\n".join(block.split(b"\n", 1)[1] for block in stream().split(b"\n\n")[:-1])
    assert told(bare + b"\n\ndata: [DONE]\n\n") == told(stream())


@given(cuts=st.lists(st.integers(0, 5000), max_size=8), line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_any_split_of_the_bytes_gives_the_same(cuts: list[int], line_end: bytes) -> None:
    data = stream().replace(b"\n", line_end)
    one, out, at = machine(), b"", 0
    for cut in sorted({*cuts, len(data)}):
        out += one.feed(data[at:cut])
        at = max(at, cut)
    assert out + (b"" if one.finished else one.close()) == machine().feed(stream())


# What Codex clients read, and others do not


@pytest.mark.parametrize("kind", ["codex.rate_limits", "response.metadata", "keepalive"])
def test_events_that_are_in_no_sdk(kind: str) -> None:
    data = stream(end=b" ")[:-1] + sse(kind, a=1)
    strict, codex = machine(), machine(for_codex=True)
    assert kind not in [each["type"] for each in events(strict.feed(data))]
    assert kind in [each["type"] for each in events(codex.feed(data))]


def test_limits_that_are_told_first_come_behind_the_head() -> None:
    found = told(sse("codex.rate_limits", plan_type="plus") + stream(), for_codex=True)
    assert [each["type"] for each in found][:3] == ["response.created", "response.in_progress", "codex.rate_limits"]


def test_rate_limits_are_noticed() -> None:
    one = machine()
    one.feed(sse("codex.rate_limits", plan_type="plus"))
    assert json.loads(one.rate_limits)["plan_type"] == "plus"


def test_unknown_events_of_the_api_go_on() -> None:
    assert "response.novelty" in [each["type"] for each in told(HANDSHAKE + sse("response.novelty") + completed())]


def test_keeping_alive() -> None:
    assert machine().keepalive() == b": keep-alive\n\n"
    assert events(machine(for_codex=True).keepalive()) == [{"type": "keepalive"}]


# The beginning


def test_nothing_is_said_while_upstream_only_shakes_hands() -> None:
    one = machine()
    assert one.feed(HANDSHAKE + KEEPALIVE) == b""
    assert not one.started


def test_an_answer_that_began_early_has_one_beginning() -> None:
    one = machine()
    head = events(one.open())
    assert [each["type"] for each in head] == ["response.created", "response.in_progress"]
    assert one.open() == b""
    hold_to_specification(head + events(one.feed(stream())))


def test_a_server_without_a_handshake() -> None:
    found = told(sse("response.output_item.done", output_index=0, item=CALL) + completed())
    assert found[0]["type"] == "response.created"


# Failures


FAILED = {"code": "context_length_exceeded", "message": "Too long."}


@pytest.mark.parametrize(
    "end",
    [
        sse("response.failed", response={"status": "failed", "error": FAILED}),
        sse("error", error=FAILED),
        sse("error", **FAILED),
        sse("response.completed", response={"status": "failed", "error": FAILED}),
    ],
)
def test_a_failure_before_anything_was_said_is_not_written(end: bytes) -> None:
    one = machine()
    assert one.feed(HANDSHAKE + end) == b""
    assert one.failure is not None
    assert one.failure.kind is FailureKind.CONTEXT_OVERFLOW


@pytest.mark.parametrize("kind", ["response.failed", "error"])
def test_a_failure_later_is_the_response_s_own(kind: str) -> None:
    end = sse(kind, sequence_number=13, response={"error": FAILED}, **({} if kind == "response.failed" else FAILED))
    found = told(stream(end=end))
    hold_to_specification(found)
    assert found[-1]["type"] == "response.failed"
    assert found[-1]["sequence_number"] == 13
    assert found[-1]["response"]["error"]["code"] == "context_length_exceeded"
    assert len(found[-1]["response"]["output"]) == 2


@pytest.mark.parametrize(
    "failure",
    [
        Failure(kind=FailureKind.CUT, message="Cut."),
        Failure(kind=FailureKind.UPSTREAM_TIMEOUT, message="Late."),
        Failure(kind=FailureKind.INTERNAL, message="Ours."),
    ],
)
def test_failures_of_the_gateway_s_finding(failure: Failure) -> None:
    one = machine()
    said = one.feed(stream(end=b" ")[:-1])
    found = events(said + one.fail(failure))
    hold_to_specification(found)
    assert found[-1]["sequence_number"] == 13
    assert found[-1]["response"]["error"] == {"code": "server_error", "message": failure.message}


@pytest.mark.parametrize("rest", [b"", b"event: response.output_text.delta\ndata: {", b"event: response.completed\nda"])
def test_a_stream_that_is_cut(rest: bytes) -> None:
    one = machine()
    found = events(one.feed(stream(end=b" ")[:-1]) + one.feed(rest) + one.close())
    assert found[-1]["type"] == "response.failed"
    assert one.failure is not None
    assert one.failure.kind is FailureKind.CUT


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"item":5}', b"\xff"])
def test_an_event_that_cannot_be_read(data: bytes) -> None:
    one = machine()
    one.feed(CREATED + IN_PROGRESS + b"event: response.output_item.done\ndata: " + data + b"\n\n")
    assert one.failure is not None
    assert one.failure.kind is FailureKind.UPSTREAM_ERROR


def test_a_failure_that_cannot_be_read_is_one() -> None:
    one = machine()
    one.feed(HANDSHAKE + b"event: error\ndata: 5\n\n")
    assert one.failure is not None
    assert one.failure.kind is FailureKind.UPSTREAM_ERROR


def test_empty_lines_between_events_mean_nothing() -> None:
    whole = stream()
    for place in range(len(whole) + 1):
        if whole[:place].endswith(b"\n\n"):
            one = machine()
            out = one.feed(whole[:place] + b"\n") + one.feed(whole[place:] + b"\n\n\n")
            assert events(out) == events(machine().feed(whole))


def test_usage_has_every_figure() -> None:
    end = told(HANDSHAKE + completed(usage={"input_tokens": 5}))[-1]["response"]
    assert end["usage"]["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    hold_to_specification(told(HANDSHAKE + completed(usage={"input_tokens": 5})))


@pytest.mark.parametrize("usage", [None, 5, {"input_tokens": "many"}])
def test_odd_usage_spoils_no_answer(usage: object) -> None:
    assert told(HANDSHAKE + completed(usage=usage))[-1]["type"] == "response.completed"


def test_what_comes_behind_the_end_is_for_nobody() -> None:
    one = machine()
    one.feed(stream())
    assert one.feed(stream()) == b""
    assert one.keepalive() == one.open() == one.fail(Failure(kind=FailureKind.CUT, message="")) == b""


# Without streaming


def test_the_collected_answer_is_the_last_event_s() -> None:
    collector, one = ResponseCollector(), machine()
    for at in range(0, len(stream()), 100):
        collector.feed(one.feed(stream()[at : at + 100]))
    collector.feed(b"")
    assert collector.message() == one.whole
    assert json.loads(one.whole)["output"][1] == CALL


def test_a_compaction_is_what_stands_for_the_conversation() -> None:
    collector = CompactionCollector()
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}
    collector.feed(
        machine().feed(HANDSHAKE + sse("response.output_item.done", output_index=0, item=item) + completed())
    )
    made = json.loads(collector.message())
    specified.CompactResource.model_validate(made)
    assert (made["object"], made["output"]) == ("response.compaction", [item])
