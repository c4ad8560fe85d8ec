"""Changes a configuration file: in one step, checked before, and with a copy kept of one in an older format.

What is changed and how the text looks then is `turnout.settings.editing`'s matter.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import atomic
from turnout.settings import SettingsError, check, editing, files, migrations, schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[str, Path], str]


class Edit(msgspec.Struct, frozen=True):
    """A change of a file that has not been made yet."""

    path: Path
    before: str
    """The file's text; empty if there is no file yet."""
    after: str
    backup: Path | None = None
    """Where a copy of the old one goes, since it is of an older format."""

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.before != self.after

    @property
    def difference(self) -> list[str]:
        """What changes, as lines of a diff without secrets."""
        return editing.difference(self.before, self.after, self.path)


def prepare(path: Path, change: Change) -> Edit:
    """The edit that ``change`` (of text and path) makes of the file. A file in an older format is brought up to date.

    Raises `SettingsError` if the file is broken before or would be after.
    """
    before = text(path)
    start = before or editing.new_file(path, f"./{schema.FILE_NAME}")
    outdated = migrations.moves(files.parse(start, path), f"the file {path}")
    after = change(editing.migrated(start, path) if outdated else start, path)
    _check(after, path)
    return Edit(path, before, after, _backup(path) if outdated else None)


def replacement(path: Path, after: str) -> Edit:
    """The edit that gives the file this text, whatever it holds now. Raises `SettingsError` if the text is wrong."""
    _check(after, path)
    return Edit(path, text(path), after)


def text(path: Path) -> str:
    """The file's text, empty if there is no file. Raises `SettingsError`."""
    return files.content(path) if path.exists() else ""


def _check(after: str, path: Path) -> None:
    for key, value in files.read_text(after, path).entries.items():
        check(key, value, f"the file {path}")


def migration(path: Path) -> Edit:
    """The edit that only brings the file up to date."""
    return prepare(path, lambda text, _: text)


def write(edit: Edit) -> None:
    """Makes the change. Raises `SettingsError` if the file has changed meanwhile, and `OSError`."""
    path = edit.path
    if text(path) != edit.before:
        raise SettingsError(f"The configuration file {path} was changed by somebody else just now. Try again.")
    target = path.resolve()  # a link to where the user keeps such files stays one
    mode = target.stat().st_mode & 0o777 if target.exists() else atomic.MODE
    if edit.backup is not None:
        atomic.write(edit.backup, edit.before.encode())
    beside = path.with_name(schema.FILE_NAME)
    if not edit.before or beside.is_file():  # one that is there is kept as new as this release
        atomic.write(beside, schema.encoded().encode())
    atomic.write(target, edit.after.encode())
    if mode != atomic.MODE and os.name == "posix":
        target.chmod(mode)


def _backup(path: Path) -> Path:
    """A name that is free: an earlier copy is never written over."""
    name = f"{path.name}.version-{migrations.FIRST}"
    numbered = (path.with_name(f"{name}{f'-{number}' if number else ''}.bak") for number in range(10_000))
    return next(each for each in numbered if not each.exists())
