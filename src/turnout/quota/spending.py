"""What has been spent through the API in place of the plan, per calendar month (UTC), in a small file.

The file is JSON: ``{"month": "2026-11", "dollars": 1.25, "answers": 40}``. Several processes write it, under its lock.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec

from turnout import log, paths
from turnout.accounts import atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILE = "spending.json"
LOCK_SECONDS = 5.0
FIRST_ANSWER = 0.05
"""US dollars that an answer is expected to cost as long as the month has none to go by."""


class Spent(msgspec.Struct, frozen=True):
    """What one month has cost."""

    month: str
    """``2026-11``."""
    dollars: float = 0.0
    answers: int = 0

    @property
    def average(self) -> float:
        """What an answer is to be expected to cost."""
        return self.dollars / self.answers if self.answers else FIRST_ANSWER

    def more(self, dollars: float) -> Spent:
        """With one answer more."""
        return Spent(self.month, self.dollars + dollars, self.answers + 1)


class Spending:
    """The account book."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """``path`` is the file, which need not exist. ``now`` gives Unix seconds."""
        self._path = path
        self._now = now
        self._unwritten = 0.0
        self.under_way = 0
        """Answers of this process whose cost is not in the book yet. Counted by whoever asks for them."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Spending:
        """This user's."""
        return cls(paths.state_dir(environ) / FILE)

    def this_month(self) -> Spent:
        """What this month has cost so far.

        Raises OSError and `msgspec.DecodeError`: who cannot count must not spend.
        """
        read = self._read()
        return Spent(read.month, read.dollars + self._unwritten, read.answers)

    def expected(self, spent: Spent) -> float:
        """What the month will have cost once the answers under way are over, each at the average."""
        return spent.dollars + self.under_way * spent.average

    def add(self, dollars: float) -> None:
        """Writes down what an answer has cost. What cannot be written counts for as long as this process lives."""
        from filelock import FileLock

        try:
            atomic.make_folder(self._path.parent)
            with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_SECONDS, mode=atomic.MODE):
                atomic.write(self._path, msgspec.json.encode(self._read().more(dollars)))
        except (OSError, TimeoutError, msgspec.DecodeError) as error:
            self._unwritten += dollars
            log.get().warning("spending_not_written", path=str(self._path), reason=str(error))

    def _read(self) -> Spent:
        month = time.strftime("%Y-%m", time.gmtime(self._now()))
        try:
            read = msgspec.json.decode(self._path.read_bytes(), type=Spent)
        except FileNotFoundError:
            return Spent(month)
        return read if read.month == month else Spent(month)
