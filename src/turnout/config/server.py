"""Settings of the gateway itself: where it listens, how long it waits, and what it keeps of requests and answers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from turnout.config.section import Section
from turnout.config.values import Seconds, SecretText


class Server(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's listening side."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback refuses to start without a token."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 4000
    """Port to listen on; 0 takes a free one."""
    token: SecretText = ""
    """Token that clients must show; empty: a random one is made at start and shown."""
    require_token: bool = True
    """Whether clients must show the token at all. Only loopback may turn it off."""
    allowed_hosts: tuple[str, ...] = ()
    """Further Host names that clients may use, beside loopback names and the listening address."""
    body_limit: Annotated[int, Meta(ge=1024)] = 64 * 1024 * 1024
    """Largest request body in bytes."""
    header_timeout: Seconds = 20.0
    """Seconds a client may take to send a request's head."""
    body_timeout: Seconds = 120.0
    """Seconds a client may take to send a request's body."""
    drain: Seconds = 30.0
    """Seconds that open streams get to finish when the gateway stops."""


class Timing(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things may take between client and upstream."""

    hold: Seconds = 15.0
    """Seconds the response head waits for upstream's first real event, so that failures keep their HTTP status."""
    keepalive: Seconds = 15.0
    """Seconds of silence after which the client is sent a keep-alive event."""
    upstream_idle: Seconds = 900.0
    """Seconds without a byte after which an upstream counts as dead."""
    connect: Seconds = 10.0
    """Seconds to make a connection to an upstream."""


class Records(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered of requests, for `turnout explain`: figures and places, never a word of a prompt."""

    keep: bool = True
    """Whether records are written to a file, so that they outlive the gateway."""
    limit: Annotated[int, Meta(ge=65_536)] = 32 * 1024 * 1024
    """Bytes that the files may have together; the oldest are dropped."""


class ResponsesSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Responses API, as clients use it."""

    store: bool = True
    """Whether answers are kept in a file on this machine, for clients that go on from one of them by its id
    (`previous_response_id`) or ask for it again. A client's own `store: false` keeps it out in any case."""
    ttl: Annotated[float, Meta(gt=0, le=2_678_400, description="a number above 0, up to 2678400")] = 86_400.0
    """Seconds for which an answer is kept after it was last used."""
    limit: Annotated[int, Meta(ge=65_536)] = 256 * 1024 * 1024
    """Bytes that the kept answers may have together; those that were used longest ago are dropped."""
    websocket: bool = True
    """Whether clients may open a WebSocket at `/v1/responses`; otherwise they are told to use HTTP."""
