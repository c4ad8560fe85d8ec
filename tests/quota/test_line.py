"""The status line's text."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.quota.conftest import NOW, quota
from turnout import paths
from turnout.quota import line as lines
from turnout.quota.board import FILE, Board
from turnout.quota.line import line
from turnout.quota.windows import Window

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.quota.windows import Quota


def written(tmp_path: Path, *known: Quota) -> bytes:
    """The file as the board writes it."""
    board = Board(tmp_path / FILE, lambda: NOW)
    for each in known:
        board.saw(each)
    board.save()
    return (tmp_path / FILE).read_bytes()


def test_name_figures_and_resets(tmp_path: Path) -> None:
    text = line(written(tmp_path, quota()), "", NOW, colour=False)
    assert text == "ada · 5h 12% in 2h 30m · week 3% in 3d 11h"


def test_the_account_that_was_heard_of_last_unless_one_is_named(tmp_path: Path) -> None:
    text = written(tmp_path, quota(), quota(account="bob", seen_at=NOW + 1))
    assert line(text, "", NOW, colour=False).startswith("bob")
    assert line(text, "ada", NOW, colour=False).startswith("ada")
    assert line(text, "eve", NOW, colour=False) == lines.NOTHING


def test_a_reached_limit_a_reset_and_an_age(tmp_path: Path) -> None:
    known = quota(reached="rate_limit_reached", reached_until=int(NOW) + 20_000)
    text = line(written(tmp_path, known), "", NOW + 10_000, colour=False)
    assert text.startswith("ada · 5h 0% · week 3% in 3d 8h · limit reached, until ")
    assert text.endswith(" · 2h 46m ago")


@pytest.mark.parametrize(
    ("minutes", "name"),
    [(60, "1h"), (90, "90m"), (1_440, "day"), (4_320, "3d"), (43_200, "month"), (None, "window")],
)
def test_windows_by_their_length(tmp_path: Path, minutes: int | None, name: str) -> None:
    text = written(tmp_path, quota(windows=(Window(50.0, minutes),)))
    assert line(text, "", NOW, colour=False) == f"ada · {name} 50%"


@pytest.mark.parametrize(("used", "tint"), [(10, "32"), (75, "33"), (95, "31")])
def test_colour_says_how_much_is_left(tmp_path: Path, used: float, tint: str) -> None:
    text = written(tmp_path, quota(windows=(Window(used, 300),)))
    assert f"\x1b[{tint}m{used}%\x1b[0m" in line(text, "", NOW)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"3", b'{"accounts": {}}', b'{"accounts": {"ada": 3}}', b"\xff"])
def test_whatever_lies_there_gives_a_line(text: bytes) -> None:
    assert line(text, "", NOW, colour=False) == lines.NOTHING


@pytest.mark.parametrize("variables", [{"TURNOUT_HOME": "~/here"}, {}])
def test_it_reads_the_file_that_the_board_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "TURNOUT_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert lines.file(os.environ) == str(paths.state_dir(os.environ) / FILE)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="XDG is Linux's")
def test_it_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TURNOUT_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert lines.file(os.environ) == str(paths.state_dir(os.environ) / FILE) == str(tmp_path / "turnout" / FILE)


def test_it_knows_every_field_that_it_reads_by_the_name_in_the_file() -> None:
    names = set(msgspec.json.decode(msgspec.json.encode(quota(reached="x", reached_until=1, seen_at=2.0))))
    assert {"windows", "reached", "reached_until", "seen_at"} <= names
