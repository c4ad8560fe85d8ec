"""The end of a log file, and what is written to it from then on."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 64 * 1024
LOOK_SECONDS = 0.2


def last_lines(file: Path, count: int) -> list[str]:
    """The last ``count`` lines, oldest first. Raises OSError."""
    if count <= 0:
        return []
    with file.open("rb") as content:
        place = content.seek(0, os.SEEK_END)
        found = b""
        while place > 0 and found.count(b"\n") <= count:
            step = min(PIECE, place)
            place = content.seek(place - step)
            found = content.read(step) + found
    return found.decode("utf-8", "replace").splitlines()[-count:]


def follow(file: Path, place: int | None = None) -> Iterator[str]:
    """Whole lines as they come, for ever, from byte ``place`` on (from the end on if None).

    A file that has become shorter, or another one, was begun anew and is read from its beginning.
    """
    rest = b""
    identity: tuple[int, int] | None = None
    while True:
        try:
            found = file.stat()
        except FileNotFoundError:
            time.sleep(LOOK_SECONDS)
            continue
        if place is None:
            place = found.st_size
        here = (found.st_dev, found.st_ino)
        if found.st_size < place or (identity is not None and here != identity):
            place, rest = 0, b""
        identity = here
        if found.st_size == place:
            time.sleep(LOOK_SECONDS)
            continue
        with file.open("rb") as content:
            content.seek(place)
            data = content.read()
        place += len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in lines)
