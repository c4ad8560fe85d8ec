"""Records on disk: found again, bounded, for one pair of eyes, and read whatever else is in the files."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import msgspec
import pytest

from tests.ledger.bodies import record
from turnout.ledger.lookup import NoRecord, find
from turnout.ledger.prefix import Parting
from turnout.ledger.record import PrefixFinding
from turnout.ledger.store import JsonLinesStore
from turnout.protocol.errors import FailureKind
from turnout.protocol.fidelity import dropped
from turnout.translate.messages_writer import TokenUsage

DAY = 86_400
NOON = 1_795_176_000.0  # 2026-11-20 12:00 UTC


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_is_read_again_newest_first(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path / "a" / "requests", now=lambda: NOON)
    full = record(
        request_id="req_2",
        failure=FailureKind.CUT,
        notes=(dropped("tools[0]", "it is not offered upstream"),),
        usage=TokenUsage(input_tokens=5),
        prefix=PrefixFinding(verdict="changed", parting=Parting(place="model")),
    )
    store.append([record(request_id="req_1"), full])
    store.append([record(request_id="req_3")])
    assert store.latest(10) == [record(request_id="req_3"), full, record(request_id="req_1")]
    assert store.latest(1) == [record(request_id="req_3")]
    assert names(tmp_path / "a" / "requests") == ["2026-11-20.jsonl"]


def test_nothing_was_written_yet(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path / "none")
    store.append([])
    assert store.latest(5) == store.matching("req_", 5) == []
    assert not (tmp_path / "none").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_only_the_user_may_read_them(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path / "requests")
    store.append([record()])
    [file] = (tmp_path / "requests").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_damaged_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path, now=lambda: NOON)
    store.append([record(request_id="req_1")])
    with (tmp_path / "2026-11-20.jsonl").open("ab") as file:
        file.write(
            b'{"request_id":"req_x","status":"\xff"}\n{"request_id":"req_2","future":[1]}\n\n{"request_id":"req_3","st'
        )
    (tmp_path / "notes.txt").write_text("not ours")
    assert [found.request_id for found in store.latest(9)] == ["req_2", "req_1"]


def test_long_lines_and_many_are_read_from_the_end(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path)
    many = [record(request_id=f"req_{number}", failure_text="é" * (number % 7 * 9000)) for number in range(40)]
    store.append(many)
    assert store.latest(100) == many[::-1]


def test_a_day_has_its_file_and_a_long_one_several(tmp_path: Path) -> None:
    time = NOON
    store = JsonLinesStore(tmp_path, part=500, now=lambda: time)
    for number in range(12):
        store.append([record(request_id=f"req_{number:02}", failure_text="x" * 150)])
    time += DAY
    store.append([record(request_id="req_99")])
    of_the_day = ["2026-11-20.1.jsonl", "2026-11-20.2.jsonl", "2026-11-20.3.jsonl", "2026-11-20.jsonl"]
    assert names(tmp_path) == [*of_the_day, "2026-11-21.jsonl"]
    assert [found.request_id for found in store.latest(3)] == ["req_99", "req_11", "req_10"]


def test_more_than_ten_files_a_day_keep_their_order(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path, part=1, now=lambda: NOON)
    for number in range(12):
        store.append([record(request_id=f"req_{number:02}")])
    assert [found.request_id for found in store.latest(20)] == [f"req_{number:02}" for number in reversed(range(12))]


def test_the_oldest_are_dropped_when_there_is_too_much(tmp_path: Path) -> None:
    time = NOON
    store = JsonLinesStore(tmp_path, limit=4000, part=1000, now=lambda: time)
    for day in range(20):
        time = NOON + day * DAY
        for number in range(5):
            store.append([record(request_id=f"req_{day:02}{number}", failure_text="x" * 150)])
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 4000
    assert store.latest(1)[0].request_id == "req_194"
    assert store.matching("req_00", 5) == []


def test_several_writers_do_not_mix_their_lines(tmp_path: Path) -> None:
    def write(mark: str) -> None:
        store = JsonLinesStore(tmp_path, now=lambda: NOON)
        for number in range(50):
            store.append([record(request_id=f"req_{mark}{number:02}", failure_text=mark * 3000)])

    threads = [threading.Thread(target=write, args=(mark,)) for mark in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({found.request_id for found in JsonLinesStore(tmp_path).latest(1000)}) == 200


class TestFinding:
    @pytest.fixture
    def store(self, tmp_path: Path) -> JsonLinesStore:
        store = JsonLinesStore(tmp_path)
        store.append([record(request_id=f"req_{name}") for name in ("aaaa1111", "aaaa2222", "bbbb1111")])
        return store

    @pytest.mark.parametrize("asked", ["last", "", "req_bbbb1111", "bbbb1111", "req_bb", " bbb ", "b1111"])
    def test_by_id_by_a_piece_of_it_or_the_last(self, store: JsonLinesStore, asked: str) -> None:
        assert find(store, asked).request_id == "req_bbbb1111"

    def test_a_beginning_of_several(self, store: JsonLinesStore) -> None:
        with pytest.raises(NoRecord, match="several requests begin or end with aaaa") as caught:
            find(store, "aaaa")
        assert [found.request_id for found in caught.value.candidates] == ["req_aaaa2222", "req_aaaa1111"]

    def test_an_unknown_one_offers_the_nearest_and_the_latest(self, store: JsonLinesStore) -> None:
        with pytest.raises(NoRecord, match="no record of req_aaaa1112") as caught:
            find(store, "aaaa1112")
        offered = [found.request_id for found in caught.value.candidates]
        assert offered[0] == "req_aaaa1111"
        assert set(offered) == {"req_aaaa1111", "req_aaaa2222", "req_bbbb1111"}

    def test_nothing_recorded(self, tmp_path: Path) -> None:
        empty = JsonLinesStore(tmp_path / "none")
        for asked in ("last", "req_x"):
            with pytest.raises(NoRecord, match="No request has been recorded yet"):
                find(empty, asked)


def test_a_record_says_nothing_that_is_not_there() -> None:
    assert msgspec.json.encode(record(status=0)) == b'{"request_id":"req_1"}'
