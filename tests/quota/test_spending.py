"""The account book of what goes to the API in place of the plan."""

from __future__ import annotations

import calendar
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from turnout.quota.spending import FIRST_ANSWER, Spending, Spent

if TYPE_CHECKING:
    from pathlib import Path

NOVEMBER = float(calendar.timegm((2026, 11, 30, 23, 59, 59)))


def test_it_adds_up_over_processes(tmp_path: Path) -> None:
    books = [Spending(tmp_path / "spending.json", lambda: NOVEMBER) for _ in range(4)]
    threads = [threading.Thread(target=book.add, args=(0.25,)) for book in books for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert books[0].this_month() == Spent("2026-11", 2.0, 8)


def test_a_new_month_begins_at_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spending.json"
    Spending(path, lambda: NOVEMBER).add(5.0)
    december = Spending(path, lambda: NOVEMBER + 1)
    assert december.this_month() == Spent("2026-12")
    december.add(1.0)
    assert december.this_month() == Spent("2026-12", 1.0, 1)


def test_what_cannot_be_written_counts_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    book = Spending(tmp_path / "file" / "spending.json", lambda: NOVEMBER)
    book.add(1.0)
    with pytest.raises(OSError):
        book.this_month()


def test_a_book_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "spending.json"
    path.write_text("{")
    book = Spending(path, lambda: NOVEMBER)
    with pytest.raises(msgspec.DecodeError):
        book.this_month()
    book.add(1.0)
    assert path.read_text() == "{"


def test_answers_under_way_are_expected_to_cost_what_others_did(tmp_path: Path) -> None:
    book = Spending(tmp_path / "spending.json", lambda: NOVEMBER)
    assert book.expected(book.this_month()) == 0
    book.under_way = 2
    assert book.expected(book.this_month()) == 2 * FIRST_ANSWER
    book.add(1.0)
    book.add(3.0)
    assert book.expected(book.this_month()) == 4.0 + 2 * 2.0
