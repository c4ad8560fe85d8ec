"""Encrypted reasoning proves itself, and only for the account and model it was made for."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from turnout.simulator import reasoning

KEY = b"k" * 32
NONCE = bytes(range(16))


def issue(thought: str = "a thought") -> str:
    return reasoning.issue(KEY, account="a", model="m", thought=thought, nonce=NONCE)


@given(st.text())
def test_it_looks_like_the_real_one_and_keeps_the_thought(thought: str) -> None:
    sealed = issue(thought)
    assert sealed.startswith("gAAAA")
    assert base64.urlsafe_b64decode(sealed)
    assert reasoning.verify(KEY, sealed, account="a", model="m")
    assert reasoning.reveal(KEY, sealed) == thought


def test_the_thought_cannot_be_read() -> None:
    assert b"a thought" not in base64.urlsafe_b64decode(issue())


def test_another_account_model_or_simulator_refuses_it() -> None:
    assert not reasoning.verify(KEY, issue(), account="b", model="m")
    assert not reasoning.verify(KEY, issue(), account="a", model="n")
    assert not reasoning.verify(b"other", issue(), account="a", model="m")


@given(st.integers(0, len(issue()) - 1), st.sampled_from("ABab01-_"))
def test_a_changed_character_is_found_out(place: int, letter: str) -> None:
    sealed = issue()
    changed = sealed[:place] + letter + sealed[place + 1 :]
    decoded_same = _decoded(changed) == _decoded(sealed)
    assert reasoning.verify(KEY, changed, account="a", model="m") == decoded_same


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True)
    except ValueError:
        return None


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text: str) -> None:
    assert not reasoning.verify(KEY, text, account="a", model="m")
