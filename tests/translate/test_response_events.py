"""Events are read whatever they look like, and items that upstream works on at once come one after another."""

from __future__ import annotations

from tests.translate import answers
from turnout.protocol import responses as wire
from turnout.protocol.errors import FailureKind
from turnout.translate.response_events import Completed, EventReader, Failed, RateLimits


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
