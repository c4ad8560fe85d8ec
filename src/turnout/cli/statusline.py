"""`turnout statusline`: one line for Claude Code's status line. Without options it never gets here: see `main`."""

from __future__ import annotations

import click


@click.command("statusline")
def command() -> None:
    """Print the quota in one line, for Claude Code's status line.

    It asks nobody: what it shows is what the last answers have said, and what `turnout quota` was told. Inside
    `turnout claude` it is the account in use.

    \b
    turnout statusline

    In Claude Code's settings (`~/.claude/settings.json`):

    \b
    "statusLine": {"type": "command", "command": "turnout statusline"}
    """
    from turnout.quota import line

    line.show()
