"""Notes say what became of a part, where, and why."""

from __future__ import annotations

import pytest

from turnout.protocol.fidelity import Note, approximated, dropped, ignored, mapped


@pytest.mark.parametrize(("make", "action"), [(f, f.__name__) for f in (mapped, approximated, dropped, ignored)])
def test_each_kind_of_note(make: type[Note], action: str) -> None:
    assert make("tools[1]", "why") == Note(action, "tools[1]", "why")  # type: ignore[arg-type, call-arg]


def test_a_note_in_words_names_its_place() -> None:
    assert str(dropped("messages[3].content[0]", "it has no form upstream")) == (
        "messages[3].content[0]: it has no form upstream"
    )
    assert str(ignored("", "it has no effect")) == "it has no effect"
