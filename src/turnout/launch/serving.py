"""A gateway that takes the user's one place, in the foreground of its process: `turnout serve` and what runs it.

Knows how the place is taken, left and taken over; prints nothing.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from turnout import __version__, log
from turnout.gateway import server
from turnout.gateway.binding import required_token
from turnout.gateway.life import Life
from turnout.launch import control
from turnout.launch.running import AlreadyRunningError, Registration, RunningGatewayInfo

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from turnout.config import Config
    from turnout.ledger.store import RecordStore
    from turnout.settings import Source

TAKE_OVER_SECONDS = 15.0
"""How long the gateway whose place is taken may need to stop listening; its open answers may take longer."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a gateway is run, beside its configuration."""

    replace: bool = False
    """Take the place of the one that runs, which finishes its answers; its port too, where any port will do."""
    separate: bool = False
    """Run beside another one; other commands do not find it."""
    log_file: str = ""
    """File of its log; empty: it goes to stderr."""
    supervisor: str = ""
    """See `RunningGatewayInfo.supervisor`."""
    arguments: tuple[str, ...] = ()
    """See `RunningGatewayInfo.arguments`."""


def run(
    config: Config,
    manner: Manner,
    *,
    ready: Callable[[str], None],
    store: RecordStore | None = None,
    trace: Path | None = None,
    source: Source | None = None,
) -> None:
    """Runs the gateway to its end. ``config`` has its token; ``ready`` gets the address.

    ``source`` is where ``config`` came from, and will change.

    Raises `AlreadyRunningError`, and what `server.run` raises.
    """
    with contextlib.ExitStack() as stack:
        place, before = (None, None) if manner.separate else _place(manner, stack)
        if before is not None and config.server.port == 0:
            config = _at_port(config, urlsplit(before.url).port or 0)
        life = Life(place.release) if place else Life()

        def announce(base_url: str) -> None:
            if place:
                _announce(place, _info(config, manner, life, base_url))
            ready(base_url)

        server.run(config, ready=announce, store=store, trace=trace, life=life, source=source)


def _place(manner: Manner, stack: contextlib.ExitStack) -> tuple[Registration | None, RunningGatewayInfo | None]:
    """The user's one place, taken, and who had it; no place where no file can be kept: nobody could look there."""
    try:
        try:
            return stack.enter_context(Registration(os.environ)), None
        except AlreadyRunningError as error:
            if not manner.replace or error.info is None:
                raise
            control.ask_to_end(error.info, None)
            return stack.enter_context(Registration(os.environ, wait=TAKE_OVER_SECONDS)), error.info
    except OSError as error:
        _warn_of_no_file(error)
        return None, None


def _at_port(config: Config, port: int) -> Config:
    return msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, port=port))


def _announce(place: Registration, info: RunningGatewayInfo) -> None:
    try:
        place.announce(info)
    except OSError as error:
        _warn_of_no_file(error)


def _warn_of_no_file(error: OSError) -> None:
    reason = error.strerror or str(error)
    log.get().warning("other commands will not find this gateway", reason=reason, file=error.filename)


def _info(config: Config, manner: Manner, life: Life, base_url: str) -> RunningGatewayInfo:
    return RunningGatewayInfo(
        pid=os.getpid(),
        url=base_url,
        token=required_token(config),
        control=life.control,
        version=__version__,
        started=life.started,
        log=manner.log_file,
        supervisor=manner.supervisor,
        arguments=manner.arguments,
    )
