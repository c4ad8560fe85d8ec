"""Writes a credential file so that a crash, a full disk or a `kill -9` at any moment leaves the old content or the new.

The new content goes into a file beside, which is made and filled with as much space as it will need *before* the thing
happens that cannot be taken back; then it takes the old one's place. Knows nothing of what it writes.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

MODE = 0o600
FOLDER_MODE = 0o700
NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
BUSY_SECONDS = 2.0
"""How long a file is waited for that another program has open (Windows)."""


class Replacement:
    """A file's next content, on its way. Use it as a context manager: what was not committed is removed."""

    def __init__(self, target: Path, beside: Path, reserve: int) -> None:
        """Makes ``beside``, which must lie in the folder of ``target``, and takes ``reserve`` bytes of the disk.

        Raises OSError when the folder cannot be written or the disk is full: nothing has happened then.
        """
        self._target = target
        self._beside = beside
        beside.unlink(missing_ok=True)
        self._file: int | None = os.open(
            beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), MODE
        )
        try:
            _keep_owner(self._file, target)
            _write(self._file, b" " * reserve)
            os.fsync(self._file)
            os.lseek(self._file, 0, os.SEEK_SET)
        except BaseException:
            self.discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()

    def commit(self, content: bytes) -> None:
        """Puts ``content`` in the target's place, for good: it is on the disk when this returns. Raises OSError.

        Its first step puts all of ``content`` into ``beside``: whoever finds it there can finish the work.
        """
        if self._file is None:
            raise RuntimeError("The replacement has been committed or discarded.")
        _write(self._file, content)
        os.ftruncate(self._file, len(content))
        os.fsync(self._file)
        file, self._file = self._file, None
        os.close(file)
        replace(self._beside, self._target)

    def discard(self) -> None:
        """Removes what was not committed."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)
            with contextlib.suppress(OSError):
                self._beside.unlink()


def write(target: Path, content: bytes) -> None:
    """Replaces the file's content in one step, or makes the file; its folder is made too. Raises OSError."""
    make_folder(target.parent)
    with Replacement(target, target.with_name(f".{target.name}.{os.getpid()}.new"), 0) as replacement:
        replacement.commit(content)


def replace(beside: Path, target: Path) -> None:
    """Puts one file in the other's place, and the change of the folder on the disk. Raises OSError."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            beside.replace(target)
            break
        except PermissionError:
            if os.name != "nt" or time.monotonic() > deadline:
                raise
            time.sleep(0.02)  # another program reads it just now
    _sync_folder(target.parent)


def make_folder(folder: Path) -> None:
    """Makes a folder that only its owner can read, if it is not there. Raises OSError."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def _write(file: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]


def _keep_owner(file: int, target: Path) -> None:
    """Lets the file belong to whom the old one belongs: `sudo turnout` must not take a user's login away."""
    if os.name != "posix":
        return
    try:
        owner = target.stat()
    except FileNotFoundError:
        return
    if owner.st_uid != os.geteuid():
        os.fchown(file, owner.st_uid, owner.st_gid)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    except OSError:
        pass  # some network file systems cannot; the rename itself has been done
    finally:
        os.close(handle)
