"""`turnout statusline`: one line for Claude Code's status line. Without options it never gets here: see `main`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click


@click.command("statusline")
@click.option("--install", "installs", is_flag=True, help="Put it into Claude Code's settings; shows the change.")
@click.option("--uninstall", "uninstalls", is_flag=True, help="Take it out again.")
@click.option("--file", type=click.Path(path_type=Path, dir_okay=False), help="Settings file (default: your own).")
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(*, installs: bool, uninstalls: bool, file: Path | None, yes: bool) -> None:
    """Print the quota in one line, for Claude Code's status line.

    It asks nobody: what it shows is what the last answers have said, and what `turnout quota` was told. Inside
    `turnout claude` it is the account in use.

    \b
    turnout statusline
    turnout statusline --install    show the change, ask, keep a copy, write
    turnout statusline --uninstall  as it was before

    Or by hand, in Claude Code's settings (`~/.claude/settings.json`):

    \b
    "statusLine": {"type": "command", "command": "turnout statusline"}
    """
    if installs and uninstalls:
        raise click.UsageError("--install and --uninstall are opposites: choose one.")
    if installs:
        _install(file or _own_file(), yes=yes)
    elif uninstalls:
        _uninstall(file or _own_file())
    else:
        from turnout.quota import line

        line.show()


def _own_file() -> Path:
    from turnout.launch import client_settings

    return client_settings.config_folder(os.environ, sys.platform) / "settings.json"


def _install(file: Path, *, yes: bool) -> None:
    from turnout.cli.shell_init import how_to_run
    from turnout.launch import client_settings, status_line

    program = how_to_run()
    before = client_settings.content_of(file)
    after = status_line.with_line(before, file, program)
    if before == after:
        click.echo(f"{file} has it already.")
        return
    click.echo(client_settings.difference(before, after, file))
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Say --yes to write this without being asked.")
        click.confirm("\nWrite this?", abort=True, err=True)
    backup = status_line.install(file, program)
    copy = f" A copy of the file as it was: {backup}" if backup else ""
    click.echo(f"\nWritten.{copy}\nTo take it back: turnout statusline --uninstall")


def _uninstall(file: Path) -> None:
    from turnout.cli.shell_init import how_to_run
    from turnout.launch import status_line

    said = {
        "restored": f"{file} is as it was before.",
        "removed": f"{file} is removed: there was none before.",
        "taken_out": f"The line is out of {file}, which was changed since; the rest stays as it is.",
        "not_there": f"{file} has no status line of Turnout's.",
    }
    click.echo(said[status_line.uninstall(file, how_to_run())])
