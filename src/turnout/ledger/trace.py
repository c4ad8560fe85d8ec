"""The file format of a trace: one session's wire, JSON lines, each line a record of one kind. docs/records.md has it.

Knows the lines and how to read them; who writes them is `turnout.gateway.tap`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.ledger.record import RequestRecord
from turnout.protocol.errors import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

VERSION = 1
"""Version of the format. It changes when a reader of the version before would misread a line; new kinds of lines and
new fields leave it as it is, for readers pass over what they do not know."""

WARNING = "The prompts, the files in them and the answers stand in this file as they were."


class Line(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """One line of a trace."""


class Opening(Line, frozen=True, kw_only=True, tag="trace"):
    """The first line."""

    version: int = VERSION
    turnout: str
    """Turnout's version."""
    at: float
    """Unix seconds."""
    warning: str = WARNING


class Step(Line, frozen=True, kw_only=True):
    """Something that happened in one exchange, which is a request of the client and all that it led to."""

    exchange: int
    """Number of the exchange, from 1; exchanges may overlap."""
    t: float
    """Milliseconds since the arrival of the exchange's request."""


class Asked(Step, frozen=True, kw_only=True, tag="request"):
    """The client's request."""

    at: float
    """Its arrival, in Unix seconds."""
    request_id: str
    session: str
    """Short name of its session, as in the record."""
    method: str
    path: str
    headers: dict[str, str]
    body: Raw


class SentUp(Step, frozen=True, kw_only=True, tag="upstream_request"):
    """What was sent upstream; the headers that sign it in are not here."""

    attempt: int
    upstream: str
    model: str
    lite: bool = False
    body: Raw


class Opened(Step, frozen=True, kw_only=True, tag="upstream_response"):
    """The upstream has answered with an event stream."""

    headers: dict[str, str]


class Refused(Step, frozen=True, kw_only=True, tag="upstream_failure"):
    """The upstream did not answer, refused, or broke off."""

    failure: FailureKind
    text: str


class Heard(Step, frozen=True, kw_only=True, tag="upstream_event"):
    """An event of the upstream's stream, at the time at which its last byte had come."""

    event: str
    data: Raw


class Answered(Step, frozen=True, kw_only=True, tag="response"):
    """The head of the answer to the client."""

    status: int
    headers: dict[str, str]


class Told(Step, frozen=True, kw_only=True, tag="event"):
    """An event of the client's stream."""

    event: str
    data: Raw


class Whole(Step, frozen=True, kw_only=True, tag="body"):
    """The body of an answer that is no stream."""

    data: Raw


class Ended(Step, frozen=True, kw_only=True, tag="end"):
    """The end of the exchange."""

    record: RequestRecord


AnyStep = Asked | SentUp | Opened | Refused | Heard | Answered | Told | Whole | Ended
AnyLine = Opening | AnyStep


class TracedExchange(msgspec.Struct, kw_only=True):
    """One exchange, put together again."""

    asked: Asked
    steps: list[AnyStep]
    """All of it, in the order of the file, the request first."""

    @property
    def answer(self) -> list[Told | Whole]:
        """What the client was told."""
        return [step for step in self.steps if isinstance(step, (Told, Whole))]

    @property
    def record(self) -> RequestRecord | None:
        """Its record; None if the trace ended before it did."""
        return next((step.record for step in self.steps if isinstance(step, Ended)), None)


class Trace(msgspec.Struct, kw_only=True):
    """A whole trace."""

    opening: Opening
    exchanges: list[TracedExchange]
    passed_over: int = 0
    """Lines that could not be read."""


class NotATrace(Exception):
    """The file is no trace that this version can read."""


_decode = msgspec.json.Decoder(AnyLine).decode
encode_line = msgspec.json.Encoder().encode


def read(path: Path) -> Trace:
    """Reads a trace from a file. Raises `NotATrace` and `OSError`."""
    with path.open("rb") as file:
        return parse(file, str(path))


def parse(lines: Iterable[bytes], name: str = "It") -> Trace:
    """Reads a trace from its lines. Raises `NotATrace`; ``name`` is for its message."""
    trace: Trace | None = None
    exchanges: dict[int, TracedExchange] = {}
    for text in lines:
        if not text.strip():
            continue
        try:
            line = _decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if trace is None:
                raise NotATrace(f"{name} is not a trace: its first line is not that of one.") from None
            trace.passed_over += 1
            continue
        if trace is None:
            trace = _begin(line, name)
        elif isinstance(line, Asked):
            exchanges[line.exchange] = TracedExchange(asked=line, steps=[line])
            trace.exchanges.append(exchanges[line.exchange])
        elif not isinstance(line, Opening) and (known := exchanges.get(line.exchange)):
            known.steps.append(line)
    if trace is None:
        raise NotATrace(f"{name} is empty.")
    return trace


def _begin(line: AnyLine, name: str) -> Trace:
    if not isinstance(line, Opening):
        raise NotATrace(f"{name} is not a trace: its first line is not that of one.")
    if line.version > VERSION:
        raise NotATrace(f"{name} is a trace of version {line.version}; this Turnout reads up to {VERSION}.")
    return Trace(opening=line, exchanges=[])
