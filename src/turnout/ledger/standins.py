"""Replaces secrets in what is traced by stand-ins: the same secret is the same stand-in throughout a trace.

What a user or a model wrote stays as it is, but for addresses of people and what looks like a token. Pure.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Raw

from turnout.ledger.redact import EMAIL
from turnout.log import TOKEN_LIKE

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["token", "account", "installation", "user", "email", "reasoning", "signature", "header"]

SECRET_FIELDS: dict[str, Kind] = {
    "access_token": "token",
    "refresh_token": "token",
    "id_token": "token",
    "api_key": "token",
    "authorization": "token",
    "account_id": "account",
    "account_uuid": "account",
    "chatgpt_account_id": "account",
    "chatgpt_user_id": "user",
    "organization_id": "account",
    "device_id": "installation",
    "installation_id": "installation",
    "x-codex-installation-id": "installation",
    "safety_identifier": "user",
    "user": "user",
    "email": "email",
    "encrypted_content": "reasoning",
    "encrypted_index": "reasoning",
}
"""Fields whose text is never shown, wherever they stand."""

SIGNED: dict[str, tuple[str, ...]] = {
    "signature": ("thinking", "signature_delta"),
    "data": ("redacted_thinking",),
}
"""Fields that are secrets in objects of these types only; elsewhere the names are anybody's."""

SHOWN_HEADERS = (
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "server",
    "should-retry",
    "user-agent",
    "x-app",
    "x-claude-code-agent-id",
    "x-claude-code-session-id",
    "x-request-id",
    "x-should-retry",
    "x-turnout-strict",
)
"""Headers whose value is shown, as are those that begin with one of `SHOWN_BEGINNINGS`. Of others there is the name."""
SHOWN_BEGINNINGS = ("x-stainless-", "x-codex-", "anthropic-ratelimit-", "x-ratelimit-")

_decode = msgspec.json.decode
_encode = msgspec.json.encode


class StandIns:
    """The stand-ins of one trace."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, str] = {}
        self._counts: dict[Kind, int] = {}

    def of(self, kind: Kind, secret: str) -> str:
        """The stand-in for a secret. Only a digest of the secret is remembered."""
        digest = hashlib.sha256(f"{kind}:{secret}".encode("utf-8", "surrogatepass")).digest()
        known = self._numbers.get(digest)
        if known is None:
            number = self._counts[kind] = self._counts.get(kind, 0) + 1
            known = f"{kind}-{number}@redacted.invalid" if kind == "email" else f"redacted-{kind}-{number}"
            self._numbers[digest] = known
        return known

    def json(self, data: bytes) -> Raw:
        """JSON without secrets; what is no JSON becomes one string."""
        try:
            value = self._clean(_decode(data), "")
        except (msgspec.DecodeError, UnicodeDecodeError):
            value = self.text(data.decode("utf-8", "replace"))
        except RecursionError:
            value = "(nested too deeply to be traced)"
        return Raw(_encode(value))

    def text(self, text: str) -> str:
        """A text without addresses and tokens."""
        if "@" in text:
            text = EMAIL.sub(lambda found: self.of("email", found[0]), text)
        return TOKEN_LIKE.sub(lambda found: self.of("token", found[0]), text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers, names in lower case; a value that is not known to be harmless is replaced."""
        shown = {}
        for name, value in headers.items():
            lowered = name.lower()
            harmless = lowered in SHOWN_HEADERS or lowered.startswith(SHOWN_BEGINNINGS)
            secret = lowered in SECRET_FIELDS or not harmless
            shown[lowered] = self.of("header", value) if secret else self.text(value)
        return shown

    def _clean(self, value: Any, kind: str) -> Any:
        """``kind`` is the type of the object that the value stands in."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            own = value.get("type")
            kind = own if isinstance(own, str) else ""
            return {name: self._field(name, inner, kind) for name, inner in value.items()}
        return [self._clean(inner, kind) for inner in value] if isinstance(value, list) else value

    def _field(self, name: str, value: Any, kind: str) -> Any:
        if not isinstance(value, str) or not value:
            return self._clean(value, kind)
        if name in SECRET_FIELDS:
            return self.of(SECRET_FIELDS[name], value)
        if kind in SIGNED.get(name, ()):
            return self.of("signature", value)
        if name == "user_id":
            return self._user_id(value)
        return self.text(value)

    def _user_id(self, value: str) -> str:
        """Claude Code's ``metadata.user_id``, JSON inside of a string; its session is what a trace is about."""
        try:
            inside = _decode(value)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            inside = None
        if not isinstance(inside, dict):
            return self.of("user", value)
        return _encode(self._clean(inside, "")).decode()
