"""Turnout's line in Claude Code's own settings: put in and taken out again, everything else in the file as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from turnout.accounts import atomic
from turnout.launch import client_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SETTING = "statusLine"
BACKUP_SUFFIX = ".before-turnout-statusline"
WORD = "statusline"
"""The last word of the command; the one before it is how Turnout is run."""

Removal = Literal["restored", "removed", "taken_out", "not_there"]
"""``restored``: as it was before, byte for byte. ``removed``: there was no file before. ``taken_out``: the file was
changed since, so only the line left it (or gave way to the one before it). ``not_there``: the line is not Turnout's."""


def setting(program: Sequence[str]) -> dict[str, str]:
    """The value of the setting. ``program`` is how Turnout is run.

    The command goes through a shell, that of Windows among them: both take double quotes.
    """
    words = [f'"{word}"' if " " in word or "\\" in word else word for word in (*program, WORD)]
    return {"type": "command", "command": " ".join(words)}


def with_line(before: bytes | None, file: Path, program: Sequence[str]) -> bytes:
    """The file's content with the line in it. Raises `TurnoutError` (`BAD_REQUEST`) if it is no settings file."""
    held = client_settings.decode(before, file) if before is not None else {}
    return client_settings.encode({**held, SETTING: setting(program)}, before)


def backup_of(file: Path) -> Path:
    """Where the file is kept as it was."""
    return file.with_name(file.name + BACKUP_SUFFIX)


def install(file: Path, program: Sequence[str]) -> Path | None:
    """Writes the line into the file; gives the copy of the file as it was, None if there was none.

    Raises `TurnoutError` (`BAD_REQUEST`) and OSError; nothing has happened then.
    """
    target = file.resolve() if file.is_symlink() else file  # a link must stay one
    before = client_settings.content_of(target)
    after = with_line(before, file, program)
    backup = backup_of(target)
    if before is None:
        backup.unlink(missing_ok=True)  # of a file that is gone
    elif not _is_ours(client_settings.decode(before, file)):
        client_settings.write_like(backup, before, target)  # installed twice, the first copy is the one to bring back
    atomic.make_folder(target.parent)
    client_settings.write_like(target, after, target)
    return backup if backup.exists() else None


def uninstall(file: Path, program: Sequence[str]) -> Removal:
    """Takes the line out again. Raises `TurnoutError` (`BAD_REQUEST`) and OSError."""
    target = file.resolve() if file.is_symlink() else file
    now = client_settings.content_of(target)
    backup = backup_of(target)
    before = client_settings.content_of(backup)
    if now is None or not _is_ours(client_settings.decode(now, file)):
        return "not_there"
    done: Removal
    if now == with_line(before, file, program):
        if before is None:
            target.unlink()
            done = "removed"
        else:
            client_settings.write_like(target, before, target)
            done = "restored"
    else:
        held = client_settings.decode(now, file)
        earlier = client_settings.decode(before, file).get(SETTING) if before is not None else None
        if earlier is None:
            del held[SETTING]
        else:
            held[SETTING] = earlier
        client_settings.write_like(target, client_settings.encode(held, now), target)
        done = "taken_out"
    backup.unlink(missing_ok=True)
    return done


def _is_ours(held: dict[str, Any]) -> bool:
    line = held.get(SETTING)
    command = line.get("command") if isinstance(line, dict) else None
    return isinstance(command, str) and command.endswith(f" {WORD}") and "turnout" in command
