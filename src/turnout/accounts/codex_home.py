"""Where the Codex CLI keeps its login (codex-backend.md 1.1, 1.2). Names places; reads only the CLI's settings."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

from turnout.accounts.claims import text
from turnout.protocol.errors import FailureKind, fail

FILE = "auth.json"
LOCKS = ("auth.lock", "auth.json.lock")
"""The files that the CLI locks while it writes its login, in its order. Another order could lock each other out."""
KEYRING_SERVICE = "Codex Auth"


def locate(home: str = "") -> Path:
    """The path of ``auth.json`` for a configured folder or file; ``~/.codex`` if empty.

    Raises `TurnoutError` (`SIGN_IN`) if there is no home folder.
    """
    path = Path(home).expanduser() if home else user_home() / ".codex"
    return path if path.suffix == ".json" or path.is_file() else path / FILE


def user_home() -> Path:
    """The user's home folder. Raises `TurnoutError` (`SIGN_IN`) if the system does not know one."""
    try:
        return Path.home()
    except RuntimeError:
        raise fail(
            FailureKind.SIGN_IN,
            "This system knows no home folder for you, so that no login can be looked for.",
            "Set HOME, or say where things are with TURNOUT_HOME and CODEX_HOME.",
        ) from None


def locks(auth_file: Path) -> tuple[Path, ...]:
    """The lock files that go with an ``auth.json``."""
    return tuple(auth_file.parent / name for name in LOCKS)


def keyring_user(folder: Path) -> str:
    """The name of the keyring entry that goes with a Codex folder."""
    try:
        canonical = folder.resolve()
    except (OSError, RuntimeError):  # a loop of links
        canonical = folder
    return "cli|" + hashlib.sha256(str(canonical).encode()).hexdigest()[:16]


def credential_store(folder: Path) -> str:
    """Where the CLI is told to keep its login: ``file``, ``keyring``, ``auto`` …; empty if it does not say."""
    try:
        settings = tomllib.loads((folder / "config.toml").read_text("utf-8-sig"))
    except (OSError, ValueError):
        return ""  # only a hint is lost: a message then says that there is no login
    return text(settings, "cli_auth_credentials_store")
