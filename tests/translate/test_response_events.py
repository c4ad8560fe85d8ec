"""Events are read whatever they look like, and items that upstream works on at once come one after another."""

from __future__ import annotations

from tests.translate import answers
from turnout.protocol import responses as wire
from turnout.protocol.errors import FailureKind
from turnout.translate.response_events import Completed, EventReader, Failed, ItemOrder, ItemRecord, RateLimits


def read(*events: bytes) -> list[object]:
    reader = EventReader()
    return [*reader.feed(b"".join(events)), *reader.close()]


def test_what_is_read_of_a_stream() -> None:
    limits = answers.sse("codex.rate_limits", plan_type="pro")
    records = read(answers.HANDSHAKE, limits, answers.KEEPALIVE, answers.said(0, "Hi"), answers.completed())
    kinds = [type(record) for record in records]
    assert kinds == [RateLimits, wire.ItemAdded, wire.TextDelta, wire.ItemDone, Completed]
    refusal = read(answers.sse("response.refusal.delta", delta="No."))
    assert [type(record) for record in refusal] == [wire.RefusalDelta]


def test_events_without_a_name_line_are_known_by_their_type() -> None:
    nameless = answers.said(0, "Hi").replace(b"event: ", b": ")
    assert [type(record) for record in read(nameless)] == [wire.ItemAdded, wire.TextDelta, wire.ItemDone]


def test_failures_in_all_their_forms() -> None:
    for event, kind in (
        (answers.failed("context_length_exceeded", "long"), FailureKind.CONTEXT_OVERFLOW),
        (answers.sse("error", status=429, error={"type": "usage_limit_reached"}), FailureKind.USAGE_LIMIT),
        (answers.completed(error={"code": "server_error"}), FailureKind.UPSTREAM_ERROR),
        (answers.completed(status="failed"), FailureKind.UPSTREAM_ERROR),
        (b"event: response.completed\ndata: {\n\n", FailureKind.UPSTREAM_ERROR),
        (b"data: " + b"x" * (65 * 1024 * 1024), FailureKind.UPSTREAM_ERROR),
    ):
        (failed,) = read(event)
        assert isinstance(failed, Failed)
        assert failed.failure.kind is kind


def test_an_event_that_was_cut_off_is_none() -> None:
    assert read(answers.completed()[:-20]) == []
    assert [type(record) for record in read(answers.completed()[:-2])] == [Completed]


def test_half_characters_are_mended() -> None:
    (record,) = read(b'event: response.function_call_arguments.delta\ndata: {"delta":"a\\ud83d"}\n\n')
    assert isinstance(record, wire.ArgumentsDelta)
    assert record.delta == "a\ufffd"


def test_items_come_one_after_another() -> None:
    order = ItemOrder()
    events = [
        answers.added(1, "message"),
        answers.text(1, "b"),
        answers.added(0, "message"),
        answers.text(0, "a"),
        answers.done(0, answers.message("a")),
        answers.text(1, "c"),
        answers.done(1, answers.message("bc")),
        answers.text(1, "late"),
        answers.added(2, "message"),
    ]
    records: list[ItemRecord] = []
    for record in read(*events):
        assert not isinstance(record, Completed | Failed | RateLimits)
        records += order.take(record)
    assert [record.output_index for record in records] == [1, 1, 1, 1, 0, 0, 0, 2]
    ends = list(order.end([wire.Item(), wire.Item(), wire.Item(type="message"), wire.Item(type="reasoning")]))
    assert [(record.output_index, type(record)) for record in ends] == [(2, wire.ItemDone), (3, wire.ItemDone)]


def test_an_item_whose_end_never_came_is_ended_with_the_response() -> None:
    order = ItemOrder()
    for record in read(answers.added(0, "message"), answers.text(1, "b")):
        assert isinstance(record, wire.ItemAdded | wire.TextDelta)
        list(order.take(record))
    assert [(type(record), record.output_index) for record in order.end([])] == [
        (wire.ItemDone, 0),
        (wire.TextDelta, 1),
        (wire.ItemDone, 1),
    ]
