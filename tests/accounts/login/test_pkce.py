"""An attempt's secrets, and the page's address."""

from __future__ import annotations

from urllib.parse import urlsplit

from tests.accounts.login.user import query_of
from turnout.accounts.login import pkce

REDIRECT = "http://127.0.0.1:1455/auth/callback"


def test_the_challenge_is_the_one_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    known = pkce.Attempt(verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", state="s")  # type: ignore[arg-type]
    assert known.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_each_attempt_has_its_own_secrets_and_shows_none() -> None:
    one, other = pkce.attempt(), pkce.attempt()
    assert one.verifier != other.verifier
    assert one.state != other.state
    assert (len(one.verifier), len(one.state)) == (86, 43)
    assert one.verifier not in repr(one)
    assert one.state not in repr(one)


def test_the_address_of_the_page() -> None:
    attempt = pkce.attempt(lambda count: b"\xff" * count)
    url = pkce.authorize_url("https://auth.openai.com/", "app_x", attempt, REDIRECT)
    assert urlsplit(url)[:3] == ("https", "auth.openai.com", "/oauth/authorize")
    assert query_of(url) == {
        "response_type": "code",
        "client_id": "app_x",
        "redirect_uri": REDIRECT,
        "scope": "openid profile email offline_access",
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "state": attempt.state,
        "originator": "turnout",
    }
    assert attempt.verifier not in url
