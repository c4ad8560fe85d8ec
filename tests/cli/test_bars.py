"""The quota as it is drawn."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from tests.quota.conftest import NOW, quota
from turnout.accounts.account import Account, SourceKind, State
from turnout.cli.bars import moment, picture, span
from turnout.quota.report import Line
from turnout.quota.windows import Credits, FurtherLimit, Window

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = Account(
    name="ada", kind="chatgpt", ownership="owned", source=SourceKind.TURNOUT, path="x", email="ada@example.com"
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    if hasattr(time, "tzset"):
        time.tzset()
    yield
    monkeypatch.undo()
    if hasattr(time, "tzset"):
        time.tzset()


def drawn(*lines: Line, encoding: str = "utf-8", now: float = NOW) -> str:
    console = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding), width=120, highlight=False)
    with console.capture() as capture:
        console.print(picture(console, lines, now))
    return capture.get()


def test_a_bar_for_each_window() -> None:
    rows = drawn(Line(account=ADA, quota=quota())).splitlines()
    assert rows[1] == "ada  ada@example.com · pro"
    assert rows[2].startswith("  5 h     ███░░░░░░░░░░░░░░░░░░░░░   12.5 %  resets at ")
    assert rows[2].rstrip().endswith("(in 2h 30m)")
    assert rows[3].startswith("  weekly  █░")
    assert rows[4] == "  as of 2027-01-15 08:00:00 (just now)"


def test_a_terminal_without_blocks() -> None:
    assert "###---" in drawn(Line(account=ADA, quota=quota()), encoding="ascii")


def test_a_limit_that_is_reached_credits_and_limits_for_certain_models() -> None:
    known = quota(
        reached="rate_limit_reached",
        reached_until=int(NOW) + 2 * 86_400 + 6 * 3_600,
        credits=Credits(True, False, "12.50"),
        further=(FurtherLimit("codex_bengalfox", (Window(100.0, 60),), "GPT-6 Astra"),),
    )
    text = drawn(Line(account=ADA, quota=known))
    assert "Limit reached. Requests are taken again on Sun 17 Jan at 14:00 (in 2d 6h)." in text
    assert "credits: 12.50" in text
    assert "GPT-6 Astra, 1 h" in text


@pytest.mark.parametrize("credits", [None, Credits(False, False, "0")])
def test_no_credits_are_not_worth_a_line(credits: Credits | None) -> None:
    assert "credits" not in drawn(Line(account=ADA, quota=quota(credits=credits)))


def test_an_account_to_sign_in_to_again_keeps_its_last_figures() -> None:
    import msgspec

    over = msgspec.structs.replace(ADA, state=State.SIGN_IN_AGAIN)
    text = drawn(Line(account=over, quota=quota(), problem="The login is over."), now=NOW + 7_200)
    assert "The login is over." in text
    assert "Sign in again with: turnout login" in text
    assert "(2h ago)" in text


def test_nothing_known_and_nobody_there() -> None:
    assert "Why not." in drawn(Line(account=ADA, problem="Why not."))
    assert "turnout login" in drawn()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0s"), (40, "40s"), (60, "1m"), (3_600, "1h"), (3_900, "1h 5m"), (86_400, "1d"), (194_400, "2d 6h")],
)
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_moments() -> None:
    assert moment(None, NOW) == "at a time that was not said"
    assert moment(int(NOW) + 60, NOW) == "at 08:01 (in 1m)"
