"""Which regular expressions upstream takes."""

from __future__ import annotations

import time

import pytest

from turnout.translate.schema.patterns import is_accepted


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "^wf_[a-z0-9-]{6,}$",
        r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
        r"^[^\n\r]*$",
        r"^\d{1,3}(?:\.\d+)?$",
        r"\/path\/",
        "(?P<year>[0-9]{4})",
        "a+?b*?c??",
        "[]a]",
        r"[\u4e00-\u9fff]",
        "[一-龥]+",
        "[(?]",
        r"\\1",
        "[[a]",
    ],
)
def test_ordinary_patterns_are_taken(pattern: str) -> None:
    assert is_accepted(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "^(?!__.*__$)a",
        "(?=.*@)",
        "(?<=a)b",
        "(?<!a)b",
        r"^\p{L}+$",
        r"[^\p{Cc}\p{Cf}]",
        r"\P{Lu}",
        r"(a|b)\1",
        r"(?P<n>a)(?P=n)",
        "(?<name>a)",
        "(?>a)",
        "a++",
        "a{2}+",
        "(a)(?(1)b|c)",
        r"\u{1F600}",
        r"\cA",
        "[^]",
        "[a",
        "(",
        "*",
        "[z-a]",
        "\\",
        "a{9999999999999999999999}",
        "(" * 5000,
    ],
)
def test_patterns_of_richer_engines_are_not(pattern: str) -> None:
    assert not is_accepted(pattern)


@pytest.mark.parametrize("wide", [r"[\u0000-\uffff]", r"[\U00000000-\U0010ffff]", "[一-龥]"])
def test_wide_sets_hold_nobody_up(wide: str) -> None:
    begun = time.process_time()
    assert is_accepted(wide * 1000)
    assert time.process_time() - begun < 1
