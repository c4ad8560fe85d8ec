"""Writes docs/commands/: a page for each command, from the command line itself.

`python tools/commands.py` writes the pages, `--check` tells (exit code 1) which are missing, out of date, or of a
command that is no more.
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli.root import COMMANDS, EXIT_CODES, root, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent.parent / "docs" / "commands"
INDEX = "index.md"
WRITTEN = "<!-- Written by tools/commands.py from the command line itself. Do not edit. -->\n\n"

INDEX_HEAD = """\
# The command line

`turnout --help` lists the commands, `turnout COMMAND --help` says what one does, with examples; these pages are made
from the same texts.
"""

INDEX_END = """
## What holds for all of them

- What a program would read goes to standard output; remarks, questions and errors go to standard error.
- `--json` prints what a table shows, with stable names, for scripts.
- An error is one line, and a second one with what to do. A defect of Turnout's own leaves a report in the folder
  `crashes` beside its other state (`$TURNOUT_HOME/state`, else the system's usual place), with nothing of yours in it.
- Colours are for terminals; `NO_COLOR=1` does without them there too.
- Files of other programs are changed by two commands, which show the change and ask first: `turnout settings --apply`
  (undone by `--undo`) and the last question of `turnout setup`.

## Exit codes { #exit-codes }

| Code | Meaning |
|---|---|
"""


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made = {INDEX: WRITTEN + INDEX_HEAD + "".join(_index()) + INDEX_END + "".join(_codes())}
    for name in COMMANDS:
        command = root.get_command(click.Context(root), name)
        assert command is not None
        made[f"{name}.md"] = WRITTEN + "".join(_page(command, f"turnout {name}", depth=1)).rstrip() + "\n"
    return made


def _index() -> Iterator[str]:
    for title, names in sections().items():
        yield f"\n## {title}\n\n"
        for name in names:
            yield f"- [`turnout {name}`]({name}.md): {COMMANDS[name].summary}\n"


def _codes() -> Iterator[str]:
    for code, meaning in EXIT_CODES.items():
        yield f"| {code} | {meaning} |\n"


def _page(command: click.Command, path: str, *, depth: int) -> Iterator[str]:
    """A command and, one level deeper, its own commands."""
    context = click.Context(command, info_name=path)
    yield f"{'#' * depth} {path}\n\n"
    pieces = " ".join(command.collect_usage_pieces(context))
    yield f"```text\n{path} {pieces}\n```\n\n"
    yield from _text(command.help or "")
    options = [option for option in command.get_params(context) if option.get_help_record(context) is not None]
    if depth > 1:
        options = [option for option in options if option.name != "help"]
    if options:
        yield "Options:\n\n"
        for option in options:
            record = option.get_help_record(context)
            assert record is not None
            yield f"- `{record[0]}`: {_inline(record[1])}\n"
        yield "\n"
    yield from _text(command.epilog or "")
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _page(inner, f"{path} {name}", depth=depth + 1)


def _text(text: str) -> Iterator[str]:
    """The help's paragraphs; those whose lines are kept (click's mark for that is a line with \\b) as they are."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b\n"):
            yield f"```text\n{paragraph[2:]}\n```\n\n"
        else:
            yield f"{_inline(' '.join(paragraph.split()))}\n\n"


def _inline(text: str) -> str:
    """Text in which nothing but what stands between backticks is taken for markup."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([<>*_\[\]])", r"\\\1", part) for part in parts)


def main(arguments: list[str]) -> int:
    """Writes the pages, or compares them with those that are there."""
    made = pages()
    there = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.md")}
    if arguments == ["--check"]:
        wrong = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
        if wrong:
            sys.stderr.write(f"Out of date in docs/commands: {', '.join(wrong)}. Run `python tools/commands.py`.\n")
        return 1 if wrong else 0
    if arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    FOLDER.mkdir(exist_ok=True)
    for name in there.keys() - made.keys():
        (FOLDER / name).unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
