"""How a gateway lives: since when it runs, what it has done, and the way to its end from outside its process.

Whoever may send requests may not end the gateway: that takes a secret of its own, which only its user can read
(`turnout.launch.running`). Knows nothing of how a server ends.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from typing import TYPE_CHECKING, Annotated

import msgspec

from turnout import __version__
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.config import Config
    from turnout.gateway.live import Live

CONTROL = b"x-turnout-control"
"""Header with the secret that allows to end the gateway."""


class GatewayState(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``GET /turnout/gateway``."""

    pid: int
    version: str
    started: float
    """Unix seconds."""
    requests: int
    """Model requests that came to an end."""
    open: int
    """Model requests that are being answered."""
    upstream: str
    """Where requests go."""
    upstreams: tuple[str, ...]
    """Everywhere that requests may go."""
    account: str
    """Nickname of the account that was asked for; empty: the default one."""
    settings: str
    """What `fingerprint` says of the settings in force."""


class Ending(msgspec.Struct, frozen=True):
    """The body of ``POST /turnout/stop``."""

    drain: Annotated[float, msgspec.Meta(ge=0, le=86_400)] | None = None
    """Seconds that open answers get to finish; none: as long as the gateway's settings say. 0 ends at once."""


class Life:
    """One gateway's life. What ends it is put in by whoever serves it."""

    def __init__(self, *, left: Callable[[], None] = lambda: None, coming: Callable[[], None] = lambda: None) -> None:
        """``coming`` is called when all is ready but the gateway does not listen yet, ``left`` when it listens no more;
        open answers may still have to finish then."""
        self.started = time.time()
        self.control = secrets.token_urlsafe(24)
        """What one must show to end it."""
        self.end: Callable[[float | None], None] | None = None
        """Begins the end; takes the seconds for open answers, or None for what the settings say."""
        self.coming = coming
        self.left = left
        self.requests = 0
        self.open = 0

    def state(self, live: Live) -> GatewayState:
        """What there is to say at this moment."""
        config = live.config
        return GatewayState(
            pid=os.getpid(),
            version=__version__,
            started=self.started,
            requests=self.requests,
            open=self.open,
            upstream=config.upstream,
            upstreams=tuple(live.snapshot.upstreams),
            account=config.accounts.use,
            settings=fingerprint(config),
        )

    def ending(self, shown: bytes, body: bytes) -> Callable[[], None]:
        """What begins the end, if ``shown`` is the secret. ``body`` is an `Ending`, or empty. Raises `TurnoutError`."""
        end = self.end
        if end is None or not hmac.compare_digest(shown, self.control.encode()):
            raise fail(
                FailureKind.FORBIDDEN,
                "Ending this gateway takes the secret that its user's files hold.",
                "Use `turnout down`, as the user who started it.",
            )
        try:
            wanted = msgspec.json.decode(body or b"{}", type=Ending)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise fail(FailureKind.BAD_REQUEST, f"The request's body cannot be read: {error}.") from None
        return lambda: end(wanted.drain)


def fingerprint(config: Config) -> str:
    """Tells whether two gateways would answer a client in the same way: all settings but the listening side."""
    settings = msgspec.to_builtins(config)
    del settings["server"]
    return hashlib.sha256(msgspec.json.encode(settings, order="sorted")).hexdigest()[:32]
