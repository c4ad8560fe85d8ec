"""What OpenAI's tokens say about whom they are for (codex-backend.md 1.1). Pure; signatures are not checked.

Nothing is trusted on account of a claim: claims name things and say when to renew.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

PROFILE, AUTH = "https://api.openai.com/profile", "https://api.openai.com/auth"


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom tokens are for."""

    account_id: str = ""
    email: str = ""
    plan: str = ""
    expires_at: int | None = None
    """Unix seconds, by the issuer's clock, at which the access token ends; None if it does not say."""
    issued_at: int | None = None
    """Unix seconds, by the issuer's clock, at which the access token was made."""


def identity(access_token: str, id_token: str = "") -> Identity:
    """Whom a pair of tokens is for, as far as they say; opaque tokens say nothing."""
    access, ident = claims(access_token), claims(id_token)
    profile = access.get(PROFILE)
    return Identity(
        account_id=_account(ident) or _account(access),
        email=text(ident, "email") or (text(profile, "email") if isinstance(profile, dict) else ""),
        plan=text(_auth(ident), "chatgpt_plan_type") or text(_auth(access), "chatgpt_plan_type"),
        expires_at=_time(access, "exp"),
        issued_at=_time(access, "iat"),
    )


def claims(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, its signature unchecked; empty if it is not one."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        decoded = msgspec.json.decode(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def text(record: dict[str, Any], name: str) -> str:
    """A field's text without the space around it; empty for anything else."""
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _account(token_claims: dict[str, Any]) -> str:
    """The account that a token names, in the order that other agents use (codex-backend.md 1.1)."""
    direct = text(token_claims, "chatgpt_account_id") or text(_auth(token_claims), "chatgpt_account_id")
    organizations = token_claims.get("organizations")
    if direct or not isinstance(organizations, list) or not organizations:
        return direct
    return text(organizations[0], "id") if isinstance(organizations[0], dict) else ""


def _auth(token_claims: dict[str, Any]) -> dict[str, Any]:
    found = token_claims.get(AUTH)
    return found if isinstance(found, dict) else {}


def _time(token_claims: dict[str, Any], name: str) -> int | None:
    value = token_claims.get(name)
    return int(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
