"""Where credentials lie: files and keyring entries, read and written as whole documents.

Knows how to get at a document, not what is in it (`turnout.accounts.documents`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from turnout.accounts import atomic, codex_home, keyring_entries
from turnout.accounts.account import Kind, SourceKind
from turnout.accounts.documents import OWNERS, SIGN_IN, SIGN_IN_CODEX
from turnout.protocol.errors import FailureKind, TurnoutError, fail

Stamp = tuple[int, int, int]
"""What tells one version of a file from the next, as far as the system says it."""


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """What an owned account's file holds when its document lies in the keyring."""

    version: int = 1
    kind: Kind = "chatgpt"
    storage: Literal["keyring"]
    entry: str
    """The entry's name in the keyring, under the service `keyring_entries.SERVICE`."""
    changed: str
    """Changes with the document, so that other processes see that it has changed."""


class Place(msgspec.Struct, frozen=True):
    """Where one credential lies. Two equal places are one credential."""

    source: SourceKind
    path: str
    """The file; of a keyring entry of the Codex CLI, the Codex folder it goes with."""

    @property
    def file(self) -> Path:
        return Path(self.path)

    @property
    def owner(self) -> str:
        """The tool that keeps it."""
        return OWNERS[self.source]

    @property
    def label(self) -> str:
        """Where it lies, for messages."""
        if self.source is SourceKind.CODEX_KEYRING:
            return f"the system's keyring ({codex_home.KEYRING_SERVICE!r})"
        return self.path

    @property
    def renewable(self) -> bool:
        """Whether Turnout may renew it: its own, and that of the Codex CLI, whose locks it can hold meanwhile.

        The other tools' refresh tokens are single-use too, and nobody could keep them from using one at the same time.
        """
        return self.source in (SourceKind.TURNOUT, SourceKind.CODEX)

    @property
    def locks(self) -> tuple[Path, ...]:
        """The files to lock, in order, before it is renewed."""
        if self.source is SourceKind.CODEX:
            return codex_home.locks(self.file)
        return (self.file.with_name(f".{self.file.name}.lock"),)

    def pending(self, fingerprint: str) -> Path:
        """The file in which the successor of the login of that fingerprint is made ready."""
        target = self.target
        return target.with_name(f".{target.name}.turnout-{fingerprint}")

    @property
    def target(self) -> Path:
        """The file itself if the path is a link to it: a link must stay one."""
        return self.file.resolve() if self.file.is_symlink() else self.file

    def stamp(self) -> Stamp | None:
        """The version that is there now; None if there is none, or it cannot be told."""
        if self.source is SourceKind.CODEX_KEYRING:
            return None
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self) -> bytes:
        """The document. Raises `TurnoutError` (`SIGN_IN`) if it is not there or cannot be read."""
        if self.source is SourceKind.CODEX_KEYRING:
            found = keyring_entries.read(codex_home.KEYRING_SERVICE, codex_home.keyring_user(self.file))
            if found is None:
                raise fail(FailureKind.SIGN_IN, f"There is no Codex login in {self.label}.", SIGN_IN_CODEX)
            return found
        content = self._read_file()
        pointer = pointer_in(content) if self.source is SourceKind.TURNOUT else None
        if pointer is None:
            return content
        found = keyring_entries.read(keyring_entries.SERVICE, pointer.entry)
        if found is None:
            raise fail(
                FailureKind.SIGN_IN,
                f"The login that {self.path} says is in the system's keyring (entry {pointer.entry!r}) is not there.",
                SIGN_IN,
            )
        return found

    def pointer(self) -> Pointer | None:
        """What says that an owned document lies in the keyring; None if it lies in its file."""
        if self.source is not SourceKind.TURNOUT:
            return None
        try:
            return pointer_in(self.file.read_bytes())
        except OSError:
            return None

    def _read_file(self) -> bytes:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            raise missing(self) from None
        except IsADirectoryError:
            raise fail(FailureKind.SIGN_IN, f"{self.path} is a folder, not a login of {self.owner}.", SIGN_IN) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise fail(
                FailureKind.SIGN_IN,
                f"The {self.owner} login in {self.path} cannot be read: {reason}.",
                "Check the file's permissions.",
            ) from None


def missing(place: Place) -> TurnoutError:
    """The failure for a login that is not there."""
    if place.source is not SourceKind.CODEX:
        return fail(FailureKind.SIGN_IN, f"There is no login of {place.owner} at {place.path}.", SIGN_IN)
    folder = place.file.parent
    store = codex_home.credential_store(folder)
    if store in {"keyring", "auto"}:
        return fail(
            FailureKind.SIGN_IN,
            f"Codex keeps its login in the system's keyring (cli_auth_credentials_store is {store!r} in "
            f"{folder / 'config.toml'}), so there is no {place.path}.",
            "Use it with `turnout accounts adopt codex_keyring`, give Turnout a login of its own with `turnout login`, "
            'or set cli_auth_credentials_store = "file" there and run `codex login` again.',
        )
    return fail(
        FailureKind.SIGN_IN,
        f"There is no Codex login at {place.path}.",
        f"{SIGN_IN_CODEX} Or use an API key (`--upstream openai` with OPENAI_API_KEY), or try `turnout demo`, which "
        "needs no account.",
    )


def pointer_in(content: bytes) -> Pointer | None:
    """The pointer that a file holds; None if it holds something else."""
    try:
        return msgspec.json.decode(content, type=Pointer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write_pointer(file: Path, pointer: Pointer) -> None:
    """Lets the file say that its document lies in the keyring. Raises OSError."""
    atomic.write(file, msgspec.json.format(msgspec.json.encode(pointer), indent=2) + b"\n")
