"""What credential files hold: the JSON shape of every tool, read into one record and, where Turnout may, renewed.

Sources of the shapes: codex-backend.md 1.1 and 1.7. Pure: bytes in, records or bytes out. Whatever is wrong with a
document becomes a `TurnoutError` (`SIGN_IN`) that says what was found, never a value.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from turnout.accounts.account import SourceKind
from turnout.accounts.claims import identity, text
from turnout.accounts.credential import Secret
from turnout.accounts.tokens import Tokens
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from turnout.accounts.account import Kind

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

SIGN_IN = "Sign in with `turnout login`, then try again."
SIGN_IN_CODEX = "Sign in with `turnout login` or with `codex login`, then try again."

OWNERS = {
    SourceKind.TURNOUT: "Turnout",
    SourceKind.CODEX: "Codex",
    SourceKind.CODEX_KEYRING: "Codex",
    SourceKind.OPENCODE: "opencode",
    SourceKind.OPENCODE_SESSION: "opencode",
    SourceKind.OPENCODE_V2: "opencode",
    SourceKind.CLAUDEX: "claudex",
    SourceKind.CLIPROXYAPI: "CLIProxyAPI",
    SourceKind.CCS: "CCS",
}
"""The tools that keep credentials, as people call them."""

CODEX_SHAPED = frozenset({SourceKind.TURNOUT, SourceKind.CODEX, SourceKind.CODEX_KEYRING})

ACCESS = ("access_token", "accessToken", "access")
REFRESH = ("refresh_token", "refreshToken", "refresh")
ACCOUNT = ("account_id", "accountId")
EXPIRES = ("expires_at", "expiresAt", "expires", "expired")
"""Names of the same thing in different tools' files."""

SECONDS_BELOW = 1e12
"""A time below this is in seconds, else in milliseconds."""
SKEW_SECONDS = (120.0, 26 * 3600.0)
"""A difference between the clocks that is believed: less is nothing, more is something else."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What one document gives access to."""

    kind: Kind
    token: Secret
    """Access token or API key."""
    refresh_token: Secret = Secret("")
    id_token: Secret = Secret("")
    account_id: str = ""
    email: str = ""
    plan: str = ""
    expires_at: int | None = None
    """Unix seconds, by this machine's clock, at which the access token ends; None if it does not say."""

    @property
    def fingerprint(self) -> str:
        """Names the login and reveals nothing of it: made of what a renewal uses up, else of the token."""
        return fingerprint_of(self.refresh_token or self.token)

    @property
    def tokens(self) -> Tokens:
        """The tokens of a ChatGPT login."""
        return Tokens(
            access_token=self.token,
            refresh_token=self.refresh_token,
            id_token=self.id_token,
            account_id=self.account_id,
        )


def fingerprint_of(secret: str) -> str:
    """16 hex digits that tell secrets apart and reveal none (they are long and random)."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def parse(content: bytes, kind: SourceKind, place: str) -> Login:
    """The login in a document; ``place`` is where it lies, for messages. Raises `TurnoutError` (`SIGN_IN`)."""
    document = _object(content, kind, place)
    fields = _fields(document, kind)
    access = _first(fields, ACCESS)
    if not access:
        if key := _api_key(document, fields, kind):
            return Login(kind="api_key", token=Secret(key))
        raise _unusable(document, fields, kind, place)
    id_token = text(fields, "id_token")
    said = identity(access, id_token)
    account = _first(fields, ACCOUNT) or said.account_id
    if not account:
        raise _sign_in(f"{_name(kind, place)} names no ChatGPT account.", kind)
    written = _time(document.get("last_refresh"))
    return Login(
        kind="chatgpt",
        token=Secret(access),
        refresh_token=Secret(_first(fields, REFRESH)),
        id_token=Secret(id_token),
        account_id=account,
        email=said.email or text(fields, "email"),
        plan=said.plan,
        expires_at=_expiry(said.expires_at, said.issued_at, written, _stated_expiry(fields)),
    )


def renewed(content: bytes, tokens: Tokens, now: float) -> bytes:
    """A document of the Codex CLI's shape with other tokens in it, as the CLI would write it.

    Everything else stays as it is, byte for byte but for the space between: newer versions keep fields there that we
    do not know (codex-backend.md 1.1). ``now`` is in Unix seconds.
    """
    document = msgspec.json.decode(content.removeprefix(BYTE_ORDER_MARK), type=dict[str, msgspec.Raw])
    wrapped = document.get("tokens")
    fields = document
    if wrapped is not None and bytes(wrapped).lstrip().startswith(b"{"):
        fields = msgspec.json.decode(wrapped, type=dict[str, msgspec.Raw])
    for name in ("id_token", "access_token", "refresh_token"):
        if value := getattr(tokens, name):
            fields[name] = msgspec.Raw(msgspec.json.encode(str(value)))
    if fields is not document:
        document["tokens"] = msgspec.Raw(msgspec.json.encode(fields))
    document["last_refresh"] = msgspec.Raw(msgspec.json.encode(rfc3339(now)))
    return msgspec.json.format(msgspec.json.encode(document), indent=2)


def owned(tokens: Tokens, now: float) -> bytes:
    """The document of a new login of Turnout's own (docs/accounts.md). ``now`` is in Unix seconds."""
    fields = {
        "id_token": str(tokens.id_token),
        "access_token": str(tokens.access_token),
        "refresh_token": str(tokens.refresh_token),
        "account_id": tokens.account_id,
    }
    return _pretty({"version": 1, "kind": "chatgpt", "tokens": fields, "last_refresh": rfc3339(now)})


def owned_key(key: str) -> bytes:
    """The document of an API key of Turnout's own."""
    return _pretty({"version": 1, "kind": "api_key", "api_key": key})


def rfc3339(seconds: float) -> str:
    """Unix seconds as the Codex CLI writes a time: UTC, nine digits of the second."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z"


def _pretty(document: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def _object(content: bytes, kind: SourceKind, place: str) -> dict[str, Any]:
    try:
        # Some editors and tools put a byte order mark before the JSON (codex-backend.md 1.7).
        decoded = msgspec.json.decode(content.removeprefix(BYTE_ORDER_MARK))
    except (msgspec.DecodeError, UnicodeDecodeError):
        what = "is empty" if not content.strip() else "is not valid JSON; it may have been cut short"
        raise _sign_in(f"{_name(kind, place)} {what}.", kind) from None
    if not isinstance(decoded, dict):
        raise _sign_in(f"{_name(kind, place)} holds no JSON object.", kind)
    return decoded


def _fields(document: dict[str, Any], kind: SourceKind) -> dict[str, Any]:
    """The part of a document that holds the tokens. Some tools write them without the usual wrapper."""
    if kind in CODEX_SHAPED:
        wrapped = document.get("tokens")
    elif kind is SourceKind.OPENCODE:
        return document["openai"] if isinstance(document.get("openai"), dict) else {}
    elif kind is SourceKind.OPENCODE_SESSION:
        wrapped = document.get("codex")
    else:
        wrapped = None
    return wrapped if isinstance(wrapped, dict) else document


def _api_key(document: dict[str, Any], fields: dict[str, Any], kind: SourceKind) -> str:
    if kind is SourceKind.TURNOUT:
        return text(document, "api_key")
    if kind is SourceKind.OPENCODE:
        return text(fields, "key") if fields.get("type") == "api" else ""
    return text(document, "OPENAI_API_KEY") if kind in CODEX_SHAPED else ""


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((found for name in names if (found := text(fields, name))), "")


def _stated_expiry(fields: dict[str, Any]) -> float | None:
    """When the tokens end as the file says itself: a tool computes that by this machine's clock."""
    return next((found for name in EXPIRES if (found := _time(fields.get(name))) is not None), None)


def _expiry(ends: int | None, issued: int | None, written: float | None, stated: float | None) -> int | None:
    """When the access token ends, by this machine's clock, which may go wrong.

    The file's time of writing is by this machine's clock, the token's time of making by the issuer's: they are the
    same moment, so that their difference is the clocks' difference.
    """
    if stated is not None:
        return int(stated)
    if ends is None or issued is None or written is None:
        return ends
    ahead = written - issued
    low, high = SKEW_SECONDS
    return ends + int(ahead) if low < abs(ahead) < high else ends


def _time(value: object) -> float | None:
    """A time as tools write it: seconds or milliseconds since 1970, or a date; None if it is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return value if value < SECONDS_BELOW else value / 1000
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return None


def _unusable(document: dict[str, Any], fields: dict[str, Any], kind: SourceKind, place: str) -> TurnoutError:
    """Why a JSON object has nothing for us: said by what it does have, never by its values."""
    if kind in CODEX_SHAPED and (mode := text(document, "auth_mode")):
        return _sign_in(f"{_name(kind, place)} is of the kind {mode!r} and holds no access token.", kind)
    names = ", ".join(sorted(document)[:6]) or "nothing"
    return _sign_in(f"{place} is not a login of {OWNERS[kind]}: it holds {names}, but no access token.", kind)


def _name(kind: SourceKind, place: str) -> str:
    return f"The {OWNERS[kind]} login in {place}"


def _sign_in(message: str, kind: SourceKind) -> TurnoutError:
    return fail(FailureKind.SIGN_IN, message, SIGN_IN_CODEX if kind in CODEX_SHAPED - {SourceKind.TURNOUT} else SIGN_IN)
