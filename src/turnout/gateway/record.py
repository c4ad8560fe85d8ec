"""What happened to a request: one small record, and one line in the log. Never a token, a key or a word of a prompt."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import FailureKind
from turnout.protocol.fidelity import Note
from turnout.translate.messages_writer import TokenUsage

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from turnout.gateway.exchange import Exchange

LOG_DELAY = 0.02
"""Seconds that a line of the log may wait for others."""
CLIENT_GONE = 499
"""Status in the record when the client left before its answer was complete (as nginx has it)."""


class Dispatch(msgspec.Struct, kw_only=True):
    """One request to ``/v1/messages`` and what became of it."""

    request_id: str
    model_asked: str = ""
    """The client's model string; empty if the request could not be read."""
    model: str = ""
    """The model it was sent to; empty if it was not routed."""
    effort: str | None = None
    slot: str = ""
    status: int = 0
    """HTTP status of the answer; 499 if the client left before it was complete."""
    usage: TokenUsage | None = None
    ttft_ms: float | None = None
    """Milliseconds from the request's arrival to the first bytes that translate upstream's output."""
    total_ms: float = 0
    """Milliseconds from the request's arrival to the end of the answer."""
    attempts: int = 0
    """Requests that upstream was sent."""
    notes: tuple[Note, ...] = ()
    """What was approximated, dropped or repeated, in words."""
    failure: FailureKind | None = None
    """What went wrong, also when it did so inside a stream with status 200."""


def milliseconds_since(start: float) -> float:
    """Milliseconds since ``start``, a value of `time.perf_counter`, to a tenth."""
    return round((time.perf_counter() - start) * 1000, 1)


def log_facts(exchange: Exchange, dispatch: Dispatch | None, failure: FailureKind | None) -> dict[str, object]:
    """What the request's one line in the log says. ``dispatch`` is None for requests that go nowhere."""
    facts: dict[str, object] = {
        "id": exchange.request_id,
        "method": exchange.method,
        "path": exchange.path[:200],
        "client": exchange.header(b"user-agent").partition(" ")[0][:60],
        "status": exchange.status,
    }
    if dispatch is not None and dispatch.model:
        facts |= {
            "status": dispatch.status,
            "asked": dispatch.model_asked[:100],
            "model": dispatch.model,
            "effort": dispatch.effort,
            "ttft_ms": dispatch.ttft_ms,
        }
        if dispatch.attempts != 1:
            facts["attempts"] = dispatch.attempts
        if (usage := dispatch.usage) is not None:
            facts |= {
                "tokens_in": usage.input_tokens,
                "cached": usage.cached_tokens,
                "tokens_out": usage.output_tokens,
            }
    facts["ms"] = milliseconds_since(exchange.arrived)
    if failure is not None:
        facts["failure"] = failure.value
    return facts


class LogLines:
    """Writes the lines of the requests that end within a moment one after the other: in between two requests, writing
    one costs three times as much, as nothing it needs is in the processor's cache."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger
        self._waiting: list[dict[str, object]] = []

    def add(self, facts: dict[str, object]) -> None:
        """Writes a line soon. To be called in the event loop."""
        if not self._waiting:
            asyncio.get_running_loop().call_later(LOG_DELAY, self.write)
        self._waiting.append(facts)

    def write(self) -> None:
        """Writes what waits."""
        waiting, self._waiting = self._waiting, []
        for facts in waiting:
            self._logger.info("request", **facts)
