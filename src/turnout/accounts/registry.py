"""The small file ``accounts.json`` beside the owned logins: names, order, default, borrowed logins, what was refused.

It holds no secret. Owned logins are found by their own files, so that losing this one loses no login.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import atomic
from turnout.accounts.account import SourceKind, State
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "accounts.json"
LOCK_SECONDS = 10.0
"""How long another process may take to change the registry."""
VERDICTS = 50
"""Refused logins that are remembered, the latest ones."""


class Borrowed(msgspec.Struct, frozen=True, kw_only=True):
    """Another tool's login that the user has adopted."""

    name: str
    source: SourceKind
    path: str
    """As `turnout.accounts.places.Place.path`."""
    account_id: str
    """Whom it was for when it was adopted: if the tool signs in someone else, that is another account."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one login (not of an account: a new login is a new matter)."""

    login: str
    """Fingerprint, as `turnout.accounts.documents.Login.fingerprint`."""
    state: State
    reason: str
    at: int
    """Unix seconds."""
    barred: bool = False
    """Not even its access token is to be used, though it may serve yet."""


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """The file's content."""

    version: int = 1
    default: str = ""
    """Name of the account to use; empty: the first one."""
    order: tuple[str, ...] = ()
    """Names in the user's order; accounts that are not in it come after."""
    borrowed: tuple[Borrowed, ...] = ()
    states: tuple[Verdict, ...] = ()

    def verdict(self, fingerprint: str) -> Verdict | None:
        """What is known of a login."""
        return next((verdict for verdict in self.states if verdict.login == fingerprint), None)

    def listed(self, name: str) -> Registry:
        """The registry with the name in the order, at its end if it is new."""
        return self if name in self.order else msgspec.structs.replace(self, order=(*self.order, name))

    def adopting(self, adopted: Borrowed) -> Registry:
        """The registry with this borrowed login, in place of an older one of its name."""
        others = tuple(known for known in self.borrowed if known.name != adopted.name)
        return msgspec.structs.replace(self, borrowed=(*others, adopted)).listed(adopted.name)

    def renamed(self, old: str, new: str) -> Registry:
        """The registry with another name for an account."""
        return msgspec.structs.replace(
            self.listed(old),
            default=new if self.default == old else self.default,
            order=tuple(new if name == old else name for name in self.listed(old).order),
            borrowed=tuple(
                msgspec.structs.replace(known, name=new) if known.name == old else known for known in self.borrowed
            ),
        )

    def without(self, name: str) -> Registry:
        """The registry without an account."""
        return msgspec.structs.replace(
            self,
            default="" if self.default == name else self.default,
            order=tuple(known for known in self.order if known != name),
            borrowed=tuple(known for known in self.borrowed if known.name != name),
        )

    def with_verdict(self, verdict: Verdict) -> Registry:
        """The registry with this verdict in place of an older one about the same login."""
        others = tuple(known for known in self.states if known.login != verdict.login)
        return msgspec.structs.replace(self, states=(*others, verdict)[-VERDICTS:])


class RegistryFile:
    """The registry on the disk, read again whenever it has changed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._stamp: tuple[int, int, int] | None = None
        self._content = Registry()

    def read(self) -> Registry:
        """The registry as it is now; an empty one if there is none. Raises `TurnoutError` (`SIGN_IN`)."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._content = None, Registry()
            return self._content
        except OSError as error:
            raise _unreadable(self.path, error.strerror or type(error).__name__) from None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if stamp != self._stamp:
            self._content, self._stamp = _load(self.path), stamp
        return self._content

    @contextmanager
    def change(self) -> Iterator[Change]:
        """Holds the registry while it is changed: what is put into `Change.registry` is written at the end.

        Raises `TurnoutError` (`SIGN_IN`) if it cannot be read or written; nothing has changed then.
        """
        from filelock import FileLock, Timeout  # 20 ms, which those do not pay who only read

        try:
            atomic.make_folder(self.path.parent)
            lock = FileLock(self.path.with_name(f"{FILE}.lock"), timeout=LOCK_SECONDS, mode=atomic.MODE)
            with lock:
                before = self.read()
                change = Change(before)
                yield change
                if change.registry != before:
                    atomic.write(self.path, _encode(change.registry))
        except Timeout:
            raise fail(
                FailureKind.SIGN_IN,
                f"Another Turnout has kept {self.path} locked for {LOCK_SECONDS:g} seconds.",
                "Try again; if it stays so, look for a Turnout that hangs.",
            ) from None
        except OSError as error:
            raise _unwritable(self.path, error) from None


class Change:
    """A registry that is being changed."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry


def _load(path: Path) -> Registry:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    try:
        registry = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=Registry)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise _unreadable(path, "it is not the JSON that Turnout writes") from None
    if registry.version != 1:
        raise _unreadable(path, f"it is of version {registry.version}, which a newer Turnout has written")
    return registry


def _encode(registry: Registry) -> bytes:
    return msgspec.json.format(msgspec.json.encode(registry), indent=2) + b"\n"


def _unreadable(path: Path, why: str) -> TurnoutError:
    return fail(
        FailureKind.SIGN_IN,
        f"The list of accounts in {path} cannot be read: {why}.",
        "Mend it, or move it away: Turnout's own logins lie beside it and stay; only the default, the order and what "
        "was adopted are forgotten.",
    )


def _unwritable(path: Path, error: OSError) -> TurnoutError:
    return fail(
        FailureKind.SIGN_IN,
        f"{path} cannot be written: {error.strerror or type(error).__name__}.",
        "Make room or allow it, or name another folder with TURNOUT_ACCOUNTS_DIR.",
    )
