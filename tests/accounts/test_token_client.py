"""The calls to the sign-in service: what is asked, and what each kind of refusal means."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from tests.accounts.logins import config, login_of, tokens
from turnout.accounts.token_client import TokenClient, TokenError
from turnout.protocol.errors import FailureKind
from turnout.simulator import Simulator
from turnout.simulator.issuer import challenge_of


@pytest.fixture
def client(sim: Simulator, tmp_path: Path) -> TokenClient:
    return TokenClient(config(tmp_path, sim.url), {}, seconds=0.5)


async def error_of(client: TokenClient, sim: Simulator) -> TokenError:
    with pytest.raises(TokenError) as raised:
        await client.refresh(login_of(sim), "proactive_expiry")
    return raised.value


async def test_a_renewal_is_asked_as_the_codex_cli_asks(client: TokenClient, sim: Simulator) -> None:
    old = login_of(sim)
    new = await client.refresh(old, "proactive_expiry")
    (seen,) = sim.calls
    assert seen.headers["content-type"] == "application/json"
    assert seen.body == {
        "client_id": "app_EMoamEEZ73f0CkXaXp7hrann",
        "grant_type": "refresh_token",
        "refresh_token": old.refresh_token,
        "refresh_reason": "proactive_expiry",
    }
    assert new.refresh_token != old.refresh_token
    assert new.account_id == old.account_id


async def test_what_the_answer_leaves_out_is_kept(client: TokenClient, sim: Simulator) -> None:
    old = login_of(sim)
    sim.account_fault("access-only")
    new = await client.refresh(old, "proactive_expiry")
    assert (new.refresh_token, new.id_token) == (old.refresh_token, old.id_token)
    assert new.access_token != old.access_token


@pytest.mark.parametrize("fault", ["expired", "reused", "invalidated"])
async def test_a_refusal_for_good(client: TokenClient, sim: Simulator, fault: str) -> None:
    sim.account_fault(fault)
    error = await error_of(client, sim)
    assert error.permanent
    assert error.failure.kind is FailureKind.SIGN_IN
    assert error.failure.code == f"refresh_token_{fault}"
    assert error.failure.next_step == "Sign in again with: turnout login"


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("429:7", FailureKind.RATE_LIMITED, "asked too often"),
        ("500", FailureKind.UPSTREAM_ERROR, "HTTP 500"),
        ("html", FailureKind.UNREACHABLE, "blocks programs"),
        ("html-200", FailureKind.UPSTREAM_ERROR, "a web page"),
        ("empty-200", FailureKind.UPSTREAM_ERROR, "without what was asked for"),
        ("truncated-200", FailureKind.UPSTREAM_ERROR, "without what was asked for"),
        ("hang", FailureKind.UPSTREAM_TIMEOUT, "has not answered"),
        ("drop", FailureKind.CUT, "broke the connection off"),
        ("drop-before", FailureKind.CUT, "broke the connection off"),
    ],
)
async def test_a_failure_for_the_moment(
    client: TokenClient, sim: Simulator, fault: str, kind: FailureKind, told: str
) -> None:
    sim.account_fault(fault)
    error = await error_of(client, sim)
    assert not error.permanent
    assert error.failure.kind is kind
    assert told in error.failure.message
    assert "<" not in error.failure.text
    assert error.failure.retry_after == (7 if fault.startswith("429") else None)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(TokenError) as raised:
        await TokenClient(config(tmp_path), {}).refresh(tokens(), "proactive_expiry")
    assert (raised.value.failure.kind, raised.value.permanent) == (FailureKind.UNREACHABLE, False)


async def test_a_browser_login_is_exchanged(client: TokenClient, sim: Simulator) -> None:
    redirect = "http://localhost:1455/auth/callback"
    code = sim.issuer.authorize(sim.account, redirect, challenge_of("v" * 64), now=0)
    with pytest.raises(TokenError) as raised:  # long over
        await client.exchange(code, "v" * 64, redirect)
    assert (raised.value.permanent, raised.value.failure.code) == (True, "invalid_grant")
    code = sim.issuer.authorize(sim.account, redirect, challenge_of("v" * 64), now=2e9)
    found = await client.exchange(code, "v" * 64, redirect)
    assert found.account_id == sim.account.account_id
    assert sim.issuer.serves(found.refresh_token)
    assert sim.calls[-1].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_a_device_login(client: TokenClient, sim: Simulator) -> None:
    device = await client.device_code()
    assert (device.interval, device.verification_url) == (5.0, f"{sim.url}/codex/device")
    assert await client.device_grant(device) is None
    grant = await client.device_grant(device)
    assert grant
    found = await client.exchange(grant.authorization_code, grant.code_verifier, client.device_redirect_uri)
    assert sim.issuer.serves(found.refresh_token)


async def test_device_codes_may_not_be_offered(client: TokenClient, sim: Simulator) -> None:
    sim.settings.device_login = False
    with pytest.raises(TokenError, match="not enabled"):
        await client.device_code()


async def test_a_web_page_is_not_taken_for_a_user_who_has_not_come_yet(client: TokenClient, sim: Simulator) -> None:
    device = await client.device_code()
    sim.account_fault("html", path="deviceauth")
    with pytest.raises(TokenError, match="blocks programs"):
        await client.device_grant(device)


async def test_a_login_is_ended(client: TokenClient, sim: Simulator) -> None:
    login = login_of(sim)
    await client.revoke(login.refresh_token)
    assert not sim.issuer.serves(login.refresh_token)


class TestTheWayThere:
    """The same as the model requests': address, certificates, proxy (peers.md, pain 25)."""

    async def test_may_be_another_address_for_each_call(self, sim: Simulator, tmp_path: Path) -> None:
        from turnout import settings

        variables = {
            "TURNOUT_AUTH_ISSUER": "http://127.0.0.1:9",
            "CODEX_REFRESH_TOKEN_URL_OVERRIDE": f"{sim.url}/oauth/token",
            "CODEX_REVOKE_TOKEN_URL_OVERRIDE": f"{sim.url}/oauth/revoke",
        }
        client = TokenClient(settings.load(variables, {}), {})
        found = await client.refresh(login_of(sim), "proactive_expiry")
        await client.revoke(found.refresh_token)

    @pytest.mark.parametrize("variable", ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"])
    async def test_trusts_the_certificates_that_are_named(self, tmp_path: Path, variable: str) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        with Simulator(certificate=tmp_path / "server.pem") as sim:
            ours = config(tmp_path, sim.url)
            with pytest.raises(TokenError, match="is not trusted"):
                await TokenClient(ours, {}).refresh(login_of(sim), "proactive_expiry")
            environ = {variable: str(tmp_path / "ca.pem")}
            assert await TokenClient(ours, environ).refresh(login_of(sim), "proactive_expiry")

    async def test_without_the_certificates_that_are_named_says_so(self, tmp_path: Path) -> None:
        ours = config(tmp_path, "https://127.0.0.1:9")
        with pytest.raises(TokenError, match="CODEX_CA_CERTIFICATE") as raised:
            await TokenClient(ours, {"CODEX_CA_CERTIFICATE": "nowhere"}).refresh(tokens(), "proactive_expiry")
        assert not raised.value.permanent

    async def test_goes_through_the_proxy(
        self, sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HTTP_PROXY", sim.url)  # which sees the whole address, and answers for it
        ours = config(tmp_path, "http://auth.openai.invalid")
        assert await TokenClient(ours, {}).refresh(login_of(sim), "proactive_expiry")
        assert sim.calls[0].headers["host"] == "auth.openai.invalid"

    async def test_goes_around_it_where_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("NO_PROXY", "auth.openai.invalid")
        ours = config(tmp_path, "http://auth.openai.invalid")
        with pytest.raises(TokenError, match=r"No connection to auth\.openai\.invalid could") as raised:
            await TokenClient(ours, {}).refresh(tokens(), "proactive_expiry")
        assert "proxy 127.0.0.1" not in raised.value.failure.message
