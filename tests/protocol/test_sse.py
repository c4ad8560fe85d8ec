"""The splitter finds the events that the specification of event streams says are there, however the bytes are cut."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.protocol import sse
from turnout.protocol.sse import SseOverflowError, SseSplitter, event, parse

LINES = st.sampled_from(
    [
        b"",
        b"",
        b"event: a",
        b"event:b",
        b"data: 1",
        b"data:2",
        b"data:  3",
        b"data",
        b": comment",
        b"id: 7",
        b"x: y: z",
        b"\xc3\xbc",
    ]
)
STREAMS = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=14).map(
    lambda lines: b"".join(line + end for line, end in lines)
)


def events(stream: bytes, cuts: list[int] | None = None) -> list[tuple[bytes, bytes]]:
    """Name and data of every event that has data."""
    splitter = SseSplitter()
    places = [0, *sorted(cuts or []), len(stream)]
    blocks = [block for a, b in itertools.pairwise(places) for block in splitter.feed(stream[a:b])]
    found = [parse(block) for block in blocks + splitter.close()]
    return [(name, data) for name, data in found if data]


def as_specified(stream: bytes) -> list[tuple[bytes, bytes]]:
    """The same by the letter of the specification (9.2.6), line by line; with its one exception that Turnout makes:
    an event counts though the stream ended before its blank line (behaviours.md 30)."""
    found: list[tuple[bytes, bytes]] = []
    name, data = b"", []
    for line in [*stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"), b""]:
        if not line:
            if b"\n".join(data):
                found.append((name, b"\n".join(data)))
            name, data = b"", []
            continue
        field, _, value = line.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if field == b"event":
            name = value
        elif field == b"data":
            data.append(value)
    return found


@settings(max_examples=400, deadline=None)
@given(STREAMS, st.data())
def test_it_reads_what_the_specification_reads(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    assert events(stream, cuts) == as_specified(stream)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.data())
def test_any_bytes_split_the_same_however_they_are_cut(stream: bytes, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    assert events(stream, cuts) == events(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_cut_of_a_stream_with_every_line_end(end: bytes) -> None:
    stream = b"event: a\ndata: 1\n\n\n: hi\n\ndata: 2\ndata: 3\n\n".replace(b"\n", end)
    for one in range(len(stream) + 1):
        for two in range(one, len(stream) + 1):
            assert events(stream, [one, two]) == [(b"a", b"1"), (b"", b"2\n3")]


def test_an_event_is_given_out_as_soon_as_it_is_complete() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"data: 1\n") == []
    assert splitter.feed(b"\ndata: 2") == [b"data: 1"]
    assert splitter.feed(b"\n\n") == [b"data: 2"]


def test_empty_blocks_are_not_given_out() -> None:
    splitter = SseSplitter()
    assert splitter.feed(b"\n\n\n\ndata: 1\n\n\n\n\n\n") == [b"data: 1"]
    assert splitter.close() == []


def test_a_last_event_without_its_blank_line_is_given_out_at_the_end() -> None:
    splitter = SseSplitter()
    splitter.feed(b"data: 1\n\nevent: a\ndata: 2")
    assert splitter.close() == [b"event: a\ndata: 2"]
    assert splitter.close() == []


def test_an_endless_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_MAX_PENDING", 100)
    splitter = SseSplitter()
    splitter.feed(b"data: " + b"x" * 90)
    with pytest.raises(SseOverflowError):
        splitter.feed(b"x" * 20)
    with pytest.raises(SseOverflowError):
        SseSplitter().feed(b"x" * 101)


def test_the_bound_is_on_one_event_not_on_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_MAX_PENDING", 100)
    splitter = SseSplitter()
    for _ in range(10):
        assert len(splitter.feed(b"data: " + b"x" * 60 + b"\n\n")) == 1


def test_long_events_in_many_pieces_are_not_copied_again_and_again() -> None:
    """80 KB in one event, in pieces of 10 bytes: 8,000 joins of the growing whole would take seconds."""
    splitter = SseSplitter()
    whole = b"data: " + b"x" * 80_000
    for start in range(0, len(whole), 10):
        assert splitter.feed(whole[start : start + 10]) == []
    assert len(splitter._pending) > 8_000
    assert splitter.feed(b"\n\n") == [whole]


def test_what_is_written_is_read() -> None:
    assert events(event(b"ping", b'{"type":"ping"}') * 2) == [(b"ping", b'{"type":"ping"}')] * 2


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (b"", (b"", b"")),
        (b": only a comment", (b"", b"")),
        (b"event: a", (b"a", b"")),
        (b"data: 1\nevent: a", (b"a", b"1")),
        (b"data:1", (b"", b"1")),
        (b"data:  1", (b"", b" 1")),
        (b"data: a: b", (b"", b"a: b")),
        (b"event: a\nevent: b\ndata: 1\ndata\ndata: 2", (b"b", b"1\n\n2")),
        (b"id: 5\nretry: 3\ndata: 1", (b"", b"1")),
        (b"\ndata: 1", (b"", b"1")),
    ],
)
def test_a_block_has_a_name_and_data(block: bytes, expected: tuple[bytes, bytes]) -> None:
    assert parse(block) == expected
