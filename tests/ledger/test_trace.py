"""The file format of a trace: what is written is read again, and a reader passes over what it does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Raw

from tests.ledger.bodies import record
from turnout.ledger import trace
from turnout.ledger.trace import Asked as TracedRequest
from turnout.ledger.trace import Ended, NotATrace, Opening, SentUp, Told, encode_line, parse

OPENING = encode_line(Opening(turnout="1.2.3", at=100.0))


def asked(number: int, body: bytes = b"{}") -> bytes:
    return encode_line(
        TracedRequest(
            exchange=number,
            t=0.0,
            at=100.0,
            request_id=f"req_{number}",
            session="abcd",
            method="POST",
            path="/v1/messages",
            headers={"user-agent": "x"},
            body=Raw(body),
        )
    )


def test_exchanges_that_overlap_are_put_together_again(tmp_path: Path) -> None:
    lines = [
        OPENING,
        asked(1),
        asked(2, b'{"a": [1]}'),
        encode_line(SentUp(exchange=2, t=1.0, attempt=1, upstream="codex", model="m", body=Raw(b'{"b":2}'))),
        encode_line(Told(exchange=1, t=2.0, event="ping", data=Raw(b"{}"))),
        encode_line(Ended(exchange=2, t=3.0, record=record())),
    ]
    file = tmp_path / "trace.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    found = trace.read(file)
    assert found.opening.turnout == "1.2.3"
    one, two = found.exchanges
    assert [type(step).__name__ for step in one.steps] == ["Asked", "Told"]
    assert [type(step).__name__ for step in two.steps] == ["Asked", "SentUp", "Ended"]
    assert bytes(two.asked.body) == b'{"a": [1]}'
    assert (one.record, two.record) == (None, record())
    assert found.passed_over == 0


def test_what_is_not_known_is_passed_over() -> None:
    lines = [OPENING, asked(1), b'{"kind":"tomorrow","exchange":1}', b"{damaged", b"", asked(2)[:-9]]
    found = parse(lines)
    assert len(found.exchanges) == 1
    assert found.passed_over == 3


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "is empty"),
        ([b"hello"], "is not a trace"),
        ([asked(1)], "is not a trace"),
        ([encode_line(Opening(turnout="9", at=1.0, version=2))], "version 2; this Turnout reads up to 1"),
    ],
)
def test_a_file_that_is_none(lines: list[bytes], words: str) -> None:
    with pytest.raises(NotATrace, match=words):
        parse(lines, "the file")


def test_the_warning_stands_in_the_first_line() -> None:
    assert b"prompts" in OPENING
    assert OPENING.startswith(b'{"kind":"trace","version":1,')
