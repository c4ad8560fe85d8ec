"""How records reach their store: in the background, some at a time, and all of them."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tests.ledger.bodies import record
from turnout.ledger import ledger as module
from turnout.ledger.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.ledger.record import RequestRecord


class Store:
    """Remembers what it was given at once; takes its time for it where it is told to."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.full = False

    def append(self, records: Sequence[RequestRecord]) -> None:
        self.may_go_on.wait(5)
        if self.full:
            raise OSError(28, "No space left on device")
        self.batches.append([each.request_id for each in records])

    def latest(self, limit: int) -> list[RequestRecord]:
        raise NotImplementedError

    def matching(self, piece: str, limit: int) -> list[RequestRecord]:
        raise NotImplementedError


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(module, "GATHER_SECONDS", 0.05)
    return Store()


async def test_records_are_gathered_also_while_others_are_written(store: Store) -> None:
    ledger = Ledger(store)
    store.may_go_on.clear()
    for name in ("a", "b"):
        ledger.keep(record(request_id=name))
    await asyncio.sleep(0.1)
    for name in ("c", "d"):
        ledger.keep(record(request_id=name))
    store.may_go_on.set()
    await asyncio.sleep(0.02)
    ledger.keep(record(request_id="e"))
    assert store.batches == [["a", "b"]]
    await asyncio.sleep(0.15)
    assert store.batches == [["a", "b"], ["c", "d", "e"]]


@pytest.mark.parametrize("slow", [True, False])
async def test_closing_writes_what_waits(store: Store, slow: bool) -> None:
    ledger = Ledger(store)
    if slow:
        store.may_go_on.clear()
        ledger.keep(record(request_id="a"))
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().call_later(0.05, store.may_go_on.set)
    ledger.keep(record(request_id="b"))
    await ledger.close()
    assert store.batches == ([["a"], ["b"]] if slow else [["b"]])
    await asyncio.sleep(0.1)
    assert len(store.batches) == (2 if slow else 1), "nothing is written behind the end"


async def test_a_disk_that_is_full_ends_nothing(store: Store) -> None:
    ledger = Ledger(store)
    store.full = True
    ledger.keep(record(request_id="a"))
    await asyncio.sleep(0.1)
    store.full = False
    ledger.keep(record(request_id="b"))
    await ledger.close()
    assert store.batches == [["b"]]
    assert [each.request_id for each in ledger.last] == ["a", "b"]
