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
from turnout.launch.running import Registration, RunningGatewayInfo, find_running

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
    before = find_running(os.environ) if manner.replace else None
    if before is not None and config.server.port == 0:
        config = _at_port(config, urlsplit(before.url).port or 0)
    place = None if manner.separate else _place()
    with contextlib.ExitStack() as stack:
        if place and before is None:
            _take(place, stack)
        life = Life(
            left=place.release if place else _nothing,
            # All else is ready by then: between the two nobody listens for an instant only.
            coming=lambda: _take_over(place, before, stack) if place and before else None,
        )

        def announce(base_url: str) -> None:
            if place:
                _announce(place, _info(config, manner, life, base_url))
            ready(base_url)

        server.run(config, ready=announce, store=store, trace=trace, life=life, source=source)


def _place() -> Registration | None:
    """The user's one place, not yet taken; None where this system knows no folder for it."""
    try:
        return Registration(os.environ)
    except OSError as error:
        _warn_of_no_file(error)
        return None


def _take(place: Registration, stack: contextlib.ExitStack) -> None:
    """Takes the place, to be left with the ``stack``. Where no file can be written it is taken by nobody."""
    try:
        stack.enter_context(place)
    except OSError as error:
        _warn_of_no_file(error)


def _take_over(place: Registration, before: RunningGatewayInfo, stack: contextlib.ExitStack) -> None:
    """Has the other one leave the place, and takes it."""
    control.ask_to_end(before, None)
    place.wait = TAKE_OVER_SECONDS
    _take(place, stack)


def _nothing() -> None:
    """What is called where nobody has to be told."""


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
