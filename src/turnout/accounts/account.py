"""An account as it is listed and chosen: who it is, where its credential lies, whether it serves. Holds no secret."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Literal

import msgspec

Kind = Literal["chatgpt", "api_key"]
Ownership = Literal["owned", "borrowed"]


class State(StrEnum):
    """Whether an account can be used. The values are stable names."""

    OK = "ok"
    """It serves; a token near its end is renewed without a word."""
    EXPIRED = "expired"
    """Its access token is over, and the tool that owns the login has to renew it (Turnout may not)."""
    SIGN_IN_AGAIN = "sign_in_again"
    """OpenAI has refused to renew the login for good: only signing in helps."""
    UNREADABLE = "unreadable"
    """Its credential is there but cannot be read, or is no credential."""
    MISSING = "missing"
    """Its credential is gone."""


class SourceKind(StrEnum):
    """Who keeps a credential (codex-backend.md 1.1, 1.2, 1.7). The values are stable names."""

    TURNOUT = "turnout"
    """Turnout itself: an owned account."""
    CODEX = "codex"
    """The Codex CLI's ``auth.json``."""
    CODEX_KEYRING = "codex_keyring"
    """The Codex CLI's entry in the system's keyring."""
    OPENCODE = "opencode"
    """opencode's ``auth.json``."""
    OPENCODE_SESSION = "opencode_session"
    """opencode's first place, ``~/.opencode/session.json``."""
    OPENCODE_V2 = "opencode_v2"
    """opencode's second place, ``~/.opencode/auth/codex.json``."""
    CLAUDEX = "claudex"
    """claudex's ``session.json``."""
    CLIPROXYAPI = "cliproxyapi"
    """One of CLIProxyAPI's files."""
    CCS = "ccs"
    """One of CCS's files, which its CLIProxyAPI keeps."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account that Turnout knows."""

    name: str
    """Nickname: what the user calls it and chooses it by."""
    kind: Kind
    ownership: Ownership
    """``owned``: Turnout signed in itself and renews it. ``borrowed``: another tool's login, used where it lies."""
    source: SourceKind
    path: str
    """Where the credential lies, for messages: a file, or the name of a keyring entry."""
    email: str = ""
    plan: str = ""
    """ChatGPT plan as OpenAI calls it; an open set of names."""
    account_id: str = ""
    """ChatGPT account (workspace) id; empty for API keys."""
    expires_at: int | None = None
    """Unix seconds, by this machine's clock, at which the access token ends; None if it does not."""
    state: State = State.OK
    reason: str = ""
    """Why it does not serve, and what helps: full sentences, empty if it serves."""
    default: bool = False
    """Whether it is used when nothing else is asked for."""

    @property
    def tag(self) -> str:
        """The same short stable name as `turnout.accounts.credential.Credential.tag`; empty without an account id."""
        return tag(self.account_id) if self.account_id else ""


@lru_cache(maxsize=256)
def tag(identity: str) -> str:
    """A short stable name (8 hex digits) that does not reveal the account id or key it is made of. Kept, for a few
    accounts are named several times a request."""
    return hashlib.sha256(identity.encode()).hexdigest()[:8]
