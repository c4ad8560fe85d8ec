"""Where records are kept: the interface, and files of JSON lines, one record a line, one file a day.

The files are for this user's eyes only (0600), bounded in size, and may be written by several processes at once. A
reader takes what it can read: a damaged line, or one of a later version, is passed over.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.ledger.record import RequestRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

LIMIT = 32 * 1024 * 1024
"""Bytes of all files together: some 30,000 requests."""
PART = 4 * 1024 * 1024
"""Bytes after which a day gets a further file."""
PIECE = 64 * 1024
"""Bytes that a reader takes at once, from the end of a file on."""

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(RequestRecord).decode


class RecordStore(Protocol):
    """Keeps records beyond the life of a process. Its methods may block: they are not for an event loop."""

    def append(self, records: Sequence[RequestRecord]) -> None:
        """Adds records, in the order of their ends. Raises `OSError`."""
        ...

    def latest(self, limit: int) -> list[RequestRecord]:
        """The newest records, newest first. Raises `OSError`."""
        ...

    def matching(self, piece: str, limit: int) -> list[RequestRecord]:
        """Records whose id begins or ends so, newest first. Raises `OSError`."""
        ...


class JsonLinesStore:
    """Records in files ``2026-11-20.jsonl``, ``2026-11-20.1.jsonl`` … of one folder; days are UTC."""

    def __init__(
        self, folder: Path, *, limit: int = LIMIT, part: int = PART, now: Callable[[], float] = time.time
    ) -> None:
        """``limit`` and ``part`` are in bytes; ``now`` gives Unix seconds. The folder is made when it is needed."""
        self._folder = folder
        self._limit = limit
        self._part = min(part, max(1, limit // 4))
        self._now = now

    def append(self, records: Sequence[RequestRecord]) -> None:
        if not records:
            return
        lines = b"".join(_encode(record) + b"\n" for record in records)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._file_of_today()
        is_new = not path.exists()
        # One write at the end of the file: lines of several processes do not mix.
        with open(path, "ab", buffering=0, opener=_for_the_user_only) as file:
            file.write(lines)
        if is_new:
            self._drop_oldest()

    def latest(self, limit: int) -> list[RequestRecord]:
        return list(itertools.islice(self._records(b""), limit))

    def matching(self, piece: str, limit: int) -> list[RequestRecord]:
        fitting = (
            record
            for record in self._records(piece.encode())
            if record.request_id.startswith(piece) or record.request_id.endswith(piece)
        )
        return list(itertools.islice(fitting, limit))

    def _records(self, mark: bytes) -> Iterator[RequestRecord]:
        """All records whose line holds the mark, newest first."""
        for path in reversed(self._files()):
            with contextlib.suppress(FileNotFoundError):  # another process may have dropped it by now
                for line in _lines_from_the_end(path):
                    if mark in line and (record := _read(line)) is not None:
                        yield record

    def _files(self) -> list[Path]:
        """The files there are, oldest first."""
        try:
            found = [path for path in self._folder.iterdir() if path.name.endswith(".jsonl")]
        except FileNotFoundError:
            return []
        return sorted(found, key=_order)

    def _file_of_today(self) -> Path:
        day = time.strftime("%Y-%m-%d", time.gmtime(self._now()))
        parts = [path for path in self._files() if path.name.startswith(day)]
        if not parts:
            return self._folder / f"{day}.jsonl"
        last = parts[-1]
        if last.stat().st_size < self._part:
            return last
        return self._folder / f"{day}.{_order(last)[1] + 1}.jsonl"

    def _drop_oldest(self) -> None:
        sizes = [(path, path.stat().st_size) for path in self._files()]
        total = sum(size for _, size in sizes) + self._part  # the file that was begun will grow to that
        for path, size in sizes[:-1]:
            if total <= self._limit:
                break
            with contextlib.suppress(OSError):  # gone already, or held open by a reader (Windows): next time
                path.unlink()
            total -= size


def _for_the_user_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _order(path: Path) -> tuple[str, int]:
    day, _, part = path.name.removesuffix(".jsonl").partition(".")
    return day, int(part) if part.isdigit() else 0


def _read(line: bytes) -> RequestRecord | None:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _lines_from_the_end(path: Path) -> Iterator[bytes]:
    """The lines of a file, the last one first. Reads no more of it than is asked for."""
    with path.open("rb") as file:
        position = file.seek(0, os.SEEK_END)
        rest = b""
        while position > 0:
            size = min(PIECE, position)
            position -= size
            file.seek(position)
            first, *lines = (file.read(size) + rest).split(b"\n")
            yield from (line for line in reversed(lines) if line)
            rest = first
        if rest:
            yield rest
