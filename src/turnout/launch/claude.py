"""Claude Code on a private gateway: a free loopback port, a one-time token, an environment for the child alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from turnout.discovery.catalogues import Catalogues
from turnout.gateway.server import RunningGateway
from turnout.launch import child, environment, locate
from turnout.routing.mapping import mapping
from turnout.settings import Fitted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from turnout.config import Config
    from turnout.ledger.store import RecordStore
    from turnout.models.catalogue import Catalogue
    from turnout.settings import Source


def private(config: Config) -> Config:
    """The configuration of a gateway for one client: loopback, a free port, a token of its own."""
    server = msgspec.structs.replace(
        config.server, host="127.0.0.1", port=0, token="", require_token=True, allowed_hosts=()
    )
    return msgspec.structs.replace(config, server=server)


def window(config: Config, catalogue: Catalogue | None = None) -> int:
    """The context window to tell the client, in tokens: the smallest that any of its models has.

    Without a ``catalogue`` by what is known of the models on this machine.
    """
    known = Catalogues(os.environ).known(config) if catalogue is None else catalogue
    return min(line.window for line in mapping(config, known))


def run(
    program: Path,
    arguments: Sequence[str],
    config: Config,
    environ: Mapping[str, str],
    *,
    store: RecordStore | None = None,
    trace: Path | None = None,
    source: Source | None = None,
) -> int:
    """Runs Claude Code to its end, gives its exit code. The gateway lives exactly as long.

    Records of its requests go to the ``store``, its wire to the file ``trace``. Raises `OSError` if there can be none.
    ``source`` is where ``config`` came from, and will change.
    """
    own = source and Fitted(source, lambda loaded: private(loaded.config), "`turnout claude`")
    with RunningGateway(private(config), store=store, trace=trace, source=own, refreshes=True) as gateway:
        room = window(config, gateway.gateway.live.catalogue)
        told = environment.for_claude(environ, gateway.base_url, gateway.token, room)
        return child.run([*locate.command(program), *arguments], told)
