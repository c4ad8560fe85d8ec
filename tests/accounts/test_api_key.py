"""The OpenAI API key: found, or a word about how to give one."""

from __future__ import annotations

import pytest

from turnout.accounts.api_key import read
from turnout.config import OpenAISettings
from turnout.protocol.errors import FailureKind, TurnoutError


def test_the_configured_key_is_used_and_its_place_named() -> None:
    assert read(OpenAISettings(api_key="sk-1"), {}).source == "the configuration"
    assert read(OpenAISettings(api_key="sk-1"), {"OPENAI_API_KEY": "sk-1"}).source == "OPENAI_API_KEY"
    assert read(OpenAISettings(), {"OPENAI_API_KEY": " sk-2\n"}).token == "sk-2"


def test_keys_belong_to_no_chatgpt_account_and_do_not_end() -> None:
    found = read(OpenAISettings(api_key="sk-1"), {})
    assert (found.account_id, found.expires_at) == ("", None)
    assert "sk-1" not in repr(found)


@pytest.mark.parametrize(
    ("key", "told"), [("", "There is no OpenAI API key"), ("sk-a b", "a character that no key has")]
)
def test_a_missing_or_broken_key_is_a_sign_in_failure(key: str, told: str) -> None:
    with pytest.raises(TurnoutError) as caught:
        read(OpenAISettings(api_key=key), {})
    assert caught.value.failure.kind is FailureKind.SIGN_IN
    assert told in caught.value.failure.message
    assert "OPENAI_API_KEY" in caught.value.failure.next_step
