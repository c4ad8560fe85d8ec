"""`turnout env`: the variables that point a client at the gateway, as a shell or a file wants them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from turnout.cli import options
from turnout.launch.shells import FORMS

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.launch.shells import Form


@click.command("env")
@click.argument("form", required=False, type=click.Choice(FORMS), metavar="[FORM]")
@click.option("--unset", is_flag=True, help="Print what removes the variables again.")
@options.config_file
def command(*, form: Form | None, unset: bool, config_path: Path | None) -> None:
    """Print the variables that point Claude Code at the running gateway.

    FORM is bash, zsh, fish, powershell, cmd, json or dotenv; left out, it is your shell's. Nothing is changed: your
    shell takes in what it evaluates, for as long as it runs. The variables are for the gateway that runs now; if none
    runs, for the one that `turnout up` starts, whose token is kept from its first start on.

    \b
    eval "$(turnout env)"          bash, zsh
    turnout env fish | source
    turnout env powershell | Out-String | Invoke-Expression
    turnout env dotenv > .env      for an editor; it holds the gateway's token
    eval "$(turnout env --unset)"  back to Anthropic

    `turnout claude` needs none of this: it tells Claude Code alone.
    """
    from turnout.cli import readiness
    from turnout.launch import outside, shells
    from turnout.launch.running import find_running

    wanted = form or shells.guess(os.environ, sys.platform)
    if unset:
        click.echo(shells.removals(wanted, outside.names()), nl=False)
        return
    config = readiness.fitted(options.resolve({}, config_path))
    target = outside.target(config, find_running(os.environ), os.environ)
    told = outside.variables(target, config, os.environ)
    if not target.runs:
        click.echo("turnout: No gateway runs now. Start it with: turnout up", err=True)
    click.echo(shells.exports(wanted, told), nl=False)
