"""Nicknames: which ones may be, and which one an account gets by itself."""

from __future__ import annotations

import pytest

from turnout.accounts.nicknames import check, suggest
from turnout.protocol.errors import FailureKind, TurnoutError


@pytest.mark.parametrize("name", ["ada", "Ada-2", "a", "9", "ada.l", "ada@work", "a_b+c", "x" * 48])
def test_good_ones(name: str) -> None:
    assert check(name, ["other"]) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "a b",
        "../ada",
        "a/b",
        "a\\b",
        ".ada",
        "-ada",
        "ada.",
        "con",
        "NUL",
        "com1.x",
        "x" * 49,
        "ä",
        "a\n",
        "a\0",
    ],
)
def test_bad_ones(name: str) -> None:
    with pytest.raises(TurnoutError, match="cannot be a nickname") as raised:
        check(name, [])
    assert raised.value.failure.kind is FailureKind.BAD_REQUEST


def test_upper_and_lower_case_are_one_name() -> None:
    """Some file systems know no difference."""
    with pytest.raises(TurnoutError, match="already"):
        check("ADA", ["ada"])


@pytest.mark.parametrize(
    ("email", "plan", "taken", "expected"),
    [
        ("Ada.Lovelace@example.com", "plus", [], "ada.lovelace"),
        ("ada@example.com", "team", ["ada"], "ada-team"),
        ("ada@example.com", "team", ["ada", "ada-team"], "ada-2"),
        ("ada@example.com", "", ["Ada", "ada-2"], "ada-3"),
        ("", "", [], "chatgpt"),
        ("äöü@example.com", "", [], "chatgpt"),
        ("con@example.com", "", [], "con-2"),
        ("..@example.com", "", [], "chatgpt"),
        ("x" * 99 + "@example.com", "", [], "x" * 32),
    ],
)
def test_the_one_that_an_account_gets(email: str, plan: str, taken: list[str], expected: str) -> None:
    found = suggest(email, plan, taken)
    assert found == expected
    assert check(found, taken) == found
