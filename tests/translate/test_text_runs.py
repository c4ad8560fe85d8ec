"""Many text deltas read at once: the same text as one by one, and nothing that is no such delta."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.protocol import responses as wire
from turnout.translate.response_events import EventReader, Failed, Record, TextRun

END = b"\n\n"


def delta(text: str, number: int = 7, /, **changes: object) -> bytes:
    """A text delta as upstream writes it, without its blank line."""
    event = {
        "type": "response.output_text.delta",
        "content_index": 0,
        "delta": text,
        "item_id": "msg_1",
        "logprobs": [],
        "obfuscation": "a8s",
        "output_index": 1,
        "sequence_number": number,
    }
    written = json.dumps(event | changes, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: response.output_text.delta\ndata: " + written


def quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


PADDING = b": " + b"x" * 1024


def read(*blocks: bytes) -> list[Record]:
    """Read in one piece, which is long enough to be taken for a burst."""
    return EventReader().feed(b"".join(block + END for block in (*blocks, PADDING)))


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=8))
def test_every_text_comes_out_as_it_was_written(texts: list[str]) -> None:
    (run,) = read(*(delta(text, number) for number, text in enumerate(texts)))
    assert isinstance(run, TextRun)
    assert run.place == (1, 0)
    assert [bytes(text) for text in run.texts] == [quoted(text) for text in texts]


@pytest.mark.parametrize("other", ["item_id", "obfuscation", "logprobs", "new_field"])
def test_what_means_nothing_may_differ(other: str) -> None:
    (run,) = read(delta("a"), delta("b", **{other: "x" * 40}))
    assert isinstance(run, TextRun)
    assert [bytes(text) for text in run.texts] == [b'"a"', b'"b"']


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        pytest.param(delta("b", output_index=2), wire.TextDelta, id="another item"),
        pytest.param(delta("b", content_index=1), wire.TextDelta, id="another part"),
        pytest.param(
            delta("b").replace(b"event: response.output_text", b"event: response.refusal"),
            wire.RefusalDelta,
            id="another event",
        ),
        pytest.param(b": comment\n" + delta("b"), wire.TextDelta, id="a comment"),
        pytest.param(delta("b") + b"\nid: 7", wire.TextDelta, id="another line"),
        pytest.param(delta("b").replace(b",", b",\ndata: ", 1), wire.TextDelta, id="several lines"),
        pytest.param(delta("b").replace(b"event: response.output_text.delta\n", b""), wire.TextDelta, id="no name"),
        pytest.param(delta("b").replace(b'"b"', b"7"), wire.TextDelta, id="no text"),
        pytest.param(delta("b").replace(b'"b"', b'{"text":"b"}'), wire.TextDelta, id="an object"),
        pytest.param(delta("b") + b"x", Failed, id="garbage behind it"),
        pytest.param(delta("b") + b'{"delta":"c"}', Failed, id="two in one"),
        pytest.param(delta("b")[:-9], Failed, id="cut"),
        pytest.param(delta("b").replace(b'"b"', b'"\\x41"'), Failed, id="no JSON escape"),
        pytest.param(delta("b").replace(b'"b"', b'"\x07"'), Failed, id="a raw control character"),
        pytest.param(delta("b").replace(b'"b"', b'"\xff"'), Failed, id="no UTF-8"),
    ],
)
def test_with_anything_else_among_them_each_is_read_for_itself(block: bytes, kind: type) -> None:
    records = read(delta("a"), block, delta("c"))
    assert [type(record) for record in records] == [wire.TextDelta, kind, wire.TextDelta]


def test_what_says_nothing_among_them_is_nothing() -> None:
    records = read(delta("a"), b"", b": comment", delta("b"))
    assert [type(record) for record in records] == [wire.TextDelta, wire.TextDelta]


def test_what_comes_before_and_behind_them_keeps_its_place() -> None:
    other = delta("x").replace(b"event: response.output_text", b"event: response.refusal")
    records = read(other, delta("a"), delta("b"), delta("c"), other, b": comment")
    assert [type(record) for record in records] == [wire.RefusalDelta, TextRun, wire.RefusalDelta]


@given(st.lists(st.sampled_from([delta("a"), delta("b", output_index=2), b": comment", b""]), max_size=9))
def test_they_say_the_same_together_and_one_by_one(blocks: list[bytes]) -> None:
    one_by_one = [record for block in blocks for record in EventReader().feed(block + END)]
    together = [each for record in read(*blocks) for each in (record.deltas if type(record) is TextRun else [record])]
    assert [said(record) for record in together] == [said(record) for record in one_by_one]


def said(record: Record) -> object:
    assert isinstance(record, wire.TextDelta)
    return bytes(record.delta), record.output_index, record.content_index
