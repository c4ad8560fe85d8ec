"""The last known quota of each account, in memory and in a small file that the status line and other processes read.

The file is JSON: ``{"version": 1, "accounts": {NICKNAME: …}, "asked": {NICKNAME: Unix seconds}}``, each account as
`turnout.quota.windows.Quota` has it. Several processes write it, each under its lock, and the newer figures win.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import msgspec

from turnout import log, paths
from turnout.accounts import atomic
from turnout.quota.windows import Quota, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

FILE = "quota.json"
VERSION = 1
SAVE_SECONDS = 1.0
"""How long news may wait to be written."""
SAME_SECONDS = 15.0
"""Figures that say nothing new are written no more often than this: then only their age is new."""
KEPT_SECONDS = 35 * 86_400
"""How long figures of an account are kept that has said nothing since: the longest window is a month."""
LOCK_SECONDS = 5.0


class _File(msgspec.Struct, omit_defaults=True):
    """What the file holds."""

    version: int = VERSION
    accounts: dict[str, Quota] = {}
    asked: dict[str, float] = {}
    """When the usage endpoint was last asked, whatever came of it (Unix seconds)."""


class Board:
    """The last known figures. For one thread: the event loop's."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        """``path`` is the file, which need not exist. ``now`` gives Unix seconds."""
        self._path = path
        self._now = now
        self._known: dict[str, Quota] = {}
        self._read_once = False
        self._asked: dict[str, float] = {}
        self._written: dict[str, Quota] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._saving: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Board:
        """This user's board."""
        return cls(paths.state_dir(environ) / FILE)

    def get(self, account: str, tag: str = "") -> Quota | None:
        """What is known of an account; nothing if the figures under its nickname are those of another one."""
        known = self._all().get(account)
        return known if known is None or not tag or known.tag == tag else None

    def all(self) -> dict[str, Quota]:
        """What is known, by nickname."""
        return dict(self._all())

    def saw(self, seen: Quota) -> Quota:
        """Takes in what was just said of an account; what is known of it now."""
        known = self._all()
        quota = known[seen.account] = joined(known.get(seen.account), seen)
        return quota

    def saw_soon_written(self, seen: Quota) -> Quota:
        """`saw`, and the file is written in a moment. To be called in the event loop."""
        quota = self.saw(seen)
        if self._timer is None and self._is_news(quota):
            self._timer = asyncio.get_running_loop().call_later(SAVE_SECONDS, self._begin_saving)
        return quota

    def reload(self) -> None:
        """Takes in what other processes have written."""
        self._take_in(self._read())

    def asked_at(self, account: str) -> float:
        """When the usage endpoint was last asked for an account (Unix seconds), by this process or another one."""
        self._all()
        return self._asked.get(account, 0.0)

    async def claim(self, account: str, pause: float) -> bool:
        """Whether this process may ask the usage endpoint now: nobody has for ``pause`` seconds. Counts as asked.

        Without a file that can be written only this process's own questions are known.
        """
        self._all()
        moment = self._now()
        if moment - pause < self._asked.get(account, 0.0) <= moment:
            return False
        read = await asyncio.to_thread(self._write, {}, {account: moment}, unless_after=moment - pause)
        if read is not None:
            self._take_in(read)
            if read.asked.get(account) != moment:
                return False
        self._asked[account] = moment
        return True

    def save(self) -> None:
        """Writes what is known. Trouble is told in the log: figures are not worth an answer."""
        if (written := self._write(self.all(), dict(self._asked))) is not None:
            self._take_in(written)

    async def save_beside(self) -> None:
        """`save` without holding up the event loop."""
        written = await asyncio.to_thread(self._write, self.all(), dict(self._asked))
        if written is not None:
            self._take_in(written)

    async def close(self) -> None:
        """Writes what is not written yet."""
        if self._saving is not None:
            await self._saving
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            await self.save_beside()

    def _all(self) -> dict[str, Quota]:
        if not self._read_once:
            self._read_once = True
            self.reload()
        return self._known

    def _is_news(self, quota: Quota) -> bool:
        written = self._written.get(quota.account)
        if written is None or quota.seen_at - written.seen_at > SAME_SECONDS:
            return True
        return _figures(written) != _figures(quota)

    def _begin_saving(self) -> None:
        self._timer = None
        self._saving = asyncio.get_running_loop().create_task(self.save_beside())

    def _take_in(self, read: _File) -> None:
        for name, quota in read.accounts.items():
            known = self._known.get(name)
            if known is None or quota.seen_at > known.seen_at:
                self._known[name] = quota
        for name, moment in read.asked.items():
            self._asked[name] = max(moment, self._asked.get(name, 0.0))
        self._written = read.accounts

    # From here on: any thread

    def _read(self) -> _File:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_File)
        except FileNotFoundError:
            return _File()
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            log.get().warning("quota_not_read", path=str(self._path), reason=str(error))
            return _File()

    def _write(
        self, known: dict[str, Quota], asked: dict[str, float], *, unless_after: float | None = None
    ) -> _File | None:
        """Joins these with what the file holds, and writes that; gives it, or None if it could not be done.

        With ``unless_after`` a moment in ``asked`` does not count if the file has one after that already.
        """
        from filelock import FileLock

        try:
            atomic.make_folder(self._path.parent)
            with FileLock(self._path.with_suffix(".lock"), timeout=LOCK_SECONDS, mode=atomic.MODE):
                file = self._read()
                for name, quota in known.items():
                    before = file.accounts.get(name)
                    if before is None or quota.seen_at > before.seen_at:
                        file.accounts[name] = quota
                for name, moment in asked.items():
                    before_it = file.asked.get(name, 0.0)
                    if unless_after is None or not unless_after < before_it <= moment:
                        file.asked[name] = max(moment, before_it) if unless_after is None else moment
                oldest = self._now() - KEPT_SECONDS
                file.accounts = {name: quota for name, quota in file.accounts.items() if quota.seen_at > oldest}
                file.asked = {name: moment for name, moment in file.asked.items() if moment > oldest}
                atomic.write(self._path, msgspec.json.encode(file))
                return file
        except (OSError, TimeoutError) as error:
            log.get().warning("quota_not_written", path=str(self._path), reason=str(error))
            return None


def _figures(quota: Quota) -> Quota:
    return msgspec.structs.replace(quota, seen_at=0.0, origin="headers")
