"""Finds every credential for ChatGPT or the OpenAI API that tools keep on this machine (codex-backend.md 1.7)."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import codex_home
from turnout.accounts.account import Account, SourceKind, State
from turnout.accounts.documents import OWNERS
from turnout.accounts.entries import Entry, examine, read
from turnout.accounts.places import Place
from turnout.accounts.registry import Registry
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turnout.config import Config


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a credential was found."""

    kind: SourceKind
    account: Account
    """Whom it is for and whether it serves, as an account that has no name yet."""
    owner: str
    """The tool that keeps it, as people call it."""
    renewed_by: tuple[str, ...]
    """Who renews it: tools' names, Turnout among them only where it may."""
    same_login_as: tuple[str, ...] = ()
    """Other places that hold the very same login: whoever renews one of them makes the others worthless."""


def find(config: Config, environ: Mapping[str, str], now: float) -> list[Source]:
    """Every credential found, those that cannot be used too. ``now`` is in Unix seconds.

    Reads files; asks the keyring only where the Codex CLI is told to keep its login there. Raises `TurnoutError`
    (`SIGN_IN`) if there is no home folder.
    """
    logins: dict[Place, str] = {}
    sources: list[Source] = []
    for place in _places(config, environ):
        account, _ = examine(Entry(name="", place=place, ownership="borrowed"), Registry(), now)
        if account.state is State.MISSING:
            continue
        with contextlib.suppress(TurnoutError):  # the account's state says why
            logins[place] = read(place).fingerprint
        renewed_by = _who_renews(place, account)
        sources.append(Source(kind=place.source, account=account, owner=place.owner, renewed_by=renewed_by))
    return [_with_copies(source, logins) for source in sources]


def _who_renews(place: Place, account: Account) -> tuple[str, ...]:
    if account.kind == "api_key":
        return ()
    return (place.owner, OWNERS[SourceKind.TURNOUT]) if place.renewable else (place.owner,)


def _with_copies(source: Source, logins: Mapping[Place, str]) -> Source:
    here = Place(source.kind, source.account.path)
    same = tuple(
        other.label
        for other, login in logins.items()
        if other != here and login == logins.get(here) and source.renewed_by
    )
    return msgspec.structs.replace(source, same_login_as=same) if same else source


def _places(config: Config, environ: Mapping[str, str]) -> Iterator[Place]:
    """Where credentials may lie, whether they do or not."""
    codex = codex_home.locate(config.codex.home)
    yield Place(SourceKind.CODEX, str(codex))
    if codex_home.credential_store(codex.parent) in {"keyring", "auto"}:
        yield Place(SourceKind.CODEX_KEYRING, str(codex.parent))
    home = codex_home.user_home()
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    yield Place(SourceKind.OPENCODE, str(data / "opencode" / "auth.json"))
    yield Place(SourceKind.OPENCODE_SESSION, str(home / ".opencode" / "session.json"))
    yield Place(SourceKind.OPENCODE_V2, str(home / ".opencode" / "auth" / "codex.json"))
    yield Place(SourceKind.CLAUDEX, str(home / ".codex-proxy" / "session.json"))
    for source, folder in (
        (SourceKind.CLIPROXYAPI, home / ".cli-proxy-api"),
        (SourceKind.CCS, home / ".ccs" / "cliproxy" / "auth"),
    ):
        for file in sorted(folder.glob("codex-*.json")):
            yield Place(source, str(file))
