"""Stop sequences: never shown in part, found across any cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from turnout.translate.stops import StopFilter


def run(sequences: list[str], pieces: list[str]) -> tuple[str, str | None]:
    watch = StopFilter(sequences)
    shown = ""
    for piece in pieces:
        text, hit = watch.feed(piece)
        shown += text
        if hit is not None:
            return shown, hit
    return shown + watch.flush(), None


def test_text_before_the_sequence_is_shown_and_nothing_behind() -> None:
    assert run(["</severity>"], ["<severity>0</sev", "erity> and more"]) == ("<severity>0", "</severity>")


def test_a_beginning_that_comes_to_nothing_is_shown_after_all() -> None:
    assert run(["</block>"], ["a </blo", "om"]) == ("a </bloom", None)
    assert run(["</block>"], ["a </blo"]) == ("a </blo", None)


def test_nothing_of_a_beginning_is_shown_early() -> None:
    watch = StopFilter(["STOP"])
    assert watch.feed("go ST") == ("go ", None)
    assert watch.feed("O") == ("", None)
    assert watch.feed("P") == ("", "STOP")


def test_the_first_to_be_complete_counts_and_of_those_the_longest() -> None:
    assert run(["abcd", "c"], ["abcd"]) == ("ab", "c")
    assert run(["bc", "abc"], ["xabc"]) == ("x", "abc")


@given(
    st.lists(st.text("ab<", min_size=1, max_size=4), min_size=1, max_size=3),
    st.lists(st.text("ab<", max_size=4), max_size=8),
)
def test_any_cut_gives_the_same(sequences: list[str], pieces: list[str]) -> None:
    assert run(sequences, pieces) == run(sequences, ["".join(pieces)])
    assert run(sequences, pieces) == run(sequences, list("".join(pieces)))
