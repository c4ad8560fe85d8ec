"""The simulated sign-in service: codes, refresh tokens and device codes serve once, and fail as the real ones do."""

from __future__ import annotations

import ssl
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import trustme

from tests.simulator.wire import Answer, send
from turnout.simulator import Account, Simulator
from turnout.simulator.accounts import CLIENT_ID, read_access_token
from turnout.simulator.issuer import challenge_of

REDIRECT = "http://localhost:1455/auth/callback"
VERIFIER = "v" * 64


def post(sim: Simulator, path: str, timeout: float = 10.0, **fields: str) -> Answer:
    return send(sim, {"client_id": CLIENT_ID, **fields}, path=path, timeout=timeout)


def renew(sim: Simulator, refresh_token: str, timeout: float = 10.0) -> Answer:
    return post(sim, "/oauth/token", timeout, grant_type="refresh_token", refresh_token=refresh_token)


def authorize(sim: Simulator, **changes: str) -> Answer:
    query = {
        "response_type": "code",
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "state": "st",
        "scope": "openid profile email offline_access",
        **changes,
    }
    return send(sim, None, path=f"/oauth/authorize?{urlencode(query)}", method="GET", raw=b"")


def callback(answer: Answer) -> dict[str, str]:
    assert answer.status == 302
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def exchange(sim: Simulator, code: str, /, **changes: str) -> Answer:
    fields = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "code": code,
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **changes,
    }
    form = urlencode(fields).encode()
    return send(sim, None, path="/oauth/token", raw=form, content_type="application/x-www-form-urlencoded")


def code_of(answer: Answer) -> str:
    found: str = answer.json["error"]["code"]
    return found


def test_a_refresh_token_serves_once(sim: Simulator) -> None:
    first = sim.tokens()
    second = renew(sim, first.refresh_token).json
    assert second["refresh_token"] != first.refresh_token
    assert second["access_token"] != first.access_token
    assert read_access_token(second["access_token"], sim.state.key)
    again = renew(sim, first.refresh_token)
    assert (again.status, code_of(again)) == (401, "refresh_token_reused")
    assert renew(sim, second["refresh_token"]).status == 200
    assert [use.outcome for use in sim.issuer.uses] == ["renewed", "reused", "renewed"]
    assert not sim.issuer.serves(first.refresh_token)


def test_an_unknown_token_and_a_foreign_client_are_refused(sim: Simulator) -> None:
    assert code_of(renew(sim, "rt_never")) == "refresh_token_invalidated"
    foreign = post(sim, "/oauth/token", client_id="other", grant_type="refresh_token", refresh_token="x")
    assert (foreign.status, foreign.json) == (401, {"error": "invalid_client"})


def test_a_revoked_login_cannot_be_renewed(sim: Simulator) -> None:
    tokens = sim.tokens()
    newer = renew(sim, tokens.refresh_token).json["refresh_token"]
    assert post(sim, "/oauth/revoke", token=newer, token_type_hint="refresh_token").status == 200
    assert code_of(renew(sim, newer)) == "refresh_token_invalidated"
    assert sim.issuer.revoked == [newer]


def test_a_browser_login(sim: Simulator) -> None:
    answer = callback(authorize(sim))
    assert answer["state"] == "st"
    granted = exchange(sim, answer["code"]).json
    assert {"id_token", "access_token", "refresh_token", "expires_in"} <= set(granted)
    assert renew(sim, granted["refresh_token"]).status == 200
    assert exchange(sim, answer["code"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "w" * 64}, {"redirect_uri": REDIRECT.replace("1455", "1457")}, {"code": "ac_other"}]
)
def test_a_code_is_for_one_client_only(sim: Simulator, changes: dict[str, str]) -> None:
    refused = exchange(sim, callback(authorize(sim))["code"], **changes)
    assert (refused.status, refused.json["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "http://localhost:9999/auth/callback"},
        {"redirect_uri": "https://evil.example/auth/callback"},
        {"state": ""},
        {"code_challenge_method": "plain"},
        {"client_id": "other"},
        {"scope": "openid"},
    ],
)
def test_a_bad_authorization_request_is_refused_on_the_page(sim: Simulator, changes: dict[str, str]) -> None:
    refused = authorize(sim, **changes)
    assert refused.status == 400
    assert b"invalid_request" in refused.raw


def test_the_user_may_refuse(sim: Simulator) -> None:
    sim.settings.authorize = "deny"
    assert callback(authorize(sim))["error"] == "access_denied"


def test_another_account_may_sign_in() -> None:
    other = Account(account_id="second", email="bob@example.com")
    with Simulator(accounts=(Account(), other)) as sim:
        sim.settings.sign_in_as = "second"
        granted = exchange(sim, callback(authorize(sim))["code"]).json
        claims = read_access_token(granted["access_token"], sim.state.key)
        assert claims
        assert claims["https://api.openai.com/profile"]["email"] == "bob@example.com"


def test_a_device_login(sim: Simulator) -> None:
    begun = post(sim, "/api/accounts/deviceauth/usercode").json
    assert begun["interval"] == "5"
    device = {name: begun[name] for name in ("device_auth_id", "user_code")}
    waiting = post(sim, "/api/accounts/deviceauth/token", **device)
    assert waiting.status == 403
    granted = post(sim, "/api/accounts/deviceauth/token", **device).json
    assert challenge_of(granted["code_verifier"]) == granted["code_challenge"]
    tokens = exchange(
        sim,
        granted["authorization_code"],
        code_verifier=granted["code_verifier"],
        redirect_uri=f"{sim.url}/deviceauth/callback",
    )
    assert tokens.status == 200
    assert post(sim, "/api/accounts/deviceauth/token", **device).status == 400


def test_a_device_waits_for_its_user(sim: Simulator) -> None:
    sim.settings.device_polls = None
    begun = post(sim, "/api/accounts/deviceauth/usercode").json
    device = {name: begun[name] for name in ("device_auth_id", "user_code")}
    for _ in range(3):
        assert post(sim, "/api/accounts/deviceauth/token", **device).status == 403
    assert not sim.approve_device("AAAA-AAAAA")
    page = send(sim, None, path=f"/codex/device?user_code={device['user_code'].lower()}", method="GET", raw=b"")
    assert page.status == 200
    assert post(sim, "/api/accounts/deviceauth/token", **device).status == 200


def test_device_logins_may_not_be_offered(sim: Simulator) -> None:
    sim.settings.device_login = False
    assert post(sim, "/api/accounts/deviceauth/usercode").status == 404


@pytest.mark.parametrize(
    ("fault", "status", "token_still_serves"),
    [
        ("html", 403, True),
        ("429:7", 429, True),
        ("500", 500, True),
        ("html-200", 200, True),
        ("empty-200", 200, True),
        ("reused", 401, True),
        ("expired", 401, True),
        ("invalidated", 401, True),
        ("truncated-200", 200, False),
        ("slow:0.1", 200, False),
    ],
)
def test_answers_that_fail(sim: Simulator, fault: str, status: int, token_still_serves: bool) -> None:
    token = sim.tokens().refresh_token
    sim.account_fault(fault)
    assert renew(sim, token).status == status
    assert sim.issuer.serves(token) == token_still_serves
    if token_still_serves:
        assert renew(sim, token).status == 200


@pytest.mark.parametrize(("fault", "token_still_serves"), [("hang", True), ("drop-before", True), ("drop", False)])
def test_answers_that_never_come(sim: Simulator, fault: str, token_still_serves: bool) -> None:
    token = sim.tokens().refresh_token
    sim.account_fault(fault)
    assert renew(sim, token, timeout=0.5).cut
    assert sim.issuer.serves(token) == token_still_serves


def test_an_answer_may_leave_things_out_or_be_for_someone_else() -> None:
    with Simulator(accounts=(Account(), Account(account_id="second"))) as sim:
        sim.account_fault("access-only")
        assert set(renew(sim, sim.tokens().refresh_token).json) == {"access_token"}
        sim.account_fault("other-account")
        claims = read_access_token(renew(sim, sim.tokens().refresh_token).json["access_token"], sim.state.key)
        assert claims
        assert claims["https://api.openai.com/auth"]["chatgpt_account_id"] == "second"


def test_faults_wait_for_their_call(sim: Simulator) -> None:
    sim.account_fault("500", after=1)
    sim.account_fault("500", path="/oauth/revoke")
    first = renew(sim, sim.tokens().refresh_token)
    assert first.status == 200
    assert renew(sim, first.json["refresh_token"]).status == 500
    assert post(sim, "/oauth/revoke", token="x").status == 500
    with pytest.raises(ValueError, match="Known: html"):
        sim.account_fault("unheard-of")
    ordered = send(sim, {"fault": "500", "path": "/oauth/revoke"}, path="/_sim/account-fault")
    assert ordered.json == {"ok": True, "fault": "500"}
    assert post(sim, "/oauth/revoke", token="x").status == 500


@pytest.mark.parametrize("path", ["/backend-api/wham/usage", "/backend-api/wham/accounts/check"])
def test_the_backends_calls_need_a_login(sim: Simulator, path: str) -> None:
    assert send(sim, None, path=path, method="GET", raw=b"", authorization="Bearer x").status == 401
    assert send(sim, None, path=path, method="GET", raw=b"").status == 200


def test_the_quota_names_plan_and_windows(sim: Simulator) -> None:
    sim.settings.used_percent = 100
    usage: dict[str, Any] = send(sim, None, path="/backend-api/wham/usage", method="GET", raw=b"").json
    assert usage["plan_type"] == "pro"
    assert usage["rate_limit"]["limit_reached"] is True
    assert usage["rate_limit"]["primary_window"]["limit_window_seconds"] == 18_000


def test_a_certificate_makes_it_an_https_service(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    with Simulator(certificate=certificate) as sim:
        assert sim.url.startswith("https://")
        context = ssl.create_default_context()
        authority.configure_trust(context)
        with urllib.request.urlopen(f"{sim.url}/_sim/health", context=context, timeout=10) as answer:
            assert answer.status == 200
