"""The last known figures, in memory and in their file."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from tests.quota.conftest import ADA, NOW, quota
from turnout.quota import board as boards
from turnout.quota.board import Board

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "quota.json"


def board(path: Path, now: float = NOW) -> Board:
    return Board(path, lambda: now)


def test_nothing_is_known_at_first_and_nothing_is_written(path: Path) -> None:
    assert board(path).get("ada") is None
    assert not path.parent.exists()


def test_another_process_reads_what_was_written(path: Path) -> None:
    first = board(path)
    first.saw(quota())
    first.save()
    assert board(path).get("ada") == quota()


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_the_file_is_the_owners_alone(path: Path) -> None:
    first = board(path)
    first.saw(quota())
    first.save()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"token" not in path.read_bytes()
    assert ADA.account_id.encode() not in path.read_bytes()


def test_the_newer_figures_win_whoever_writes_last(path: Path) -> None:
    old, new = board(path), board(path)
    old.saw(quota(seen_at=NOW - 10))
    new.saw(quota(seen_at=NOW))
    new.save()
    old.save()
    assert board(path).all()["ada"].seen_at == NOW
    assert old.all()["ada"].seen_at == NOW


def test_two_processes_with_an_account_each_keep_both(path: Path) -> None:
    first, second = board(path), board(path)
    first.saw(quota())
    second.saw(quota(account="bob"))
    threads = [threading.Thread(target=each.save) for each in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(board(path).all()) == {"ada", "bob"}


def test_figures_under_a_nickname_that_has_been_given_to_another_account_are_not_its_own(path: Path) -> None:
    known = board(path)
    known.saw(quota())
    assert known.get("ada", ADA.tag)
    assert known.get("ada", "another") is None


def test_accounts_that_say_nothing_for_long_are_forgotten(path: Path) -> None:
    known = board(path)
    known.saw(quota(seen_at=NOW - boards.KEPT_SECONDS - 1))
    known.save()
    assert board(path).all() == {}


@pytest.mark.parametrize("content", [b"", b"{", b'{"accounts": 3}', b"\xff\xfe", b'{"accounts": {"ada": {}}}'])
def test_a_broken_file_counts_as_none_and_is_replaced(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    known = board(path)
    assert known.get("ada") is None
    known.saw(quota())
    known.save()
    assert board(path).get("ada") == quota()


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    known = board(tmp_path / "state" / "quota.json")
    known.saw(quota())
    known.save()
    assert known.get("ada") == quota()


async def test_it_is_written_a_moment_later_and_once_for_many_answers(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boards, "SAVE_SECONDS", 0.01)
    known = board(path)
    for second in range(5):
        known.saw_soon_written(quota(seen_at=NOW + second))
    assert not path.exists()
    for _ in range(200):
        await asyncio.sleep(0.01)
        if path.exists():
            break
    await known.close()
    written = path.stat().st_mtime_ns
    known.saw_soon_written(quota(seen_at=NOW + 6))
    await known.close()
    assert path.stat().st_mtime_ns == written, "the same figures, a moment later, are no news"
    assert board(path).all()["ada"].seen_at == NOW + 4


async def test_what_is_not_written_yet_is_written_at_the_end(path: Path) -> None:
    known = board(path)
    known.saw_soon_written(quota())
    await known.close()
    assert board(path).get("ada") == quota()


class TestTheClaimToAsk:
    async def test_is_given_once_in_a_while(self, path: Path) -> None:
        known = board(path)
        assert await known.claim("ada", 120)
        assert not await known.claim("ada", 120)
        assert await known.claim("bob", 120)

    async def test_counts_for_all_processes(self, path: Path) -> None:
        assert await board(path).claim("ada", 120)
        other = board(path, NOW + 119)
        assert not await other.claim("ada", 120)
        assert other.asked_at("ada") == NOW
        assert await board(path, NOW + 120).claim("ada", 120)

    async def test_is_given_though_a_clock_was_ahead(self, path: Path) -> None:
        assert await board(path, NOW + 9_999_999).claim("ada", 120)
        assert await board(path).claim("ada", 120)

    async def test_holds_in_a_process_that_cannot_write(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("")
        known = board(tmp_path / "state" / "quota.json")
        assert await known.claim("ada", 120)
        assert not await known.claim("ada", 120)
