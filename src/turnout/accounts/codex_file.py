"""Finds and reads the Codex CLI's login (``auth.json``, codex-backend.md 1.1). Only reads: the file is never written.

Whatever is wrong with it becomes a `TurnoutError` (`SIGN_IN`) that says what was found and which command helps.
"""

from __future__ import annotations

import base64
import binascii
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from turnout.accounts.credential import Credential, Secret
from turnout.protocol.errors import FailureKind, TurnoutError, fail

FILE = "auth.json"
LOGIN = "Sign in with `codex login`, then try again."
OTHERWISE = (
    "Or use an API key (`--upstream openai` with OPENAI_API_KEY), or try `turnout demo`, which needs no account."
)
PROFILE, AUTH = "https://api.openai.com/profile", "https://api.openai.com/auth"


class CodexFile:
    """The login at one place, re-read whenever the file changes."""

    def __init__(self, home: str = "") -> None:
        """``home`` is `turnout.config.CodexSettings.home`: a folder, the file, or empty for ``~/.codex``."""
        self.path = locate(home)
        self._stamp: tuple[int, int, int] | None = None
        self._credential: Credential | None = None

    def current(self, now: float) -> Credential:
        """The credential as the file has it now. Raises `TurnoutError` (`SIGN_IN`), also once it has expired."""
        try:
            found = self.path.stat()
        except OSError:
            self._credential = None
        else:
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                self._credential, self._stamp = None, stamp
        if self._credential is None:
            self._credential = read(self.path, now)
        return unexpired(self._credential, now)


def locate(home: str = "") -> Path:
    """The path of ``auth.json`` for a configured folder or file; ``~/.codex`` if empty."""
    path = Path(home).expanduser() if home else Path.home() / ".codex"
    return path if path.suffix == ".json" or path.is_file() else path / FILE


def read(home: Path, now: float) -> Credential:
    """The credential in a Codex folder (or the file itself); ``now`` in Unix seconds.

    Raises `TurnoutError` (`SIGN_IN`) if there is none, it cannot be used, or it has expired.
    """
    path = locate(str(home))
    return unexpired(_credential(_load(path), path), now)


def unexpired(credential: Credential, now: float) -> Credential:
    """The credential itself. Raises `TurnoutError` (`SIGN_IN`) if its time is over."""
    if credential.expires_at is not None and credential.expires_at <= now:
        when = datetime.fromtimestamp(credential.expires_at, UTC)
        since = f"{_duration(now - credential.expires_at)} ago, on {when:%Y-%m-%d at %H:%M} UTC"
        raise _sign_in(f"The Codex login in {credential.source} expired {since}.", LOGIN)
    return credential


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


def _load(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    except IsADirectoryError:
        raise _sign_in(f"{path} is a folder, not a Codex login.", LOGIN) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _sign_in(
            f"The Codex login in {path} cannot be read: {reason}.", "Check the file's permissions."
        ) from None
    try:
        # Some editors and tools put a byte order mark before the JSON (codex-backend.md 1.7).
        decoded = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError):
        what = "is empty" if not content.strip() else "is not valid JSON; it may have been cut short"
        raise _sign_in(f"The Codex login in {path} {what}.", LOGIN) from None
    if not isinstance(decoded, dict):
        raise _sign_in(f"The Codex login in {path} holds no JSON object.", LOGIN)
    return decoded


def _credential(content: dict[str, Any], path: Path) -> Credential:
    tokens = content.get("tokens")
    if not isinstance(tokens, dict):
        tokens = content  # some tools write the tokens without the wrapper (codex-backend.md 1.7)
    access, identity = _text(tokens, "access_token"), claims(_text(tokens, "id_token"))
    if not access:
        raise _unusable(content, path)
    said = claims(access)
    account = _text(tokens, "account_id") or _account(identity) or _account(said)
    if not account:
        raise _sign_in(f"The Codex login in {path} names no ChatGPT account.", LOGIN)
    expires = said.get("exp")
    profile = said.get(PROFILE)
    return Credential(
        token=Secret(access),
        account_id=account,
        expires_at=int(expires) if isinstance(expires, (int, float)) else None,
        source=str(path),
        email=_text(identity, "email") or (_text(profile, "email") if isinstance(profile, dict) else ""),
        plan=_text(_auth(identity), "chatgpt_plan_type") or _text(_auth(said), "chatgpt_plan_type"),
    )


def _account(token_claims: dict[str, Any]) -> str:
    """The account that a token names, in the order that other agents use (codex-backend.md 1.1)."""
    direct = _text(token_claims, "chatgpt_account_id") or _text(_auth(token_claims), "chatgpt_account_id")
    organizations = token_claims.get("organizations")
    if direct or not isinstance(organizations, list) or not organizations:
        return direct
    return _text(organizations[0], "id") if isinstance(organizations[0], dict) else ""


def _auth(token_claims: dict[str, Any]) -> dict[str, Any]:
    found = token_claims.get(AUTH)
    return found if isinstance(found, dict) else {}


def _text(record: dict[str, Any], name: str) -> str:
    value = record.get(name)
    return value.strip() if isinstance(value, str) else ""


def _unusable(content: dict[str, Any], path: Path) -> TurnoutError:
    """Why a JSON object has no access token for us: said by what it does have, never by its values."""
    if content.get("auth_mode") == "apikey" or _text(content, "OPENAI_API_KEY"):
        return _sign_in(
            f"The Codex login in {path} is an API key, which the ChatGPT backend does not take.",
            "Use the OpenAI API with it: `turnout serve --upstream openai` with OPENAI_API_KEY set. "
            "Or sign in with ChatGPT: `codex login`.",
        )
    if mode := _text(content, "auth_mode"):
        return _sign_in(f"The Codex login in {path} is of the kind {mode!r} and holds no access token.", LOGIN)
    names = ", ".join(sorted(content)[:6]) or "nothing"
    return _sign_in(f"{path} is not a Codex login: it holds {names}, but no access token.", LOGIN)


def _missing(path: Path) -> TurnoutError:
    store = _credential_store(path.parent)
    if store in {"keyring", "auto"}:
        return _sign_in(
            f"Codex keeps its login in the system's keyring (cli_auth_credentials_store is {store!r} in "
            f"{path.parent / 'config.toml'}), so there is no {path}.",
            'Set cli_auth_credentials_store = "file" there and run `codex login` again.',
        )
    return _sign_in(f"There is no Codex login at {path}.", f"{LOGIN} {OTHERWISE}")


def _credential_store(home: Path) -> str:
    """Where Codex is told to keep its login (codex-backend.md 1.2); empty if it does not say."""
    try:
        settings = tomllib.loads((home / "config.toml").read_text("utf-8-sig"))
    except (OSError, ValueError):
        return ""  # only a hint is lost: the message then says that there is no login
    return _text(settings, "cli_auth_credentials_store")


def _duration(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"


def _sign_in(message: str, next_step: str) -> TurnoutError:
    return fail(FailureKind.SIGN_IN, message, next_step)
