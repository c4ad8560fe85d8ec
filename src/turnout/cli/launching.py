"""The steps of `turnout claude`: the program found or installed, the gateway chosen, what is in the way told."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from turnout.cli import options
from turnout.config import Config

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from turnout.gateway.server import RunningGateway
    from turnout.launch.claude import Start
    from turnout.launch.running import RunningGatewayInfo

HIDDEN = "ANTHROPIC_AUTH_TOKEN"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants to run."""

    program: Path
    arguments: tuple[str, ...]
    config: Config
    environ: Mapping[str, str]
    model: str = ""
    """Model that was named for it."""

    def start(self, url: str, token: str) -> Start:
        """How Claude Code is started on the gateway at ``url``. Raises `ClickException` if it would not use it."""
        from turnout.launch import claude

        try:
            return claude.prepared(
                self.program,
                self.arguments,
                self.config,
                self.environ,
                url=url,
                token=token,
                model=self.model,
                folder=options.here(),
            )
        except claude.LostSessionError as error:
            raise click.ClickException(
                f"Claude Code would not go through Turnout: {error} "
                "Take that out of the file, or leave out a --settings of your own, which would take its place."
            ) from None


def program(*, install: bool, ask: bool) -> Path:
    """Claude Code, installed first if it is missing and the user wants that. Raises `ClickException` if not."""
    from turnout.launch import install as installing
    from turnout.launch import locate

    found = locate.claude() or installing.installed()
    if found is not None:
        return found
    missing = f"Claude Code is not installed. {locate.HOW_TO_INSTALL}"
    if not install:
        if not (ask and sys.stdin.isatty() and sys.stderr.isatty()):
            raise click.ClickException(f"{missing} Or have Turnout do it: turnout claude --yes")
        click.echo(missing, err=True)
        click.confirm(f"Have npm install {installing.VERSION} into a folder of Turnout's own?", abort=True, err=True)
    try:
        return installing.install(lambda line: click.echo(f"  npm: {line}", err=True))
    except installing.InstallError as error:
        raise click.ClickException(str(error)) from None


def pick() -> None:
    """Has the user choose models; the choice is kept as `turnout models pick` keeps it."""
    from turnout.cli.models import pick as models_pick

    context = click.Context(models_pick, info_name="pick")
    with context:
        context.invoke(models_pick)


def joinable(config: Config) -> RunningGatewayInfo | None:
    """The gateway that runs, if this session can use it. Why it cannot is told."""
    from turnout.launch.running import find_running

    running = find_running()
    if running is None:
        return None
    from turnout.launch import joining

    obstacle = joining.obstacle(running, config)
    if not obstacle:
        return running
    _remark(f"The gateway that runs is not used: {obstacle}. This session gets one of its own.")
    return None


def join(session: Session, running: RunningGatewayInfo) -> int:
    """Runs Claude Code on the gateway that runs; gives its exit code."""
    from turnout.launch import claude

    start = session.start(running.url, running.token)
    _tell_answered(start)
    return claude.run_joined(start)


def on_private_gateway(session: Session, flags: Mapping[str, object], *, trace: Path | None, verbose: bool) -> int:
    """Runs Claude Code on a gateway of its own; gives its exit code."""
    from turnout import log, paths
    from turnout.launch import claude
    from turnout.launch.backstage import Backstage

    wanted = claude.PrivateGateway(
        store=options.record_store(session.config), trace=trace, source=options.source(flags)
    )
    settings = {**os.environ, "TURNOUT_LOG_LEVEL": "debug"} if verbose else os.environ
    with log.open_file(paths.log_file()) as file:  # the terminal is Claude Code's

        def make(config: Config, sockets: list[socket.socket]) -> RunningGateway:
            log.from_environment(settings, file)
            return wanted.make(config, sockets)

        with Backstage(session.config, make) as stage:
            start = session.start(stage.base_url, stage.token)
            _tell_answered(start)
            return claude.run_private(stage, start, at_once=trace is not None)


def show(session: Session, running: RunningGatewayInfo | None) -> None:
    """Prints what would be run. The token is hidden."""
    from turnout.cli.mapping_view import mapping_lines

    url = running.url if running else "http://127.0.0.1:PORT"
    start = session.start(url, running.token if running else "TOKEN")
    click.echo(f"Gateway: {f'the one that runs, {url}' if running else 'a private one, on a free port'}")
    for line in mapping_lines(session.config):
        click.echo(f"  {line}")
    click.echo("\nVariables for Claude Code alone:")
    for name, value in sorted(start.variables.items()):
        if session.environ.get(name) != value:
            click.echo(f"  {name}={'(one-time token)' if name == HIDDEN else value}")
    for name in sorted(set(session.environ) - set(start.variables)):
        click.echo(f"  {name} is left out")
    if start.answered:
        click.echo("\nAnswered with a --settings file for this session:")
        for each in start.answered:
            click.echo(f"  {each.file} {each.effect}")
    click.echo(f"\nCommand:\n  {_line([*start.program, *start.arguments])}")


def show_alone(found: Path, arguments: Sequence[str]) -> None:
    """Prints what would be run without a gateway."""
    from turnout.launch import locate

    click.echo(f"No gateway, no variables.\n\nCommand:\n  {_line([*locate.command(found), *arguments])}")


def _tell_answered(start: Start) -> None:
    for each in start.answered:
        _remark(f"{each.file} {each.effect}. For this session Turnout's own counts; the file stays as it is.")


def _remark(text: str) -> None:
    click.echo(f"{click.style('turnout:', fg='yellow', bold=True)} {text}", err=True)


def _line(words: Sequence[str]) -> str:
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
