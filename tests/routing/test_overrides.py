"""What a request says of its own way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.routing.asking import NULL
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.routing.overrides import NONE, Overrides, read


def said(headers: dict[bytes, bytes] | None = None, turnout: bytes = b"null", extra: bytes = b"null") -> Overrides:
    return read(headers or {}, Raw(turnout), Raw(extra), NULL)


def test_a_request_that_says_nothing() -> None:
    assert said() == said({b"x-turnout-model": b" "}, b"{}", b'{"other": 1}') == NONE


def test_headers_go_before_the_body_and_its_own_field_before_extra_body() -> None:
    extra = b'{"turnout": {"model": "c", "effort": "max", "tier": "flex", "account": "c"}}'
    found = said({b"x-turnout-model": b"a"}, b'{"model": "b", "effort": "Low"}', extra)
    assert found == Overrides(model="a", effort="low", tier="flex", account="c")


def test_openais_field_for_the_effort_is_read_with_patience() -> None:
    assert read({}, NULL, NULL, Raw(b'"minimal"')).effort == "minimal"
    assert read({}, NULL, NULL, Raw(b'"turbo"')).effort == "high"
    assert said(extra=b'{"reasoning_effort": "low"}').effort == "low"
    assert read({b"x-turnout-effort": b"max"}, NULL, NULL, Raw(b'"low"')).effort == "max"


def test_peers_names_of_upstreams_are_known() -> None:
    assert said({b"x-turnout-upstream": b"OpenAI-Codex"}).upstream == "codex"


def test_subagents_are_known_by_their_header() -> None:
    assert said({b"x-claude-code-agent-id": b"a1"}) == Overrides(subagent=True)
    assert said({b"x-claude-code-agent-id": b"a1", b"x-turnout-effort": b"low"}).subagent
    assert said({b"x-claude-code-agent-id": b""}) == NONE


@pytest.mark.parametrize(
    ("headers", "turnout", "words"),
    [
        ({b"x-turnout-effort": b"turbo"}, b"null", "It may be none, minimal"),
        ({b"x-turnout-tier": b"gold"}, b"null", "flex"),
        ({}, b'{"effort": "turbo"}', "'turbo' is not known"),
        ({}, b"5", "turnout: expected object"),
        ({}, b'{"model": []}', "turnout.model"),
        ({}, b'{"model": "\xff"}', "UTF-8"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(headers: dict[bytes, bytes], turnout: bytes, words: str) -> None:
    with pytest.raises(TurnoutError) as caught:
        said(headers, turnout)
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST
    assert words in caught.value.failure.text


names = st.sampled_from([b"x-turnout-model", b"x-turnout-effort", b"x-turnout-tier", b"x-turnout-account"])


@given(st.dictionaries(names, st.binary(max_size=20)))
def test_any_header_is_read_or_refused(headers: dict[bytes, bytes]) -> None:
    try:
        found = said(headers)
    except TurnoutError as error:
        assert error.failure.kind is FailureKind.BAD_REQUEST
        return
    assert found.upstream == ""
