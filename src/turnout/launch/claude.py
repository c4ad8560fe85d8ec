"""Claude Code on a gateway: one that runs, or a private one that ends with it. It alone gets the environment."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout.discovery.catalogues import Catalogues
from turnout.launch import child, client_settings, conflicts, environment, locate
from turnout.launch.backstage import listening_as
from turnout.launch.conflicts import Conflict
from turnout.routing.mapping import mapping
from turnout.scratch import ScratchFolder
from turnout.settings import Fitted

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence

    from turnout.config import Config
    from turnout.gateway.server import RunningGateway
    from turnout.launch.backstage import Backstage
    from turnout.ledger.store import RecordStore
    from turnout.models.catalogue import Catalogue
    from turnout.settings import Source

NO_SESSION = {"--version", "-v", "--help", "-h"}
NO_SESSION_COMMANDS = {
    *("auth", "doctor", "import", "install", "logs", "mcp", "plugin", "plugins", "project", "purge", "rm"),
    *("setup-token", "stop", "kill", "update", "upgrade", "gateway"),
}
"""What Claude Code does without asking any model (`claude --help` of both pinned versions)."""


class LostSessionError(Exception):
    """The client's settings lead past the gateway, and nothing that the launcher may do changes that."""

    def __init__(self, found: Sequence[Conflict]) -> None:
        super().__init__(" ".join(f"{each.file} {each.effect}." for each in found))
        self.found = found


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """How Claude Code is to be started."""

    program: tuple[str, ...]
    arguments: tuple[str, ...]
    variables: dict[str, str]
    """Its whole environment."""
    answered: tuple[Conflict, ...]
    """What its settings files say otherwise, and `--settings` answers."""


def asks_models(arguments: Sequence[str]) -> bool:
    """Whether Claude Code, started so, will want a gateway."""
    return not (arguments and (arguments[0] in NO_SESSION_COMMANDS or NO_SESSION & set(arguments[:1])))


def window(config: Config, catalogue: Catalogue | None = None, model: str = "") -> int:
    """The context window to tell the client, in tokens: the smallest that any of its models has.

    Without a ``catalogue`` by what is known of the models on this machine. ``model`` is one that the user has named.
    """
    known = Catalogues(os.environ).known(config) if catalogue is None else catalogue
    windows = [line.window for line in mapping(config, known)]
    facts = known.get(model)
    return min([*windows, facts.usable_window] if facts else windows)


def longest_answer(config: Config, catalogue: Catalogue, model: str = "") -> int | None:
    """What every model of the session can say at once, in tokens, as far as that is known; None if it is of none."""
    found = [catalogue.get(name) for name in (model, *(line.model for line in mapping(config, catalogue)))]
    limits = [facts.output_limit for facts in found if facts is not None and facts.output_limit is not None]
    return min(limits, default=None)


def prepared(
    program: Path,
    arguments: Sequence[str],
    config: Config,
    environ: Mapping[str, str],
    *,
    url: str,
    token: str,
    model: str = "",
    folder: Path | None = None,
) -> Start:
    """How to start Claude Code for a session through the gateway at ``url``. Starts and writes nothing.

    ``folder`` is where the user is: its settings count. Raises `LostSessionError`.
    """
    catalogue = Catalogues(environ).known(config)
    variables = environment.for_claude(
        environ,
        url,
        token,
        window(config, catalogue, model),
        output=longest_answer(config, catalogue, model),
        version=locate.version(program),
    )
    found = conflicts.found(client_settings.files(environ, sys.platform, folder), url, token)
    if lost := conflicts.unanswerable(found, arguments):
        raise LostSessionError(lost)
    if conflicts.gives_settings(arguments):
        found = []  # what is left is harmless
    return Start(
        program=tuple(locate.command(program)), arguments=tuple(arguments), variables=variables, answered=tuple(found)
    )


def run_alone(program: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs Claude Code as it is, for what needs no gateway; gives its exit code."""
    return child.run([*locate.command(program), *arguments], environ)


def run_joined(start: Start) -> int:
    """Runs Claude Code on a gateway that runs; gives its exit code."""
    with _answering(start) as command:
        return child.run(command, start.variables)


class PrivateGateway(msgspec.Struct, frozen=True, kw_only=True):
    """What a private gateway is made with, beside its configuration."""

    store: RecordStore | None = None
    """Where records of its requests go."""
    trace: Path | None = None
    """File for its wire."""
    source: Source | None = None
    """Where the configuration came from, and will change."""

    def make(self, config: Config, sockets: list[socket.socket]) -> RunningGateway:
        from turnout.gateway.server import RunningGateway  # 200 ms, in which the client starts

        own = self.source and Fitted(
            self.source, lambda changed: listening_as(changed.config, config), "`turnout claude`"
        )
        return RunningGateway(config, store=self.store, trace=self.trace, source=own, refreshes=True, sockets=sockets)


def run_private(stage: Backstage, start: Start, *, at_once: bool) -> int:
    """Runs Claude Code to its end on the private gateway, gives its exit code. The gateway ends after it.

    With ``at_once`` the client waits until the gateway is there. Raises what hinders the gateway.
    """

    def begin(process: subprocess.Popen[bytes]) -> None:
        if not at_once:
            stage.begin(process.terminate)

    with _answering(start) as command:
        if at_once:
            stage.load()
        code = child.run(command, start.variables, started=begin)
    if stage.failure is not None:
        raise stage.failure
    return code


@contextlib.contextmanager
def _answering(start: Start) -> Iterator[Sequence[str]]:
    """The command; what the settings files say otherwise is answered by a file of its own, for this session."""
    if not start.answered:
        yield [*start.program, *start.arguments]
        return
    with ScratchFolder("turnout-") as folder:  # only its owner may look into it
        file = Path(folder) / "settings.json"
        file.write_text(json.dumps(conflicts.answer(start.answered)), "utf-8")
        yield [*start.program, conflicts.OWN_OPTION, str(file), *start.arguments]
