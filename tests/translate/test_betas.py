"""Betas are never refused, and those without effect are on the record."""

from __future__ import annotations

import pytest

from turnout.protocol.fidelity import ignored
from turnout.translate.betas import beta_notes


@pytest.mark.parametrize(
    "header",
    ["", "claude-code-20250219", "interleaved-thinking-2025-05-14,effort-2025-11-24, fast-mode-2026-02-01", " , "],
)
def test_what_is_carried_over_is_not_worth_a_word(header: str) -> None:
    assert beta_notes(header) == ()


def test_what_has_no_effect_is_named() -> None:
    header = "claude-code-20250219,context-management-2025-06-27, afk-mode-2026-01-31,of-next-year-2027-01-01"
    assert beta_notes(header) == (
        ignored(
            "anthropic-beta",
            "without effect upstream: context-management-2025-06-27, afk-mode-2026-01-31, of-next-year-2027-01-01",
        ),
    )
