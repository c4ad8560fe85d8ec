"""`turnout shell-init`: two short commands for the user's shell."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.launch.shells import SHELLS

if TYPE_CHECKING:
    from turnout.launch.shells import Shell


@click.command("shell-init")
@click.argument("shell", required=False, type=click.Choice(SHELLS), metavar="[SHELL]")
def command(shell: Shell | None) -> None:
    """Print two short commands for your shell: ccy and cpstop.

    `ccy` starts the gateway if it does not run and then Claude Code on it, with whatever follows; `cpstop` stops the
    gateway. SHELL is bash, zsh, fish, powershell or cmd; left out, it is your own. No file is changed: put the line
    that fits your shell where it reads it at its start.

    \b
    eval "$(turnout shell-init)"                     in ~/.bashrc or ~/.zshrc
    turnout shell-init fish | source                 in ~/.config/fish/config.fish
    turnout shell-init powershell | Out-String | Invoke-Expression    in $PROFILE
    """
    from turnout.launch import shells

    wanted = shell or shells.guess(os.environ, sys.platform)
    click.echo(shells.aliases(wanted, how_to_run()), nl=False)
    if sys.stdout.isatty():
        line = shells.EVALUATE[wanted].format(command=f"turnout shell-init {wanted}")
        click.echo(
            f"\nTo have them in every new shell, put this into {shells.START_FILES[wanted]}:\n\n  {line}", err=True
        )


def how_to_run() -> tuple[str, ...]:
    """What runs Turnout in another shell: its name where that is found, else the very program that runs now."""
    found = shutil.which("turnout")
    if found is not None and Path(found).resolve() == Path(sys.argv[0]).resolve():
        return ("turnout",)
    beside = Path(sys.executable).with_name("turnout.exe" if sys.platform == "win32" else "turnout")
    return (str(beside),) if beside.is_file() else (sys.executable, "-m", "turnout")
