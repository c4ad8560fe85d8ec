"""What is left of a defect: a report in a file, fit to be shown to others. The user gets one line and the file's name.

In it are versions, the command's name, and where in the code it happened; no argument, no variable, no value of the
program, for any of them could be a prompt or a key.
"""

from __future__ import annotations

import contextlib
import platform
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from turnout import __version__, paths
from turnout.accounts import atomic
from turnout.ledger import redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

KEPT = 10
"""Reports that are kept; the oldest go."""
SECRET_NAMES = ("KEY", "TOKEN", "SECRET", "PASSWORD")
"""A variable whose name ends so holds a secret."""
SHORTEST = 4
"""Letters from which on a text is taken out wherever it occurs; shorter ones occur everywhere."""


def keep(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> Path | None:
    """Writes the report and gives its file; None if it can be written nowhere."""
    try:
        folder = paths.state_dir(environ) / "crashes"
        file = folder / f"crash-{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 1_000_000_000:09}.txt"
        atomic.write(file, report(error, arguments, environ).encode())
        for old in sorted(folder.glob("crash-*.txt"))[:-KEPT]:
            with contextlib.suppress(OSError):
                old.unlink()
    except OSError:
        return None
    return file


def report(error: BaseException, arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The report's text."""
    head = (
        "A defect in Turnout. Nothing in this file comes from your prompts, files or logins; read it all the same "
        "before you show it to anyone.\n\n"
        f"Turnout {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()} "
        f"({platform.machine()})\n"
        f"Command: turnout {' '.join(_named(arguments))}\n\n"
    )
    unsaid = [
        *(each for each in arguments if not each.startswith("-") and each not in _named(arguments)),
        *(value for name, value in environ.items() if name.upper().endswith(SECRET_NAMES)),
    ]
    return head + "".join(_told(error, unsaid))


def _named(arguments: Sequence[str]) -> list[str]:
    """The command, and the options by name: what stands behind them may be anything."""
    shown = list(_commands(arguments))
    for each in arguments[len(shown) :]:
        if each == "--":
            break
        if each.startswith("--"):
            shown.append(each.partition("=")[0])
    return shown


def _commands(arguments: Sequence[str]) -> Iterator[str]:
    """The words in front that are names of commands."""
    import click

    from turnout.cli.root import COMMANDS, root

    if not arguments or arguments[0] not in COMMANDS:
        return
    yield arguments[0]
    try:
        command = root.get_command(click.Context(root), arguments[0])
    except Exception:  # noqa: BLE001 - it may be what has failed
        return
    for each in arguments[1:]:
        if not isinstance(command, click.Group) or each not in command.commands:
            return
        yield each
        command = command.commands[each]


def _told(error: BaseException, unsaid: Sequence[str]) -> Iterator[str]:
    """Where it happened, and what each error of the chain says, the first cause first."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _told(cause, unsaid)
        yield "\nAfter that:\n\n"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {_place(frame.filename)}:{frame.lineno}, {frame.name}\n"
    kind = type(error)
    yield f"{kind.__module__}.{kind.__qualname__}: {_without(redact.of_failure(str(error)), unsaid)}\n"


def _place(file: str) -> str:
    """A source file without the user's folders."""
    path = Path(file)
    for folder in (Path(__file__).parent.parent.parent, *(Path(each) for each in sys.path if each)):
        with contextlib.suppress(ValueError):
            return path.relative_to(folder).as_posix()
    return path.name


def _without(text: str, unsaid: Sequence[str]) -> str:
    """The text without these, and without the name of the user's home."""
    with contextlib.suppress(RuntimeError):
        text = text.replace(str(Path.home()), "~")
    for each in sorted({each for each in unsaid if len(each) >= SHORTEST}, key=len, reverse=True):
        text = text.replace(each, "(hidden)")
    return text
