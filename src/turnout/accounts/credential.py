"""A credential as the upstreams use it. Its secrets never appear in a repr, a log line or an error."""

from __future__ import annotations

import msgspec

from turnout.accounts.account import tag


class Secret(str):
    """A string that does not show itself: ``repr`` and ``%r`` print its length only."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Secret({len(self)} characters)"


def reveal(value: object) -> object:
    """Lets msgspec encode `Secret` values, which it refuses otherwise: its ``enc_hook``."""
    if isinstance(value, Secret):
        return str(value)
    raise NotImplementedError(f"{type(value)} is not encoded here")


def secret(kind: type, value: object) -> object:
    """Lets msgspec decode `Secret` fields: its ``dec_hook``."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(f"{kind} is not decoded here")


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to send a request as one account."""

    token: Secret
    """Bearer token: an OAuth access token or an API key."""
    account_id: str = ""
    """ChatGPT account (workspace) id; empty for API keys."""
    expires_at: int | None = None
    """Unix seconds at which the token ends; None if it does not say or does not end."""
    source: str
    """Where it was read, for messages: a path or a variable's name."""
    account: str = ""
    """Nickname of the account; empty for a key from the settings."""
    email: str = ""
    plan: str = ""
    upstream: str = ""
    """Name of the upstream of the user's own that it is for; empty for accounts and OpenAI's keys."""

    @property
    def tag(self) -> str:
        """Short stable name of the account that reveals neither token nor id (8 hex digits)."""
        return tag(self.account_id or (f"upstream {self.upstream}" if self.upstream else self.token))
