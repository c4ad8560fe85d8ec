"""Reasoning of chat-only servers survives as encrypted content; nothing else is taken for it."""

from __future__ import annotations

import base64
import json
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.translate import chat_reasoning, reasoning


@given(st.text(), st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=2), max_size=2))
def test_what_is_packed_comes_out_again(text: str, details: list[dict[str, str]]) -> None:
    packed = chat_reasoning.pack({"reasoning_content": text, "reasoning_details": details})
    found = {name: json.loads(bytes(value)) for name, value in chat_reasoning.unpack(packed).items()}
    assert found == {"reasoning_content": text, "reasoning_details": details}
    # It must pass through an envelope as it is, without escapes.
    assert re.fullmatch(r"[A-Za-z0-9+/=_.\-]+", packed)
    sealed = reasoning.unseal(reasoning.seal("a", "m", "rs_1", packed))
    assert sealed is not None
    assert json.loads(sealed.item)["encrypted_content"] == packed


@pytest.mark.parametrize(
    "content",
    [
        "",
        "gAAAAB",
        "chat1.",
        "chat1.ü",
        "chat1.AAAA",
        "chat1." + base64.b64encode(zlib.compress(b"[1]")).decode(),
        "chat1." + base64.b64encode(zlib.compress(b"\xff")).decode(),
        "chat2." + base64.b64encode(zlib.compress(b"{}")).decode(),
    ],
)
def test_what_is_none_is_none(content: str) -> None:
    assert chat_reasoning.unpack(content) == {}


def test_only_reasoning_can_be_in_it_and_no_more_than_a_message_can_hold() -> None:
    assert set(chat_reasoning.unpack(chat_reasoning.pack({"role": "user", "reasoning": "x"}))) == {"reasoning"}
    bomb = "chat1." + base64.b64encode(zlib.compress(b'{"reasoning":"' + b"x" * 20_000_000 + b'"}')).decode()
    assert chat_reasoning.unpack(bomb) == {}
