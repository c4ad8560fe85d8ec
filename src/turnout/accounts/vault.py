"""The logins that Turnout keeps itself: one file each, or an entry of the keyring that the file points at.

While one is replaced, renamed or removed, its lock keeps renewals away from it.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from turnout.accounts import atomic, documents, keyring_entries, places
from turnout.accounts.account import SourceKind
from turnout.accounts.places import Place, Pointer
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.accounts.account import Kind
    from turnout.config import StorageName

LOCK_SECONDS = 90.0
"""How long a renewal that is under way is waited for."""


class Vault:
    """The folder of the owned logins."""

    def __init__(self, folder: Path, storage: StorageName) -> None:
        """``storage``: where new logins are kept. Those that are there stay readable either way."""
        self.folder = folder
        self._storage = storage

    def place(self, name: str) -> Place:
        """Where an account's login lies."""
        return Place(SourceKind.TURNOUT, str(self.folder / f"{name}.json"))

    def write(self, name: str, document: bytes, kind: Kind, now: float) -> None:
        """Keeps a login, in place of the one that is there. ``now`` in Unix seconds. Raises `TurnoutError`."""
        place = self.place(name)
        with _explained(place):
            atomic.make_folder(self.folder)
            with _locked(place):
                before = place.pointer()
                if self._storage == "keyring":
                    entry = before.entry if before else f"{name}-{secrets.token_hex(4)}"
                    keyring_entries.write(keyring_entries.SERVICE, entry, document)
                    changed = documents.rfc3339(now)
                    places.write_pointer(
                        place.file, Pointer(kind=kind, storage="keyring", entry=entry, changed=changed)
                    )
                    return
                atomic.write(place.file, document)
                if before:
                    keyring_entries.delete(keyring_entries.SERVICE, before.entry)

    def rename(self, old: str, new: str) -> None:
        """Moves a login to another name, which must be free. Raises `TurnoutError`."""
        place = self.place(old)
        with _explained(place), _locked(place):
            place.file.rename(self.place(new).file)

    def delete(self, name: str) -> None:
        """Removes a login, and what a renewal that was broken off may have left. Raises `TurnoutError`."""
        place = self.place(name)
        pointer = place.pointer()
        with _explained(place), _locked(place):
            for leftover in self.folder.glob(place.pending("*").name):
                leftover.unlink(missing_ok=True)
            place.file.unlink(missing_ok=True)
        if pointer:
            keyring_entries.delete(keyring_entries.SERVICE, pointer.entry)


@contextlib.contextmanager
def _locked(place: Place) -> Iterator[None]:
    from filelock import FileLock, Timeout  # 20 ms, which those do not pay who only read

    try:
        with FileLock(place.locks[0], timeout=LOCK_SECONDS, mode=atomic.MODE):
            yield
    except Timeout:
        raise fail(
            FailureKind.UPSTREAM_TIMEOUT,
            f"The login in {place.label} has been busy with its renewal for {LOCK_SECONDS:g} seconds.",
            "Try again; if it stays so, look for a Turnout that hangs.",
        ) from None


@contextlib.contextmanager
def _explained(place: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unwritable(place, error) from None


def _unwritable(place: Place, error: OSError) -> TurnoutError:
    return fail(
        FailureKind.SIGN_IN,
        f"The login cannot be kept: {place.path} cannot be written ({error.strerror or type(error).__name__}).",
        "Make room or allow it, or name another folder with TURNOUT_ACCOUNTS_DIR.",
    )
