"""Responses that clients ask for again by their id: a small SQLite file with a bound and a time, for upstreams that
keep none themselves. Knows what a response holds, not how it came about.

Of a conversation each response holds only its own input, and names the response before it. The file has what was said
in it: it is for this user's eyes only (0600), what goes is overwritten, and it may be turned off (``responses.store``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw

from turnout import log, paths
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from zstandard import ZstdCompressor

FILE = "responses.sqlite"
BUSY_SECONDS = 5.0
"""How long another process of this user may be at the file."""
WRITE_DELAY = 0.1
"""Seconds that responses may wait for others: most of what writing one costs is the transaction."""
COUNTED_EVERY = 64
"""Writes after which the bytes of all responses are counted anew."""
LONGEST_CHAIN = 10_000
"""Responses that one conversation may have, one after another."""

Result = TypeVar("Result")

_SCHEMA = """
create table if not exists responses (
    id text primary key, previous text, touched real not null, bytes integer not null,
    response blob not null, input blob not null
) without rowid;
create index if not exists responses_touched on responses (touched);
create table if not exists items (
    id text not null, response text not null, position integer not null, primary key (id, response)
) without rowid;
create index if not exists items_response on items (response);
"""

_encode = msgspec.json.encode
_decode_items = msgspec.json.Decoder(list[Raw]).decode


class _Output(msgspec.Struct):
    output: list[Raw] = []


class _Item(msgspec.Struct):
    id: str | None = None


_decode_item = msgspec.json.Decoder(_Item).decode


class Stored(msgspec.Struct, frozen=True):
    """One response."""

    id: str
    response: bytes
    """The response object, as JSON."""
    input: list[Raw]
    """The items that its own request brought."""
    previous: str | None = None
    """Id of the response that it goes on from."""

    @property
    def output(self) -> list[Raw]:
        """The items that were said."""
        return msgspec.json.decode(self.response, type=_Output).output


def all_items(conversation: Sequence[Stored]) -> list[Raw]:
    """All that was asked and said in a conversation, in its order."""
    return [item for each in conversation for item in (*each.input, *each.output)]


class ConnectionMemory:
    """The last response of a connection: what the next one may go on from, kept nowhere else (codex-backend.md 7)."""

    def __init__(self) -> None:
        self._conversation: list[Stored] = []

    def take(self, response_id: str | None) -> list[Stored] | None:
        """The responses up to this one, if it was the last. They are let go of: a failed answer is not gone on from."""
        conversation, self._conversation = self._conversation, []
        return conversation if conversation and conversation[-1].id == response_id else None

    def keep(self, conversation: list[Stored]) -> None:
        """An answer has ended well."""
        self._conversation = conversation


class ResponseStore:
    """The responses of this user. All its work is done in a thread of its own, one thing after another."""

    def __init__(self, path: Path, *, ttl: float, limit: int, now: Callable[[], float] = time.time) -> None:
        """``path`` is the file, which need not exist. A response goes ``ttl`` seconds after it was last used, and
        sooner if all of them have more than ``limit`` bytes. ``now`` gives Unix seconds."""
        self._path = path
        self._ttl = ttl
        self._limit = limit
        self._now = now
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="turnout-responses")
        self._open: sqlite3.Connection | None = None
        self._waiting: list[tuple[Stored, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._compressor: ZstdCompressor | None = None
        self._held = 0
        """Bytes of all responses, as far as they are known."""
        self._writes = 0

    @classmethod
    def of(cls, environ: Mapping[str, str], *, ttl: float, limit: int) -> ResponseStore:
        """This user's."""
        return cls(paths.state_dir(environ) / FILE, ttl=ttl, limit=limit)

    def keep(self, stored: Stored) -> None:
        """Keeps a response. It is there for whatever is asked after this; a failure is only logged.

        To be called in the event loop. It is written down a moment later, together with others.
        """
        self._waiting.append((stored, self._now()))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_DELAY, self._write)

    async def get(self, response_id: str) -> Stored | None:
        """The response; None if it is not there (any more)."""
        return await self._run(partial(self._get, response_id))

    async def conversation(self, response_id: str) -> list[Stored] | None:
        """The responses of a conversation up to this one, the first one first; None if one of them is not there."""
        return await self._run(partial(self._conversation, response_id))

    async def item(self, item_id: str) -> Raw | None:
        """An item that was said, by its id."""
        return await self._run(partial(self._item, item_id))

    async def delete(self, response_id: str) -> bool:
        """Deletes the response; whether it was there."""
        return await self._run(partial(self._delete, response_id))

    async def close(self) -> None:
        """Waits for what is to be written, and closes the file."""
        self._write()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], Result]) -> Result:
        """Does it behind all that was to be kept. Raises `TurnoutError` (`INTERNAL`) if the file cannot be used."""
        self._write()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise fail(
                FailureKind.INTERNAL,
                f"The stored responses in {self._path} cannot be used: {error}.",
                "Free the file or its folder, or turn the store off (TURNOUT_RESPONSES_STORE=0).",
            ) from None

    def _write(self) -> None:
        """Has what waits written down now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            waiting, self._waiting = self._waiting, []
            self._thread.submit(self._keep_all, waiting)

    # In the thread

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            try:
                self._open = self._opened()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                log.get().warning("responses_begun_anew", file=str(self._path), reason=str(error))
                for name in ("", "-wal", "-shm"):
                    self._path.with_name(self._path.name + name).unlink(missing_ok=True)
                self._open = self._opened()
        return self._open

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("pragma auto_vacuum = full")
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute("pragma secure_delete = on")
            connection.executescript(_SCHEMA)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _close(self) -> None:
        if self._open is not None:
            with contextlib.suppress(sqlite3.Error):
                self._open.close()
            self._open = None

    def _keep_all(self, waiting: list[tuple[Stored, float]]) -> None:
        """Writes responses down, all in one transaction."""
        try:
            rows = [row for each, at in waiting if (row := self._row(each, at)) is not None]
            kept = {row[0] for row in rows}
            with self._transaction() as write:
                write.executemany("insert or replace into responses values (?, ?, ?, ?, ?, ?)", rows)
                write.executemany(
                    "insert or replace into items values (?, ?, ?)",
                    [
                        (item_id, each.id, position)
                        for each, _ in waiting
                        if each.id in kept
                        for position, item in enumerate(each.output)
                        if (item_id := _decode_item(item).id)
                    ],
                )
                self._make_room(write, sum(row[3] for row in rows))
        except (sqlite3.Error, OSError) as error:
            lost = [each.id for each, _ in waiting]
            log.get().warning("responses_not_stored", responses=lost, reason=str(error))

    def _row(self, stored: Stored, at: float) -> tuple[str, str | None, float, int, bytes, bytes] | None:
        """The response as it is written down; None for one that is larger than all may be."""
        response, own = self._packed(stored.response), self._packed(_encode(stored.input))
        size = len(response) + len(own)
        if size > self._limit:
            log.get().warning("responses_not_stored", responses=[stored.id], reason=f"it has {size:,} bytes")
            return None
        return stored.id, stored.previous, at, size, response, own

    def _packed(self, data: bytes) -> bytes:
        """Compressed: a conversation's text takes a quarter of its bytes, and what is not written costs nothing."""
        if self._compressor is None:
            import zstandard  # most gateways never keep a response

            self._compressor = zstandard.ZstdCompressor(level=1)
        return self._compressor.compress(data)

    def _make_room(self, write: sqlite3.Connection, more: int) -> None:
        """Lets go of what is too old, and of the oldest ones that are too many. ``more`` bytes have been added."""
        self._held += more
        self._writes += 1
        if self._writes % COUNTED_EVERY == 1 or self._held > self._limit:  # other processes write as well
            self._held = write.execute("select coalesce(sum(bytes), 0) from responses").fetchone()[0]
        gone = [row[0] for row in write.execute("select id from responses where touched < ?", (self._oldest(),))]
        if self._held > self._limit:
            for response_id, size in write.execute("select id, bytes from responses order by touched"):
                if self._held <= self._limit:
                    break
                gone.append(response_id)
                self._held -= size
        _remove(write, gone)

    def _get(self, response_id: str) -> Stored | None:
        row = (
            self._connection()
            .execute(
                "select response, input, previous from responses where id = ? and touched >= ?",
                (response_id, self._oldest()),
            )
            .fetchone()
        )
        if row is None:
            return None
        return Stored(response_id, _unpacked(row[0]), _decode_items(_unpacked(row[1])), row[2])

    def _conversation(self, response_id: str) -> list[Stored] | None:
        found: list[Stored] = []
        wanted: str | None = response_id
        while wanted is not None:
            stored = self._get(wanted)
            if stored is None or len(found) == LONGEST_CHAIN:
                return None
            found.append(stored)
            wanted = stored.previous
        with self._transaction() as write:
            # A conversation that is still going on is not forgotten at its beginning.
            write.executemany(
                "update responses set touched = ? where id = ?", [(self._now(), each.id) for each in found]
            )
        return found[::-1]

    def _item(self, item_id: str) -> Raw | None:
        row = (
            self._connection()
            .execute("select response, position from items where id = ? limit 1", (item_id,))
            .fetchone()
        )
        stored = self._get(row[0]) if row is not None else None
        return stored.output[row[1]] if stored is not None else None

    def _delete(self, response_id: str) -> bool:
        there = self._get(response_id) is not None
        with self._transaction() as write:
            _remove(write, [response_id])
        self._connection().execute("pragma wal_checkpoint(truncate)")  # until then it is in the file beside
        return there

    def _oldest(self) -> float:
        return self._now() - self._ttl

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection()
        connection.execute("begin immediate")
        try:
            yield connection
        except BaseException:
            connection.execute("rollback")
            raise
        connection.execute("commit")


def _unpacked(data: bytes) -> bytes:
    import zstandard

    return zstandard.ZstdDecompressor().decompress(data)


def _remove(write: sqlite3.Connection, responses: Sequence[str]) -> None:
    write.executemany("delete from items where response = ?", [(each,) for each in responses])
    write.executemany("delete from responses where id = ?", [(each,) for each in responses])
