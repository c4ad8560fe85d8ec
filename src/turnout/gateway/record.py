"""Fills in a request's record from what is known at the door, and writes its one line in the log."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from turnout import log
from turnout.ledger import redact
from turnout.ledger.record import NAME_LENGTH, NOTES_KEPT, RequestRecord, client_name, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from structlog.typing import FilteringBoundLogger

    from turnout.gateway.attempts import Attempts
    from turnout.gateway.exchange import Exchange
    from turnout.gateway.relay import Relay
    from turnout.protocol.errors import Failure, FailureKind
    from turnout.protocol.fidelity import Note
    from turnout.routing.route import Route

LOG_DELAY = 0.02
"""Seconds that a line of the log may wait for others."""
CLIENT_GONE = 499
"""Status in the record when the client left before its answer was complete (as nginx has it)."""


STRICT_HEADER = b"x-turnout-strict"
YES = (b"1", b"true", b"yes", b"on")


def milliseconds(start: float, end: float) -> float:
    """Milliseconds between two values of `time.perf_counter`, to a tenth."""
    return round((end - start) * 10_000) / 10


def begin(exchange: Exchange) -> RequestRecord:
    """The record of a request that has just come."""
    client, version = _client(exchange.header(b"user-agent"))
    return RequestRecord(
        request_id=exchange.request_id, at=round(time.time() * 1000) / 1000, client=client, client_version=version
    )


def add_request(record: RequestRecord, model: str, session: str, agent: str, *, streamed: bool, strict: bool) -> None:
    """What the request says of itself. ``session`` and ``agent`` are ids, empty if it names none."""
    record.model_asked = model[:NAME_LENGTH]
    record.streamed = streamed
    record.strict = strict
    record.session, record.agent = _name(session), _name(agent)


def add_route(record: RequestRecord, chosen: Route, account: str) -> None:
    """Where it goes. ``account`` is the account's tag."""
    record.slot, record.upstream, record.model = chosen.slot, chosen.upstream, chosen.model[:NAME_LENGTH]
    record.effort_asked, record.effort = chosen.effort_asked, chosen.effort
    record.framing, record.account = chosen.framing, account


def add_answer(
    record: RequestRecord, exchange: Exchange, relay: Relay, attempts: Attempts, routed: Sequence[Note]
) -> None:
    """What came of it. ``routed`` are the route's notes."""
    machine = relay.machine
    notes = (*routed, *relay.notes, *attempts.notes, *(machine.notes if machine else ()))
    record.notes, record.more_notes = notes[:NOTES_KEPT], max(0, len(notes) - NOTES_KEPT)
    record.attempts, record.rounds = attempts.count, relay.rounds
    record.framing, record.tier = relay.framing or record.framing, relay.tier
    arrived = exchange.arrived
    if relay.sending is not None:
        record.sent_ms = milliseconds(arrived, relay.sending)
    if relay.opened is not None:
        record.opened_ms = milliseconds(arrived, relay.opened)
    if relay.first_output is not None:
        record.ttft_ms = milliseconds(arrived, relay.first_output)
    if machine is not None:
        record.usage = machine.usage
        add_failure(record, machine.failure)


def add_failure(record: RequestRecord, failure: Failure | None) -> None:
    """What went wrong, if something did."""
    if failure is not None:
        record.failure, record.failure_text = failure.kind, redact.of_failure(failure.message)


def asks_for_strictness(exchange: Exchange) -> bool:
    """Whether the client wants a request refused in place of one with something left out."""
    asked = exchange.headers.get(STRICT_HEADER)
    return asked is not None and asked.strip().lower() in YES


# A gateway meets the same few clients and sessions again and again.
_client = lru_cache(maxsize=64)(client_name)
_name = lru_cache(maxsize=1024)(short_name)


class Line(msgspec.Struct):
    """What the one line that a request has in the log is made of."""

    request_id: str
    method: str
    path: str
    user_agent: bytes
    status: int
    ms: float
    """Milliseconds from its arrival to its end."""
    record: RequestRecord | None
    """None for requests that go nowhere."""
    failure: FailureKind | None

    def facts(self, *, with_route: bool) -> dict[str, object]:
        """What it says; ``with_route``: also by which way the request went."""
        record = self.record
        facts: dict[str, object] = {
            "id": self.request_id,
            "method": self.method,
            "path": self.path[:200],
            "client": self.user_agent.decode("latin-1").partition(" ")[0][:60],
            "status": self.status,
        }
        if record is not None and record.model:
            facts["asked"] = record.model_asked[:100]
            facts["model"] = record.model
            facts["effort"] = record.effort
            facts["ttft_ms"] = record.ttft_ms
            if with_route:
                facts["slot"] = record.slot
                facts["effort_asked"] = record.effort_asked
                facts["tier"] = record.tier
                facts["upstream"] = record.upstream
            if record.attempts != 1:
                facts["attempts"] = record.attempts
            if (usage := record.usage) is not None:
                facts["tokens_in"] = usage.input_tokens
                facts["cached"] = usage.cached_tokens
                facts["tokens_out"] = usage.output_tokens
        facts["ms"] = self.ms
        if self.failure is not None:
            facts["failure"] = self.failure.value
        return facts


class LogLines:
    """Writes the lines of the requests that end within a moment together: in between two requests, making and writing
    one costs three times as much, as nothing it needs is in the processor's cache."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger
        self._with_route = logger.is_enabled_for(logging.DEBUG)
        self._waiting: list[Line] = []

    def add(self, line: Line) -> None:
        """Writes a line soon. To be called in the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(LOG_DELAY, self.write)
        self._waiting.append(line)

    def write(self) -> None:
        """Writes what waits."""
        waiting, self._waiting = self._waiting, []
        log.write_many(self._logger, "request", [line.facts(with_route=self._with_route) for line in waiting])
