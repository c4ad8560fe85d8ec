"""Names of clients and conversations, and texts without secrets."""

from __future__ import annotations

import pytest

from tests.ledger.bodies import record
from turnout.ledger import redact
from turnout.ledger.record import client_name, short_name
from turnout.translate.messages_writer import TokenUsage


@pytest.mark.parametrize(
    ("user_agent", "name", "version"),
    [
        ("claude-cli/2.1.328 (external, sdk-cli)", "claude-cli", "2.1.328"),
        ("Anthropic/Python 0.84.0", "Anthropic/Python", "0.84.0"),
        ("Anthropic/JS 0.70.1", "Anthropic/JS", "0.70.1"),
        ("curl/8.5.0", "curl", "8.5.0"),
        ("Mozilla something", "Mozilla", ""),
        ("", "", ""),
        ("evil\x1b[31m/1", "evil[31m", "1"),
        ("x" * 1000, "x" * 100, ""),
    ],
)
def test_a_client_has_a_name_and_a_version(user_agent: str, name: str, version: str) -> None:
    assert client_name(user_agent) == (name, version)


def test_a_short_name_is_stable_and_reveals_nothing() -> None:
    assert short_name("a-session") == short_name("a-session") != short_name("b-session")
    assert len(short_name("a-session")) == 8
    assert short_name("") == ""


def test_the_share_of_the_cache() -> None:
    assert record().cached_share is None
    assert record(usage=TokenUsage()).cached_share is None
    assert record(usage=TokenUsage(input_tokens=50, cached_tokens=100, cache_write_tokens=50)).cached_share == 0.5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Incorrect API key provided: sk-abcdefghijklmnopqrstuvwx.", "Incorrect API key provided: (redacted)"),
        ("Bearer abc.def is wrong", "Bearer (redacted) is wrong"),
        ("ask ada.l@example.com about it", "ask (address) about it"),
        ("Invalid value: 'high'.", "Invalid value: 'high'."),
        ("Invalid value: 'the whole long text of a user, as it was said'.", "Invalid value: '…'."),
    ],
)
def test_a_failures_text_holds_no_secret(text: str, kept: str) -> None:
    assert redact.of_failure(text) == kept


def test_a_failures_text_is_short() -> None:
    assert len(redact.of_failure("long " * 1000)) == redact.FAILURE_LENGTH
