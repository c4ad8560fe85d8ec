"""A body can be made to go on: the same beginning, the same items, and more behind them."""

from __future__ import annotations

import json

import pytest

from turnout.translate.body import Beginning, joined, whole_body

FIELDS = [("model", b'"m"'), ("tool_choice", b'"auto"'), ("stream", b"true")]
ITEMS = [b'{"a":1}', b'{"b":2}']


def made(fields: list[tuple[str, bytes]]) -> tuple[Beginning, bytes]:
    head = joined(fields)
    return Beginning.of(fields, head), whole_body(head, ITEMS)


def test_a_body_is_its_fields_and_then_its_items() -> None:
    _, body = made(FIELDS)
    assert json.loads(body) == {"model": "m", "tool_choice": "auto", "stream": True, "input": [{"a": 1}, {"b": 2}]}
    assert body.startswith(b'{"model":"m",')


@pytest.mark.parametrize("choice", [b'"auto"', b'"none"'])
def test_a_body_that_goes_on_begins_with_the_one_before(choice: bytes) -> None:
    beginning, body = made([("model", b'"m"'), ("tool_choice", choice)])
    longer = beginning.extended(body, [b'{"c":3}'])
    assert longer.startswith(body.removesuffix(b"]}"))
    assert json.loads(longer)["input"] == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert json.loads(longer)["tool_choice"] == json.loads(choice)


@pytest.mark.parametrize("choice", [b'"required"', b'{"type":"function","name":"x"}'])
def test_a_forced_tool_is_forced_once(choice: bytes) -> None:
    """Forced again, the model would call it for ever."""
    beginning, body = made([("model", b'"m"'), ("tool_choice", choice), ("stream", b"true")])
    longer = json.loads(beginning.extended(body, [b'{"c":3}']))
    assert longer == {"model": "m", "tool_choice": "auto", "stream": True, "input": [{"a": 1}, {"b": 2}, {"c": 3}]}


def test_a_body_may_go_on_more_than_once() -> None:
    for fields in (FIELDS, [("model", b'"m"'), ("tool_choice", b'{"type":"function","name":"web_search"}')]):
        beginning, body = made(fields)
        twice = json.loads(beginning.extended(beginning.extended(body, [b'{"c":3}']), [b'{"d":4}']))
        assert twice["input"] == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
        assert (twice["model"], twice["tool_choice"]) == ("m", "auto")
