"""What tokens say about whom they are for."""

from __future__ import annotations

import base64

import pytest

from tests.accounts.logins import AUTH, jwt, tokens
from turnout.accounts.claims import PROFILE, Identity, claims, identity


def test_a_login_says_whom_it_is_for() -> None:
    login = tokens("acc-1", "ada@example.com", "plus", exp=200, iat=100)
    found = identity(login.access_token, login.id_token)
    assert found == Identity(account_id="acc-1", email="ada@example.com", plan="plus", expires_at=200, issued_at=100)


def test_the_access_token_alone_says_it_too() -> None:
    token = jwt(
        **{PROFILE: {"email": "ada@example.com"}, AUTH: {"chatgpt_account_id": "a", "chatgpt_plan_type": "pro"}}
    )
    found = identity(token)
    assert (found.account_id, found.email, found.plan, found.expires_at) == ("a", "ada@example.com", "pro", None)


def test_the_account_is_looked_for_where_other_agents_look() -> None:
    assert identity("", jwt(chatgpt_account_id="top", **{AUTH: {"chatgpt_account_id": "auth"}})).account_id == "top"
    assert identity("", jwt(organizations=[{"id": "org-1"}])).account_id == "org-1"
    assert identity(jwt(chatgpt_account_id="access"), jwt(chatgpt_account_id="id")).account_id == "id"


@pytest.mark.parametrize("claim", [{"exp": "soon"}, {"exp": True}, {"organizations": ["x"]}, {AUTH: "x"}, {PROFILE: 1}])
def test_claims_of_another_type_say_nothing(claim: dict[str, object]) -> None:
    assert identity(jwt(**claim), jwt(**claim)) == Identity()


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.!!!.c", f"a.{base64.b64encode(b'[]').decode()}.c"])
def test_what_is_no_token_has_no_claims(token: str) -> None:
    assert claims(token) == {}
