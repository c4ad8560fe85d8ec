"""The end of a log file, and what is written from then on."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from turnout.launch.log_view import PIECE, follow, last_lines


@pytest.mark.parametrize(
    ("content", "count", "lines"),
    [
        ("", 5, []),
        ("one\n", 5, ["one"]),
        ("one\ntwo\nthree\n", 2, ["two", "three"]),
        ("one\ntwo\nthree", 2, ["two", "three"]),
        ("one\ntwo\n", 0, []),
    ],
)
def test_the_last_lines(tmp_path: Path, content: str, count: int, lines: list[str]) -> None:
    file = tmp_path / "log"
    file.write_text(content)
    assert last_lines(file, count) == lines


def test_lines_are_found_across_pieces(tmp_path: Path) -> None:
    file = tmp_path / "log"
    long = "x" * PIECE
    file.write_text(f"first\n{long}\nlast\n")
    assert last_lines(file, 2) == [long, "last"]
    assert last_lines(file, 10) == ["first", long, "last"]


def test_whole_lines_are_followed(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("old\none\ntw")
    lines = follow(file, len("old\n"))
    assert next(lines) == "one"
    with file.open("a") as more:
        more.write("o\nthree\n")
    assert list(islice(lines, 2)) == ["two", "three"]


def test_a_file_that_is_begun_anew_is_followed_from_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_text("a long line of the past\n")
    lines = follow(file, 0)
    assert next(lines) == "a long line of the past"
    file.write_text("new\n")
    assert next(lines) == "new"
    other = tmp_path / "other"
    other.write_text("another file, longer than the one before\n")
    other.replace(file)
    assert next(lines) == "another file, longer than the one before"
