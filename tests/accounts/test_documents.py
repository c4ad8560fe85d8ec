"""Credential files: every shape that is met in the wild, and a clear word about each that cannot be used."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.accounts.logins import auth_json, tokens
from turnout.accounts import documents
from turnout.accounts.account import SourceKind
from turnout.accounts.documents import Login, parse, renewed
from turnout.protocol.errors import FailureKind, TurnoutError

NOW = 1_800_000_000.0
LOGIN = tokens("acc-1", "ada@example.com", "plus", exp=NOW + 3600, iat=NOW)
FLAT = {
    "access_token": str(LOGIN.access_token),
    "refresh_token": str(LOGIN.refresh_token),
    "id_token": str(LOGIN.id_token),
    "account_id": "acc-1",
}
CAMEL = {
    "accessToken": str(LOGIN.access_token),
    "refreshToken": str(LOGIN.refresh_token),
    "accountId": "acc-1",
    "expiresAt": (NOW + 1800) * 1000,
}
OPENCODE = {
    "anthropic": {"type": "api", "key": "not-ours"},
    "openai": {
        "type": "oauth",
        "refresh": str(LOGIN.refresh_token),
        "access": str(LOGIN.access_token),
        "expires": (NOW + 1800) * 1000,
        "accountId": "acc-1",
    },
}


def read(content: object, kind: SourceKind = SourceKind.CODEX) -> Login:
    return parse(content if isinstance(content, bytes) else json.dumps(content).encode(), kind, "the/file")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (SourceKind.CODEX, auth_json(LOGIN)),
        (SourceKind.CODEX, b"\xef\xbb\xbf" + json.dumps(auth_json(LOGIN)).encode()),
        (SourceKind.CODEX, FLAT),
        (SourceKind.CODEX, auth_json(LOGIN, last_refresh=None, auth_mode=None)),
        (SourceKind.CODEX, auth_json(LOGIN, future_field={"kept": True})),
        (SourceKind.CODEX_KEYRING, auth_json(LOGIN)),
        (SourceKind.TURNOUT, documents.owned(LOGIN, NOW)),
        (SourceKind.OPENCODE, OPENCODE),
        (SourceKind.OPENCODE_SESSION, {"codex": CAMEL}),
        (SourceKind.OPENCODE_SESSION, CAMEL),
        (SourceKind.OPENCODE_V2, CAMEL),
        (SourceKind.CLAUDEX, {**FLAT, "expires_at": (NOW + 1800) * 1000}),
        (SourceKind.CLIPROXYAPI, {"type": "codex", "email": "ada@example.com", **FLAT, "disabled": False}),
        (SourceKind.CCS, {"type": "codex", "expired": "2027-01-15T08:30:00Z", **FLAT}),
    ],
)
def test_a_login_is_found_in_every_tools_file(kind: SourceKind, content: object) -> None:
    found = read(content, kind)
    assert (found.kind, found.account_id, found.plan) == ("chatgpt", "acc-1", "plus")
    assert (found.token, found.refresh_token) == (LOGIN.access_token, LOGIN.refresh_token)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (SourceKind.CODEX, {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1", "tokens": None}),
        (SourceKind.TURNOUT, documents.owned_key("sk-1")),
        (SourceKind.OPENCODE, {"openai": {"type": "api", "key": "sk-1"}}),
    ],
)
def test_an_api_key_is_found_too(kind: SourceKind, content: object) -> None:
    found = read(content, kind)
    assert (found.kind, found.token, found.refresh_token) == ("api_key", "sk-1", "")


@pytest.mark.parametrize("field", ["expires", "expires_at", "expiresAt"])
@pytest.mark.parametrize("value", [NOW + 1800, (NOW + 1800) * 1000, "2027-01-15T08:30:00Z", "2027-01-15T08:30:00"])
def test_an_end_that_the_file_states_counts_in_every_form(field: str, value: object) -> None:
    assert read({**FLAT, field: value}, SourceKind.CLAUDEX).expires_at == NOW + 1800


def test_the_end_is_the_tokens_own_otherwise() -> None:
    assert read(auth_json(LOGIN)).expires_at == NOW + 3600
    assert read(auth_json(tokens(), tokens={**FLAT, "access_token": "opaque"})).expires_at is None


@pytest.mark.parametrize(
    ("ahead", "believed"), [(0, 0), (60, 0), (3600, 3600), (-3600, -3600), (14 * 3600, 14 * 3600), (9 * 86_400, 0)]
)
def test_the_end_is_told_by_this_machines_clock(ahead: float, believed: float) -> None:
    """The file was written the moment the token was made: a difference is the clocks'. After days it says nothing."""
    content = auth_json(LOGIN, last_refresh=documents.rfc3339(NOW + ahead))
    assert read(content).expires_at == NOW + 3600 + believed


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf", "is not valid JSON"),
        (json.dumps(auth_json(LOGIN)).encode()[:200], "is not valid JSON; it may have been cut short"),
        (b"\xff\xfe{}", "is not valid JSON"),
        (b"[]", "holds no JSON object"),
        ({}, "it holds nothing, but no access token"),
        ({"openai": {"type": "oauth", "access": "x"}}, "it holds openai, but no access token"),
        ({"auth_mode": "agentIdentity"}, "of the kind 'agentIdentity'"),
        ({"auth_mode": "chatgpt", "tokens": {"access_token": 5}}, "of the kind 'chatgpt' and holds no access token"),
        ({"tokens": {"access_token": "opaque"}}, "names no ChatGPT account"),
    ],
)
def test_what_cannot_be_used_is_described(content: object, told: str) -> None:
    with pytest.raises(TurnoutError) as raised:
        read(content)
    failure = raised.value.failure
    assert failure.kind is FailureKind.SIGN_IN
    assert told in failure.message
    assert "the/file" in failure.message
    assert "codex login" in failure.next_step
    assert "turnout login" in failure.next_step


def test_nothing_shows_a_token() -> None:
    login = read(auth_json(LOGIN))
    for secret in (LOGIN.access_token, LOGIN.refresh_token, LOGIN.id_token):
        assert secret not in repr(login)
        assert secret not in repr(login.tokens)
        assert secret not in login.fingerprint


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OTHER_NAMES = st.text().filter(lambda name: name not in {"tokens", "last_refresh"})


class TestRenewing:
    def test_changes_the_tokens_and_nothing_else(self) -> None:
        before = auth_json(LOGIN, agent_identity=None, future={"a": [1, 2.50, "é"]})
        before["tokens"]["oauth_provenance"] = {"issuer": "https://auth.openai.com"}
        newer = tokens("acc-1", exp=NOW + 9999)
        after = json.loads(renewed(json.dumps(before).encode(), newer, NOW))
        assert after["tokens"].pop("access_token") == newer.access_token
        assert after["tokens"].pop("refresh_token") == newer.refresh_token
        assert after["tokens"].pop("id_token") == newer.id_token
        assert after.pop("last_refresh") == "2027-01-15T08:00:00.000000000Z"
        for name in ("access_token", "refresh_token", "id_token"):
            del before["tokens"][name]
        del before["last_refresh"]
        assert after == before
        assert list(after) == list(before)

    def test_looks_as_the_codex_cli_writes_it(self) -> None:
        """Two spaces, no line break at the end (seen with codex-cli 0.169.0)."""
        written = renewed(json.dumps(auth_json(LOGIN)).encode(), LOGIN, NOW)
        assert written.startswith(
            b'{\n  "auth_mode": "chatgpt",\n  "OPENAI_API_KEY": null,\n  "tokens": {\n    "id_token"'
        )
        assert written.endswith(b'\n  "last_refresh": "2027-01-15T08:00:00.000000000Z"\n}')

    def test_keeps_what_the_new_tokens_leave_out(self) -> None:
        newer = documents.Tokens(access_token=tokens(exp=1).access_token)
        after = read(renewed(json.dumps(auth_json(LOGIN)).encode(), newer, NOW))
        assert (after.refresh_token, after.id_token) == (LOGIN.refresh_token, LOGIN.id_token)

    def test_serves_flat_files_and_marked_ones(self) -> None:
        after = read(renewed(b"\xef\xbb\xbf" + json.dumps(FLAT).encode(), tokens("acc-1", exp=NOW + 9999), NOW))
        assert after.expires_at == NOW + 9999

    @given(st.dictionaries(OTHER_NAMES, ANYTHING, max_size=5))
    def test_keeps_any_field_to_the_digit(self, extra: dict[str, Any]) -> None:
        before = {**auth_json(LOGIN), **extra}
        after = json.loads(renewed(json.dumps(before).encode(), tokens(exp=2), NOW), parse_int=str, parse_float=str)
        exact = json.loads(json.dumps(before), parse_int=str, parse_float=str)
        assert {name: after[name] for name in extra} == {name: exact[name] for name in extra}
