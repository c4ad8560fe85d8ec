"""The ledger of one gateway: its latest records, the bodies to compare the next ones with, and the way to the store.

A record reaches the store in the background, some at a time: nothing here holds up an answer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from turnout import log
from turnout.ledger.previous import PreviousRequests

if TYPE_CHECKING:
    from turnout.ledger.record import RequestRecord
    from turnout.ledger.store import RecordStore

IN_MEMORY = 256
"""Records that a gateway holds itself."""
WAITING = 4096
"""Records that may wait for the store; beyond that the oldest are lost, rather than memory."""
GATHER_SECONDS = 0.2
"""How long records are gathered before they are written."""


class Ledger:
    """Records of one gateway. Touched from its event loop only."""

    def __init__(self, store: RecordStore | None = None) -> None:
        """Without a ``store`` records live as long as this object."""
        self.last: deque[RequestRecord] = deque(maxlen=IN_MEMORY)
        """The latest records, oldest first."""
        self.previous = PreviousRequests()
        self.store = store
        self._waiting: deque[RequestRecord] = deque(maxlen=WAITING)
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._complained = False

    def keep(self, record: RequestRecord) -> None:
        """Takes a finished record."""
        self.last.append(record)
        if self.store is None:
            return
        self._waiting.append(record)
        if self._writing is None:
            self._write_soon(self.store)

    def find(self, request_id: str) -> RequestRecord | None:
        """The record in memory with this id."""
        return next((record for record in reversed(self.last) if record.request_id == request_id), None)

    async def close(self) -> None:
        """Writes what is waiting."""
        if self._writing is not None:
            await self._writing
        if self._timer is not None:
            self._timer.cancel()
        if self.store is not None:
            await self._write(self.store)

    def _write_soon(self, store: RecordStore) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._begin_writing, store)

    def _begin_writing(self, store: RecordStore) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write(store))

    async def _write(self, store: RecordStore) -> None:
        """Writes what waits. In a thread, for a file system may be slow; what has come meanwhile is gathered again."""
        records = list(self._waiting)
        self._waiting.clear()
        try:
            if records:
                await asyncio.to_thread(store.append, records)
        except OSError as error:
            self._complain(error)
        self._writing = None
        if self._waiting:
            self._write_soon(store)

    def _complain(self, error: OSError) -> None:
        """Once: a full disk would have it said with every request."""
        if not self._complained:
            self._complained = True
            log.get().warning("records cannot be written", reason=error.strerror or str(error), file=error.filename)
