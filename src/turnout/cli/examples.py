"""Examples in the help of a group's commands: the lines of the group's own examples that are about them.

They stand once, in the group's help, where they show what the group is for.
"""

from __future__ import annotations

import inspect
import re

import click


def hand_down(command: click.Command, path: str) -> None:
    """Gives each command inside a group the group's examples of it, unless its help has examples of its own.

    ``path`` is what is typed for ``command``: ``turnout accounts``.
    """
    if not isinstance(command, click.Group):
        return
    lines = _examples(command.help or "")
    for name, inner in command.commands.items():
        typed = f"{path} {name}"
        about = [line for line in lines if re.match(rf"{re.escape(typed)}(\s|$)", line)]
        if about and not inner.epilog and typed not in (inner.help or ""):
            inner.epilog = "\b\n" + "\n".join(about)
        hand_down(inner, typed)


def _examples(text: str) -> list[str]:
    """The lines of a help text's paragraphs that click keeps as they are, which begin with a line with \\b."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text))
    return [line.strip() for each in paragraphs if each.startswith("\b\n") for line in each[2:].splitlines()]
