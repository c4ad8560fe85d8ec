"""Reading model strings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.routing.model_strings import Wish, read

KNOWN = {"gpt-5.5", "gpt-5.5-max", "opus", "openai/gpt-oss", "odd:name", "what?"}


def wish(text: str) -> Wish:
    return read(text, lambda name: name.lower() in KNOWN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gpt-5.5", Wish(name="gpt-5.5")),
        (" gpt-5.5[1m] ", Wish(name="gpt-5.5")),
        ("gpt-5.5-high", Wish(name="gpt-5.5", effort="high")),
        ("gpt-5.5-HIGH", Wish(name="gpt-5.5", effort="high")),
        ("gpt-5.5-max", Wish(name="gpt-5.5-max")),  # a real name
        ("gpt-5.5-max-low", Wish(name="gpt-5.5-max", effort="low")),
        ("gpt-9-high", Wish(name="gpt-9-high")),  # nobody knows whether it is one
        ("gpt-9@high", Wish(name="gpt-9", effort="high")),
        ("gpt-9@turbo", Wish(name="gpt-9@turbo")),
        ("@high", Wish(name="@high")),
        ("claude-new-low", Wish(name="claude-new", effort="low")),
        ("claude-sonnet-4@20250514", Wish(name="claude-sonnet-4@20250514")),
        ("claudex:gpt-5.5:high", Wish(name="gpt-5.5", effort="high")),
        ("claudex:gpt-5.5", Wish(name="gpt-5.5")),
        ("Turnout: gpt-9 : low", Wish(name="gpt-9", effort="low")),
        ("turnout:gpt-5.5-max", Wish(name="gpt-5.5-max")),
        ("turnout:openai/gpt-9:low", Wish(name="gpt-9", effort="low", upstream="openai")),
        ("turnout:gpt-5.5-low:max", Wish(name="gpt-5.5", effort="max")),
        ("turnout:odd:name", Wish(name="odd:name")),
        ("openai-codex:gpt-9", Wish(name="gpt-9", upstream="codex")),
        ("openai_codex:gpt-9:low", Wish(name="gpt-9", effort="low", upstream="codex")),
        ("openai-codex/gpt-9", Wish(name="gpt-9", upstream="codex")),
        ("codex/gpt-9@low[1m]", Wish(name="gpt-9", effort="low", upstream="codex")),
        ("OpenAI/gpt-5.5-low", Wish(name="gpt-5.5", effort="low", upstream="openai")),
        ("openai/gpt-oss", Wish(name="openai/gpt-oss")),  # a server's own name
        ("openai/openai/gpt-oss", Wish(name="openai/gpt-oss", upstream="openai")),
        ("openai/", Wish(name="openai/")),
        ("meta/llama", Wish(name="meta/llama")),
        ("anthropic/gpt-5.5", Wish(name="gpt-5.5")),
        ("gpt-9?reasoning_effort=low&service_tier=flex", Wish(name="gpt-9", effort="low", tier="flex")),
        ("gpt-5.5-max?effort=low", Wish(name="gpt-5.5-max", effort="low")),
        ("gpt-5.5@high?effort=low", Wish(name="gpt-5.5", effort="low")),
        ("opus?speed=fast", Wish(name="opus", tier="fast")),
        ("what?", Wish(name="what?")),
        ("", Wish(name="")),
    ],
)
def test_what_a_string_says(text: str, expected: Wish) -> None:
    assert wish(text) == expected


def test_a_parameter_that_nobody_knows_is_told() -> None:
    [note] = wish("gpt-9?temperature=2").notes
    assert "temperature" in note.reason


@given(st.text(max_size=40))
def test_any_text_can_be_read(text: str) -> None:
    found = wish(text)
    assert len(found.name) <= len(text)
