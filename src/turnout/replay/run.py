"""Sends a trace's client requests again, through the present translation, and compares what comes back.

Each request is sent as it was recorded, whatever the answers before it are now: the recorded conversation goes on as it
went. Reasoning of the recorded upstream is not in a trace, so none is sent.
"""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from turnout.gateway.server import RunningGateway
from turnout.replay.answer import Gist, of_answer, of_trace, with_record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.config import Config
    from turnout.ledger.record import RequestRecord
    from turnout.ledger.trace import Trace, TracedExchange

SECONDS = 900.0
"""How long one answer may stay silent."""

RECORD_SECONDS = 2.0
"""How long a request's record is waited for."""
PASSED_ON = ("anthropic-version", "anthropic-beta", "x-claude-code-session-id", "x-claude-code-agent-id", "user-agent")
"""Headers of the recorded request that are sent again."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One request, then and now."""

    number: int
    """Place in the trace, from 1."""
    request_id: str
    """Of the recorded request."""
    model: str
    """Model that it asked for."""
    then: Gist
    now: Gist

    @property
    def differences(self) -> tuple[str, ...]:
        """Names of what came out otherwise. Tokens and texts always do a little, and do not count."""
        names = ("status", "stop_reason", "tools", "notes")
        return tuple(name for name in names if getattr(self.then, name) != getattr(self.now, name))


def replay(trace: Trace, config: Config) -> Iterator[Comparison]:
    """Sends each request in turn through a gateway of its own with this configuration. Raises `SettingsError`."""
    with RunningGateway(config) as gateway:
        for number, exchange in enumerate(trace.exchanges, 1):
            yield Comparison(
                number=number,
                request_id=exchange.asked.request_id,
                model=_model(exchange),
                then=of_trace(exchange),
                now=_send(gateway, exchange),
            )


def _send(gateway: RunningGateway, exchange: TracedExchange) -> Gist:
    asked = exchange.asked
    headers = {name: value for name, value in asked.headers.items() if name in PASSED_ON}
    headers |= {"authorization": f"Bearer {gateway.token}", "content-type": "application/json"}
    connection = http.client.HTTPConnection(urlsplit(gateway.base_url).netloc, timeout=SECONDS)
    try:
        connection.request(asked.method, asked.path, bytes(asked.body), headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        return Gist(error=f"no answer: {error or type(error).__name__}")
    finally:
        connection.close()
    gist = of_answer(response.status, response.getheader("content-type", ""), body)
    return with_record(gist, _record(gateway, response.getheader("request-id", "")))


def _record(gateway: RunningGateway, request_id: str) -> RequestRecord | None:
    """The gateway's record, which is complete a moment after the answer is."""
    deadline = time.monotonic() + RECORD_SECONDS
    while (record := gateway.gateway.ledger.find(request_id)) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    return record


class _Asked(msgspec.Struct):
    model: str = ""


def _model(exchange: TracedExchange) -> str:
    try:
        return msgspec.json.decode(exchange.asked.body, type=_Asked).model
    except msgspec.DecodeError:
        return ""
