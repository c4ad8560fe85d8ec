"""Reasoning between tags is told from the text, however both are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.translate.think_tags import ThinkTags


def split(pieces: list[str]) -> tuple[str, str]:
    tags = ThinkTags()
    told = [*map(tags.feed, pieces), tags.end()]
    return "".join(thinking for thinking, _ in told), "".join(said for _, said in told)


@pytest.mark.parametrize(
    ("text", "thinking", "said"),
    [
        ("<think>Let me see.</think>So.", "Let me see.", "So."),
        ("\n<think>\nLet me\n\nsee.\n</think>\n\nSo. \n", "Let me\n\nsee.", "So. \n"),
        ("<think>\n\n</think>\n\nSo.", "", "So."),
        ("So. <think>no</think>", "", "So. <think>no</think>"),
        ("<thinking>no</thinking>", "", "<thinking>no</thinking>"),
        ("<think>cut off <", "cut off <", ""),
        ("<think>a</thin</think>b</think>", "a</thin", "b</think>"),
        ("  <thi", "", "  <thi"),
        ("  ", "", "  "),
        ("", "", ""),
        ("<think>a</think>", "a", ""),
    ],
)
def test_what_is_reasoning_and_what_is_said(text: str, thinking: str, said: str) -> None:
    assert split([text]) == (thinking, said)
    assert split(list(text)) == (thinking, said)


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "<", "</", "th", "ink>", " ", "\n", "word", "🚂"]), max_size=12)
)
def test_how_it_is_cut_makes_no_difference(pieces: list[str]) -> None:
    assert split(pieces) == split(["".join(pieces)])
