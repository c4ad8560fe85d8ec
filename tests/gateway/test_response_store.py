"""What clients may ask for again: bounded in size and time, for this user's eyes only, never a reason to fail."""

from __future__ import annotations

import asyncio
import random
import stat
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec import Raw

from turnout.gateway.response_store import ResponseStore, Stored
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_795_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[ResponseStore]:
    made = ResponseStore(tmp_path / "folder" / "responses.sqlite", ttl=HOUR, limit=100_000, now=clock)
    yield made
    await made.close()


def stored(name: str, previous: str | None = None, *, size: int = 10) -> Stored:
    """A response whose input has so many bytes that no compression makes fewer of."""
    output = [{"id": f"msg_{name}", "type": "message"}, {"type": "compaction"}]
    response = msgspec.json.encode({"id": name, "output": output})
    return Stored(name, response, [Raw(msgspec.json.encode(random.Random(name).randbytes(size).hex()))], previous)


async def test_what_was_kept_is_there(store: ResponseStore) -> None:
    store.keep(stored("a"))
    assert await store.get("a") == stored("a")
    assert await store.get("b") is None
    assert await store.item("msg_a") == stored("a").output[0]
    assert await store.item("msg_b") is None


async def test_a_conversation_is_in_its_order(store: ResponseStore) -> None:
    for name, previous in (("a", None), ("b", "a"), ("c", "b"), ("d", "a")):
        store.keep(stored(name, previous))
    found = await store.conversation("c")
    assert found is not None
    assert [each.id for each in found] == ["a", "b", "c"]


async def test_a_conversation_with_a_gap_is_none(store: ResponseStore) -> None:
    store.keep(stored("a"))
    store.keep(stored("b", "a"))
    assert await store.delete("a")
    assert await store.conversation("b") is None
    assert await store.get("b") is not None
    assert not await store.delete("a")


async def test_responses_that_name_each_other_end(store: ResponseStore) -> None:
    store.keep(stored("a", "b"))
    store.keep(stored("b", "a"))
    assert await store.conversation("a") is None


async def test_time_passes(store: ResponseStore, clock: Clock) -> None:
    store.keep(stored("old"))
    store.keep(stored("used"))
    await store.get("old")
    clock.now += HOUR / 2
    await store.conversation("used")
    clock.now += HOUR * 0.6
    assert await store.get("old") is None
    assert await store.item("msg_old") is None
    assert await store.get("used") is not None


async def test_the_oldest_make_room(store: ResponseStore, clock: Clock) -> None:
    for number in range(20):
        clock.now += 1
        store.keep(stored(f"r{number}", size=10_000))
    kept = [number for number in range(20) if await store.get(f"r{number}")]
    assert kept == list(range(20 - len(kept), 20))
    assert 5 <= len(kept) < 10


async def test_what_is_larger_than_all_of_it_is_not_kept(store: ResponseStore) -> None:
    store.keep(stored("a"))
    store.keep(stored("b", size=200_000))
    assert await store.get("b") is None
    assert await store.get("a") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
async def test_the_files_are_the_user_s_alone(store: ResponseStore, tmp_path: Path) -> None:
    store.keep(stored("a"))
    await store.get("a")
    folder = tmp_path / "folder"
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_what_is_deleted_is_not_in_the_file_any_more(tmp_path: Path) -> None:
    store = ResponseStore(tmp_path / "responses.sqlite", ttl=HOUR, limit=100_000)
    store.keep(stored("secretive-name"))
    await store.delete("secretive-name")
    assert not any(b"secretive-name" in file.read_bytes() for file in tmp_path.iterdir())
    await store.close()


async def test_it_outlives_the_process(store: ResponseStore, tmp_path: Path, clock: Clock) -> None:
    store.keep(stored("a"))
    await store.get("a")
    again = ResponseStore(tmp_path / "folder" / "responses.sqlite", ttl=HOUR, limit=100_000, now=clock)
    assert await again.get("a") == stored("a")
    await again.close()


async def test_a_damaged_file_is_begun_anew(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    file.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    store = ResponseStore(file, ttl=HOUR, limit=100_000)
    store.keep(stored("a"))
    assert await store.get("a") is not None
    await store.close()


async def test_a_place_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = ResponseStore(tmp_path / "file" / "responses.sqlite", ttl=HOUR, limit=100_000)
    store.keep(stored("a"))
    with pytest.raises(TurnoutError, match="TURNOUT_RESPONSES_STORE"):
        await store.get("a")
    await store.close()


async def test_two_processes_at_once(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    one, two = (ResponseStore(file, ttl=HOUR, limit=10_000_000) for _ in range(2))
    for number in range(50):
        for index, each in enumerate((one, two)):
            each.keep(stored(f"r{index}-{number}"))
        if number % 10 == 0:
            await asyncio.gather(one.get("nobody"), two.get("nobody"))
    for index, each in enumerate((one, two)):
        for number in range(50):
            assert await each.get(f"r{index}-{number}") is not None
    await one.close()
    await two.close()


async def test_what_is_kept_is_written_though_nobody_asks(tmp_path: Path) -> None:
    file = tmp_path / "responses.sqlite"
    one, two = (ResponseStore(file, ttl=HOUR, limit=10_000_000) for _ in range(2))
    one.keep(stored("a"))
    deadline = asyncio.get_running_loop().time() + 5
    while await two.get("a") is None:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)
    await one.close()
    await two.close()
