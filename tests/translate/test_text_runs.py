"""Many text deltas read at once: the same text as one by one, and nothing that is no such delta."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.translate.text_runs import run_of

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


RUN = run_of(delta("first"), quoted("first"))
assert RUN is not None


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=8))
def test_every_text_comes_out_as_it_was_written(texts: list[str]) -> None:
    blocks = b"".join(delta(text, number) + END for number, text in enumerate(texts))
    assert RUN.texts(blocks) == [quoted(text) for text in texts]


@pytest.mark.parametrize("other", ["item_id", "obfuscation"])
def test_what_means_nothing_may_differ(other: str) -> None:
    assert RUN.texts(delta("a") + END + delta("b", **{other: "x" * 40}) + END) == [b'"a"', b'"b"']


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(delta("b", output_index=2), id="another item"),
        pytest.param(delta("b", content_index=1), id="another part"),
        pytest.param(delta("b", logprobs=[{"token": "b"}]), id="another shape"),
        pytest.param(delta("b").replace(b"output_text", b"refusal"), id="another event"),
        pytest.param(b": comment", id="a comment"),
        pytest.param(b"x" + delta("b"), id="garbage before it"),
        pytest.param(delta("b") + b"x", id="garbage behind it"),
        pytest.param(delta("b").replace(b'"b"', b'"\\x41"'), id="no JSON escape"),
        pytest.param(delta("b").replace(b'"b"', b'"\x07"'), id="a raw control character"),
        pytest.param(delta("b").replace(b'"b"', b'"\xff"'), id="no UTF-8"),
        pytest.param(delta("b").replace(b'"b"', b"7"), id="no text"),
        pytest.param(b"", id="an empty block"),
    ],
)
def test_anything_else_among_them_is_left_to_be_read_one_by_one(block: bytes) -> None:
    assert RUN.texts(delta("a") + END + block + END + delta("c") + END) is None


def test_an_event_in_which_the_text_cannot_be_told_shows_nothing() -> None:
    twice = delta("a").replace(b'"delta":"a"', b'"delta":"a","delta":"a"')
    assert run_of(twice, quoted("a")) is None


def test_nothing_is_no_run() -> None:
    assert RUN.texts(b"") is None
