"""Entries of the system's keyring, read and written as bytes. A call may wait for a person to unlock the keyring."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from types import ModuleType

SERVICE = "Turnout"
"""The service under which Turnout's own entries stand."""


def read(service: str, user: str) -> bytes | None:
    """An entry; None if there is none. Raises `TurnoutError` (`SIGN_IN`) if there is no keyring or it is locked."""
    keyring, errors = _keyring()
    try:
        found = keyring.get_password(service, user)
    except errors.KeyringError as error:
        raise _refused(error) from None
    return None if found is None else str(found).encode()


def write(service: str, user: str, document: bytes) -> None:
    """Makes or replaces an entry. Raises `TurnoutError` (`SIGN_IN`)."""
    keyring, errors = _keyring()
    try:
        keyring.set_password(service, user, document.decode())
    except errors.KeyringError as error:
        raise _refused(error) from None


def delete(service: str, user: str) -> None:
    """Removes an entry, if it is there. Raises `TurnoutError` (`SIGN_IN`)."""
    keyring, errors = _keyring()
    try:
        keyring.delete_password(service, user)
    except errors.PasswordDeleteError:
        return  # there is none
    except errors.KeyringError as error:
        raise _refused(error) from None


def _keyring() -> tuple[ModuleType, ModuleType]:
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise fail(
            FailureKind.SIGN_IN,
            "Turnout cannot ask the system's keyring: the Python package keyring is not installed.",
            "Install it with `pip install 'turnout[keyring]'`, or keep logins in files: TURNOUT_ACCOUNT_STORAGE=file.",
        ) from None
    return keyring, keyring.errors


def _refused(error: Exception) -> TurnoutError:
    kind = type(error).__name__
    why = {
        "NoKeyringError": "there is none that Turnout can use",
        "KeyringLocked": "it is locked, and was not unlocked",
        "InitError": "it could not be opened",
    }.get(kind, f"it refused ({kind})")
    return fail(
        FailureKind.SIGN_IN,
        f"The system's keyring cannot be used: {why}.",
        "Unlock it and try again, or keep logins in files: TURNOUT_ACCOUNT_STORAGE=file.",
    )
