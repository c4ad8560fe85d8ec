"""Which accounts there are and how each one is: from the registry, the owned logins' files, the Codex CLI's login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import codex_home, documents, nicknames
from turnout.accounts.account import Account, Kind, Ownership, SourceKind, State
from turnout.accounts.places import Place
from turnout.accounts.words import expired, other_account, sign_in_again
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.accounts.documents import Login
    from turnout.accounts.registry import Registry


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One account as it is registered."""

    name: str
    place: Place
    ownership: Ownership
    account_id: str = ""
    """Whom it was for when it was adopted; empty: whoever it is for."""
    implicit: bool = False
    """The Codex CLI's login, found and not registered."""


def entries(registry: Registry, owned: Path, codex: str) -> tuple[Entry, ...]:
    """All accounts in the user's order. ``owned`` is the folder of the owned logins, ``codex`` as in the settings."""
    found = {
        path.stem: Entry(name=path.stem, place=Place(SourceKind.TURNOUT, str(path)), ownership="owned")
        for path in sorted(owned.glob("[!.]*.json"))
    }
    for adopted in registry.borrowed:
        place = Place(adopted.source, adopted.path)
        found.setdefault(
            adopted.name,
            Entry(name=adopted.name, place=place, ownership="borrowed", account_id=adopted.account_id),
        )
    if not found:
        return _implicit(codex)
    ordered = [found.pop(name) for name in registry.order if name in found]
    return (*ordered, *found.values())


def _implicit(codex: str) -> tuple[Entry, ...]:
    """The Codex CLI's login, if it is there: an account named from its email's prefix."""
    try:
        place = Place(SourceKind.CODEX, str(codex_home.locate(codex)))
    except TurnoutError:
        return ()  # without a home folder there is none in it
    if not place.file.exists():
        return ()
    email = plan = ""
    try:
        login = read(place)
        email, plan = login.email, login.plan
    except TurnoutError:
        pass  # what is wrong with it is said where it is used
    name = nicknames.suggest(email, plan, (), "codex")
    return (Entry(name=name, place=place, ownership="borrowed", implicit=True),)


def read(place: Place) -> Login:
    """The login at a place. Raises `TurnoutError` (`SIGN_IN`)."""
    return documents.parse(place.read(), place.source, place.label)


def kind_of(entry: Entry) -> Kind | None:
    """What kind of account it is; None if that cannot be told."""
    try:
        pointer = entry.place.pointer()
        return pointer.kind if pointer else read(entry.place).kind
    except TurnoutError:
        return None


def examine(entry: Entry, registry: Registry, now: float, *, default: bool = False) -> tuple[Account, Failure | None]:
    """The account as it is now (``now`` in Unix seconds), and why it does not serve, if it does not."""
    place = entry.place
    account = Account(
        name=entry.name,
        kind="chatgpt",
        ownership=entry.ownership,
        source=place.source,
        path=place.path,
        account_id=entry.account_id,
        default=default,
    )
    try:
        login = read(place)
    except TurnoutError as error:
        state = State.UNREADABLE if place.source is SourceKind.CODEX_KEYRING or place.file.exists() else State.MISSING
        return _failed(account, state, error.failure)
    account = msgspec.structs.replace(
        account,
        kind=login.kind,
        email=login.email,
        plan=login.plan,
        account_id=login.account_id,
        expires_at=login.expires_at,
    )
    if entry.account_id and login.account_id != entry.account_id:
        return _failed(account, State.SIGN_IN_AGAIN, other_account(place, login))
    verdict = registry.verdict(login.fingerprint)
    if verdict is not None:
        failure = Failure(kind=FailureKind.SIGN_IN, message=verdict.reason, next_step=sign_in_again(place))
        return _failed(account, verdict.state, failure)
    if login.expires_at is not None and login.expires_at <= now and not (place.renewable and login.refresh_token):
        state = State.SIGN_IN_AGAIN if place.renewable else State.EXPIRED
        return _failed(account, state, expired(place, login, now))
    return account, None


def _failed(account: Account, state: State, failure: Failure) -> tuple[Account, Failure]:
    return msgspec.structs.replace(account, state=state, reason=failure.text), failure
