"""Running text in lines of a width: words stay whole, code keeps its place, pieces make no difference."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from turnout.demo.wrapping import Wrapping


def wrapped(*pieces: str, width: int = 20) -> str:
    lines = Wrapping(width, "  ")
    return "".join(lines.feed(piece) for piece in pieces) + lines.end()


def test_words_stay_whole_and_every_line_is_set_in() -> None:
    assert wrapped("The tests of this project fail.") == "  The tests of this\n  project fail.\n"


def test_line_breaks_and_the_indent_of_code_are_kept() -> None:
    assert wrapped("Mend it:\n\n    return 1\n\nDone.") == "  Mend it:\n\n      return 1\n\n  Done.\n"


def test_a_word_that_is_longer_than_a_line_stands_on_one_of_its_own() -> None:
    assert wrapped("see abcdefghijklmnopqrstuvwxyz there") == "  see\n  abcdefghijklmnopqrstuvwxyz\n  there\n"


def test_a_word_is_written_when_it_is_over() -> None:
    lines = Wrapping(20, "  ")
    assert [lines.feed("tot"), lines.feed("al"), lines.feed(" of"), lines.end()] == ["", "", "  total", " of\n"]


def test_nothing_is_nothing() -> None:
    assert wrapped("") == ""


@given(st.text("ab \n", max_size=60), st.lists(st.integers(0, 60), max_size=8))
def test_any_cut_gives_the_same(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert wrapped(*pieces) == wrapped(text)
    assert all(len(line) <= 20 for line in wrapped(text).splitlines() if " " in line.strip())
