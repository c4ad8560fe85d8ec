"""Half surrogate pairs are mended; everything else of a JSON text stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnout.protocol.surrogates import mend


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\ude82"', rb'"\ufffd"'),
        (rb'"\uD83D\uDE82"', rb'"\uD83D\uDE82"'),
        (rb'"\ude82\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\ud83d\ud83d\ude82"', rb'"\ufffd\ud83d\ude82"'),
        (rb'"\ud83d\n\ude82"', rb'"\ufffd\n\ufffd"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\u00e9 \ud7ff \ue000"', rb'"\u00e9 \ud7ff \ue000"'),
    ],
)
def test_halves_are_replaced_and_pairs_are_kept(text: bytes, mended: bytes) -> None:
    assert mend(text) == mended


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(["a", "\\", "u", "d", "8", "\ud83d", "\ude82", "🚂"])))
def test_any_text_of_a_javascript_client_becomes_readable(text: str) -> None:
    mended = json.loads(mend(json.dumps(text).encode()))
    mended.encode("utf-8")
    # What JavaScript calls toWellFormed.
    assert mended == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_any_bytes_are_mended_once_and_for_all(text: bytes) -> None:
    assert mend(mend(text)) == mend(text)
