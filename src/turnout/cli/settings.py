"""`turnout settings`: the gateway in Claude Code's own settings, shown, written on request, and taken out again."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from turnout.launch.client_settings import Undone
    from turnout.launch.outside import Target


@click.command("settings")
@click.option("--apply", "applies", is_flag=True, help="Write it into the settings file, after showing what changes.")
@click.option("--undo", "undoes", is_flag=True, help="Bring every file back that --apply has changed.")
@click.option(
    "--scope",
    type=click.Choice(("user", "project", "local")),
    default="user",
    help="user (default): your own file. project, local: the files of this folder's project.",
)
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Another settings file.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.config_file
def command(*, applies: bool, undoes: bool, scope: str, file: Path | None, yes: bool, config_path: Path | None) -> None:
    """Print a snippet of Claude Code's settings that points it at the gateway.

    With it, `claude` by itself, editors and desktop programs use the gateway too. It has to run then: start it with
    `turnout up`, or for good with `turnout service install`. Nothing is changed without --apply.

    \b
    turnout settings                        the snippet
    turnout settings --apply                show the change, ask, write
    turnout settings --apply --scope local  for this project only, for you only
    turnout settings --undo                 back to what it was, byte for byte

    --undo restores the copy if nobody has changed the file since; otherwise it takes out what was put in and leaves
    the rest. `turnout claude` needs none of this.
    """
    if applies and undoes:
        raise click.UsageError("--apply and --undo are opposites: choose one.")
    if undoes:
        _undo()
        return
    from turnout.cli import readiness
    from turnout.launch import outside
    from turnout.launch.running import find_running

    config = readiness.fitted(options.resolve({}, config_path))
    target = outside.target(config, find_running(os.environ), os.environ)
    variables = outside.variables(target, config, _without_proxies())
    if applies:
        _apply(file or _of(scope), variables, target, yes=yes)
        return
    _remark(target)
    click.echo(json.dumps({"env": variables}, indent=2))


def _without_proxies() -> dict[str, str]:
    """The environment without proxies: those of this shell have no business in a file."""
    from turnout.launch import environment, outside

    return {name: value for name, value in os.environ.items() if name not in (*outside.PROXIES, *environment.NO_PROXY)}


def _remark(target: Target) -> None:
    """What the user should know before this goes into a file: on stderr, since the snippet may go into a pipe."""
    if not target.lasting:
        click.echo(
            "turnout: Address and token are those of the gateway that runs now, and end with it. Those of a gateway "
            "that `turnout up` starts are kept.",
            err=True,
        )
    elif not target.runs:
        click.echo("turnout: No gateway runs now. Start it with: turnout up", err=True)


def _of(scope: str) -> Path:
    from turnout.launch import client_settings

    there = client_settings.files(os.environ, sys.platform, Path.cwd())
    return next(each.path for each in there if each.scope == scope)


def _apply(file: Path, variables: dict[str, str], target: Target, *, yes: bool) -> None:
    from turnout.launch import client_settings
    from turnout.protocol.errors import FailureKind, fail

    if not target.lasting:
        raise fail(
            FailureKind.BAD_REQUEST,
            "The token or port of this gateway ends with it, so that settings with them would soon lead nowhere.",
            "End it, and start one that keeps them: turnout up",
        )
    before = file.read_bytes() if file.exists() else None
    after = client_settings.merged(before, variables, file)
    if before == after:
        click.echo(f"{file} points at {target.url} already.")
        return
    click.echo(client_settings.difference(before, after, file, frozenset({target.token})))
    for remark in _in_the_way(client_settings.read(file) if before is not None else {}):
        click.echo(f"\n{click.style('Note:', fg='yellow', bold=True)} {remark}")
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Say --yes to write this without being asked.")
        click.confirm("\nWrite this?", abort=True, err=True)
    written = client_settings.apply(file, variables, os.environ)
    copy = f" A copy of the file as it was: {written.backup}" if written.backup else ""
    click.echo(f"\nWritten.{copy}\nTo take it back: turnout settings --undo")
    if not target.runs:
        click.echo("No gateway runs now. Start it with: turnout up")


def _in_the_way(held: dict[str, object]) -> list[str]:
    """What in the same file would have Claude Code use something else."""
    from turnout.launch import client_settings, environment

    remarks = [
        f"{name} in the same file may send Claude Code elsewhere; take it out yourself if it does."
        for name in client_settings.variables_in(held)
        if name in environment.ELSEWHERE
    ]
    if held.get("apiKeyHelper"):
        remarks.append("apiKeyHelper in the same file gives Claude Code another key than the gateway's token.")
    return remarks


def _undo() -> None:
    from turnout.launch import client_settings

    written = client_settings.applied(os.environ)
    if not written:
        click.echo("There is nothing to take back: no settings file has anything of Turnout's.")
    for each in written:
        click.echo(_said(client_settings.undo(each, os.environ)))


def _said(done: Undone) -> str:
    match done.how:
        case "restored":
            return f"{done.path} is as it was."
        case "removed":
            return f"{done.path} is gone: there was none before."
        case "gone":
            return f"{done.path} has been deleted meanwhile: nothing to do."
        case "taken_out":
            kept = f" {', '.join(done.kept)} stays: it has another value by now." if done.kept else ""
            return f"{done.path} was changed since. What Turnout put in is out; the rest is as you left it.{kept}"
