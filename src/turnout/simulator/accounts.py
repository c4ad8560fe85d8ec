"""The accounts the simulator knows: their tokens, the `auth.json` a client reads, and the check of a request's sign-in.

Tokens look like the real ones (three base64url parts with the claims of codex-backend.md 1.1) and are signed with
the simulator's own key, so that nothing has to be remembered about them.
"""

import base64
import hashlib
import hmac
import secrets
from pathlib import Path

import msgspec

from turnout.simulator.jsontypes import JsonObject

AUTH_CLAIM = "https://api.openai.com/auth"
PROFILE_CLAIM = "https://api.openai.com/profile"
CLIENT_ID = "app_EMoamEEZ73f0CkXaXp7hrann"
DAY_SECONDS = 86_400


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A ChatGPT account (or workspace) of the simulated service."""

    account_id: str = "5e0f1a52-7a4e-4d8e-9a55-51b0a70f0001"
    user_id: str = "user-simulated0001"
    email: str = "ada@example.com"
    plan: str = "pro"


class Tokens(msgspec.Struct, frozen=True):
    """The three tokens of one sign-in."""

    id_token: str
    access_token: str
    refresh_token: str


def issue_tokens(account: Account, key: bytes, *, now: float, lifetime: float = 10 * DAY_SECONDS) -> Tokens:
    """Sign the account in at Unix time `now`; the access token lasts `lifetime` seconds (negative: expired already)."""
    auth: JsonObject = {
        "chatgpt_account_id": account.account_id,
        "chatgpt_plan_type": account.plan,
        "chatgpt_user_id": account.user_id,
        "user_id": account.user_id,
        "chatgpt_account_is_fedramp": False,
    }
    times = {"iat": int(now), "exp": int(now + lifetime)}
    nonce = secrets.token_hex(16)  # two logins of one second are two logins
    access = {
        "jti": nonce,
        "aud": ["https://api.openai.com/v1"],
        "iss": "https://auth.openai.com",
        "sub": account.user_id,
        "client_id": CLIENT_ID,
        AUTH_CLAIM: auth,
        PROFILE_CLAIM: {"email": account.email, "email_verified": True},
        **times,
    }
    identity = {
        "jti": nonce,
        "aud": [CLIENT_ID],
        "iss": "https://auth.openai.com",
        "sub": account.user_id,
        "email": account.email,
        AUTH_CLAIM: auth,
        **times,
    }
    refresh = hmac.new(key, f"refresh {account.account_id} {nonce}".encode(), hashlib.sha256).hexdigest()
    return Tokens(_sign(identity, key), _sign(access, key), f"rt_{refresh}")


def auth_document(account: Account, tokens: Tokens, *, last_refresh: str) -> JsonObject:
    """The content of `$CODEX_HOME/auth.json` as codex-cli 0.169.0 writes it (codex-backend.md 1.1)."""
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": {
            "id_token": tokens.id_token,
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "account_id": account.account_id,
            "oauth_provenance": {"issuer": "https://auth.openai.com", "client_id": CLIENT_ID},
            "login_owner_id": _base64url(hashlib.sha256(account.user_id.encode()).digest()),
        },
        "last_refresh": last_refresh,
    }


def write_auth_json(path: Path, document: JsonObject) -> Path:
    """Write the document to `path`, or to `auth.json` inside it when it is a folder; owner-only, pretty-printed."""
    target = path / "auth.json" if path.is_dir() or path.suffix != ".json" else path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=2))
    return target


def read_access_token(token: str, key: bytes) -> JsonObject | None:
    """The claims of an access token that this simulator issued, expired or not; None for any other text."""
    signed, _, signature = token.rpartition(".")
    if not signed or not hmac.compare_digest(signature, _signature(signed, key)):
        return None
    try:
        payload = base64.urlsafe_b64decode(signed.split(".")[1] + "==")
        return msgspec.json.decode(payload, type=JsonObject)
    except (ValueError, IndexError, msgspec.MsgspecError):
        return None


def _sign(claims: JsonObject, key: bytes) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": "simulator"}
    signed = f"{_base64url(msgspec.json.encode(header))}.{_base64url(msgspec.json.encode(claims))}"
    return f"{signed}.{_signature(signed, key)}"


def _signature(signed: str, key: bytes) -> str:
    return _base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
