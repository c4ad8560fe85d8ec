"""Items that upstream works on at once come one after another."""

from __future__ import annotations

import msgspec
import pytest

from tests.translate import answers
from turnout.protocol import responses as wire
from turnout.translate.item_order import ItemOrder, Unfinished
from turnout.translate.response_events import EventReader, ItemRecord, ResponseRecord


def taken(*events: bytes) -> tuple[ItemOrder, list[ItemRecord]]:
    """An order that has taken these events, and what it gave for them."""
    told: list[ItemRecord] = []
    order = ItemOrder()
    for event in events:
        for record in EventReader().feed(event):
            assert not isinstance(record, ResponseRecord)
            told += order.take(record)
    return order, told


def outputs(*items: object) -> list[msgspec.Raw]:
    return [msgspec.Raw(msgspec.json.encode(item)) for item in items]


def test_items_come_one_after_another() -> None:
    order, told = taken(
        answers.added(1, "message"),
        answers.text(1, "b"),
        answers.added(0, "message"),
        answers.text(0, "a"),
        answers.done(0, answers.message("a")),
        answers.text(1, "c"),
        answers.done(1, answers.message("bc")),
        answers.text(1, "late"),
        answers.added(2, "message"),
    )
    assert [record.output_index for record in told] == [1, 1, 1, 1, 0, 0, 0, 2]
    end = order.end(order.missing(outputs({}, {}, {"type": "message"}, {"type": "reasoning"})))
    assert [(record.output_index, type(record)) for record in end] == [(2, wire.ItemDone), (3, wire.ItemDone)]


def test_an_item_whose_end_never_came_is_ended_with_the_response() -> None:
    order, _ = taken(answers.added(0, "message"), answers.text(1, "b"))
    assert [(type(record), record.output_index) for record in order.end()] == [
        (Unfinished, 0),
        (wire.TextDelta, 1),
        (Unfinished, 1),
    ]


def test_of_what_a_response_holds_only_what_is_missing_is_read() -> None:
    odd = {"type": "message", "content": "words"}
    order, _ = taken(answers.done(0, answers.message("a")))
    assert order.missing(outputs(odd)) == []
    with pytest.raises(msgspec.ValidationError):
        order.missing(outputs(odd, odd))


def test_half_characters_in_what_is_missing_are_mended() -> None:
    order, _ = taken()
    (missing,) = order.missing([msgspec.Raw(b'{"type":"function_call","arguments":"\\ud83d"}')])
    assert missing.item.arguments == "\ufffd"
