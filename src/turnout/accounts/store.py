"""The accounts that Turnout knows: lists, chooses, adds, keeps them, and gives out credentials that are fresh.

What lies where: docs/accounts.md. Everything here that reads or writes a file is quick; what asks OpenAI is `async`.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from turnout import paths
from turnout.accounts import codex_home, documents, keyring_entries, nicknames, places
from turnout.accounts.account import Account, SourceKind
from turnout.accounts.claims import identity
from turnout.accounts.entries import Entry, entries, examine, kind_of, read
from turnout.accounts.places import Place
from turnout.accounts.registry import Borrowed, RegistryFile, Verdict
from turnout.accounts.vault import Vault
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turnout.accounts.account import Kind, State
    from turnout.accounts.credential import Credential
    from turnout.accounts.documents import Login
    from turnout.accounts.live import LiveLogin
    from turnout.accounts.refresh import Refresher
    from turnout.accounts.registry import Change
    from turnout.accounts.renewal import Reason
    from turnout.accounts.sources import Source
    from turnout.accounts.tokens import Tokens
    from turnout.config import Config
    from turnout.protocol.errors import Failure

CHOICE_SECONDS = 1.0
"""How long a choice of an account holds before the accounts are looked at again."""
FOLDER = "accounts"
"""Folder of the owned logins, beside the registry."""


class SignOut(msgspec.Struct, frozen=True, kw_only=True):
    """What `Accounts.sign_out` did."""

    account: Account
    """The account as it was."""
    revoked: bool
    """OpenAI has ended the login."""
    untouched: str = ""
    """Where another tool's login lies, which is as it was; empty for an owned one."""
    problem: str = ""
    """Why OpenAI has not ended it: it is gone from here all the same."""


class Accounts:
    """All accounts, owned and borrowed. Each method sees what other processes have changed meanwhile.

    With nothing registered and a Codex CLI login present, that login is an account without further ado: borrowed, and
    named from its email's prefix.
    """

    def __init__(self, config: Config, environ: Mapping[str, str], *, now: Callable[[], float] = time.time) -> None:
        """See `open`. ``now`` gives Unix seconds."""
        self._config = config
        self._environ = environ
        self._now = now
        named = config.accounts.folder
        folder = Path(named).expanduser() if named else paths.data_dir(environ)
        self._registry = RegistryFile(folder)
        self._vault = Vault(folder / FOLDER, config.accounts.storage)
        self._folder = folder
        self._refresher: Refresher | None = None
        self._live: dict[Entry, LiveLogin] = {}
        self._choices: dict[tuple[str | None, Kind], tuple[float, Entry]] = {}

    @classmethod
    def open(cls, config: Config, environ: Mapping[str, str]) -> Self:
        """The accounts of this user. Creates nothing. Raises `TurnoutError` (`SIGN_IN`) for a broken registry."""
        accounts = cls(config, environ)
        accounts._registry.read()
        return accounts

    # Looking

    def list(self) -> list[Account]:
        """Every account in the user's order, with its state as found now."""
        registry, now, default = self._registry.read(), self._now(), self.default_name
        return [examine(entry, registry, now, default=entry.name == default)[0] for entry in self._entries()]

    def get(self, name: str) -> Account:
        """The account of that nickname. Raises `TurnoutError` (`BAD_REQUEST`) naming the ones there are."""
        return self._examine(self._entry(name))[0]

    @property
    def default_name(self) -> str | None:
        """The account used when none is named: the settings' ``accounts.use``, else the registry's default."""
        if self._config.accounts.use:
            return self._config.accounts.use
        names = [entry.name for entry in self._entries()]
        default = self._registry.read().default
        return default if default in names else next(iter(names), None)

    def has(self, kind: Kind) -> bool:
        """Whether there is an account of that kind."""
        return any(kind_of(entry) == kind for entry in self._entries())

    def check(self, name: str | None = None, kind: Kind = "chatgpt") -> Account:
        """The account (``None``: the default one), if it serves or can be made to without the user.

        Raises `TurnoutError` as `credential` would: better said before the first request than at it.
        """
        account, problem = self._examine(self._chosen(name, kind))
        if problem is not None:
            raise TurnoutError(problem)
        return account

    # Changing

    def check_place(self) -> None:
        """Raises `TurnoutError` (`SIGN_IN`) if nothing could be kept: better said before a sign-in than after it."""
        with self._registry.change():
            pass
        if self._config.accounts.storage == "keyring":
            # There is no entry of that name; but a keyring that is locked is unlocked now, or not at all.
            keyring_entries.read(keyring_entries.SERVICE, "check")

    def use(self, name: str) -> Account:
        """Makes an account the default."""
        entry = self._entry(name)
        with self._changing() as change:
            change.registry = msgspec.structs.replace(change.registry, default=entry.name)
        return self.get(entry.name)

    def rename(self, old: str, new: str) -> Account:
        """Gives an account another nickname. Raises `TurnoutError` (`BAD_REQUEST`) if it is taken or no nickname."""
        entry = self._entry(old)
        nicknames.check(new, [other.name for other in self._entries() if other.name != entry.name])
        if entry.ownership == "owned":
            self._vault.rename(old, new)
        with self._changing() as change:
            registry = change.registry
            if entry.implicit:
                registry = registry.adopting(_adopted(entry.place, read(entry.place), entry.name))
            change.registry = registry.renamed(entry.name, new)
        return self.get(new)

    def remove(self, name: str) -> Account:
        """Forgets an account: an owned one's credential is deleted, a borrowed one's file is not touched.

        Raises `TurnoutError` (`BAD_REQUEST`) for a login of the Codex CLI that Turnout has found by itself.
        """
        entry, account = self._entry(name), self.get(name)
        if entry.implicit:
            raise fail(
                FailureKind.BAD_REQUEST,
                f"{name!r} is the Codex CLI's own login, which Turnout uses since it has no account of its own.",
                "`codex logout` ends it; `turnout login` gives Turnout one of its own.",
            )
        if entry.ownership == "owned":
            self._vault.delete(name)
        with self._changing() as change:
            change.registry = change.registry.without(name)
        return account

    async def sign_out(self, name: str) -> SignOut:
        """`remove`, after an owned login has been ended at OpenAI (best effort)."""
        entry = self._entry(name)
        if entry.ownership == "borrowed":
            account = self.get(name) if entry.implicit else self.remove(name)
            return SignOut(account=account, revoked=False, untouched=entry.place.label)
        problem = ""
        try:
            login = read(entry.place)
            if login.refresh_token:
                await self._revoke(login.refresh_token)
            revoked = bool(login.refresh_token)
        except TurnoutError as error:
            revoked, problem = False, error.failure.text
        return SignOut(account=self.remove(name), revoked=revoked, problem=problem)

    async def sign_in(self, tokens: Tokens, nickname: str = "") -> Account:
        """`add_owned`; a login that is replaced by it is ended at OpenAI, as the Codex CLI does (best effort)."""
        replaced = self._known_as(tokens)
        account = self.add_owned(tokens, nickname)
        if replaced is not None and replaced[1].refresh_token not in ("", tokens.refresh_token):
            with contextlib.suppress(TurnoutError):
                await self._revoke(replaced[1].refresh_token)
        return account

    def add_owned(self, tokens: Tokens, nickname: str = "") -> Account:
        """Keeps a new login. One for an account that is known already replaces its credential.

        ``nickname`` is made from the email if empty. The first account becomes the default.
        Raises `TurnoutError`: `BAD_REQUEST` for a nickname that cannot be, `SIGN_IN` if nothing can be written.
        """
        known = self._known_as(tokens)
        if known is not None and nickname and nickname != known[0].name:
            self.rename(known[0].name, nickname)
        said = identity(tokens.access_token, tokens.id_token)
        name = nickname or (known[0].name if known else nicknames.suggest(said.email, said.plan, self._names()))
        return self._add(name, documents.owned(tokens, self._now()), "chatgpt", known=known is not None)

    def add_api_key(self, key: str, nickname: str = "") -> Account:
        """Keeps an API key. ``nickname`` is ``api-key`` if empty. Raises as `add_owned`."""
        name = nickname or nicknames.suggest("", "", self._names(), otherwise="api-key")
        return self._add(name, documents.owned_key(key), "api_key", known=False)

    def adopt(self, source: Source, nickname: str = "") -> Account:
        """Registers another tool's login as a borrowed account: used where it lies, never copied.

        Raises `TurnoutError`: `BAD_REQUEST` for a nickname that cannot be, `SIGN_IN` for a login that does not serve.
        """
        place = Place(source.kind, source.account.path)
        login = read(place)
        known = next((entry for entry in self._entries() if entry.place == place and not entry.implicit), None)
        taken = [name for name in self._names() if known is None or name != known.name]
        otherwise = place.owner.lower()
        name = nickname or (known.name if known else nicknames.suggest(login.email, login.plan, taken, otherwise))
        nicknames.check(name, taken)
        with self._changing() as change:
            registry = change.registry.renamed(known.name, name) if known else change.registry
            change.registry = registry.adopting(_adopted(place, login, name))
        return self.get(name)

    def mark(self, name: str, state: State, reason: str) -> None:
        """Remembers that an account does not serve; forgotten once its credential changes."""
        verdict = Verdict(
            login=read(self._entry(name).place).fingerprint, state=state, reason=reason, at=int(self._now())
        )
        with self._changing() as change:
            change.registry = change.registry.with_verdict(verdict)

    # Using

    def use_config(self, config: Config) -> None:
        """From now on that configuration says which account is used. Where logins are kept, and how they are renewed,
        stays as at the start."""
        self._config = config
        self._choices.clear()

    async def credential(self, name: str | None = None, kind: Kind = "chatgpt") -> Credential:
        """A credential that can be sent now, renewed first if it has to be. ``None``: the default account.

        One that ends soon is renewed in the background. A renewal that fails for the moment leaves a valid one in use.
        Raises `TurnoutError`: `SIGN_IN` when only the user can help, or what kept the renewal from working.
        """
        return await self._in_use(self._chosen(name, kind)).credential()

    async def renew(self, refused: Credential) -> Credential:
        """The credential to try once more with after OpenAI has answered 401 to ``refused``.

        It is read again first, for someone else may have renewed it. Raises as `credential`.
        """
        return await self._in_use(self._chosen(refused.account, "chatgpt")).renew(refused)

    async def refresh(self, name: str, reason: Reason = "unauthorized_recovery") -> Account:
        """Renews a login now, unless someone else just has. ``reason`` as in codex-backend.md 1.4.

        ``proactive_expiry`` renews only what is about to end. Raises as `credential`.
        """
        await self._in_use(self._chosen(name, "chatgpt")).refresh(reason)
        return self.get(name)

    def look_after(self) -> None:
        """Has logins renewed before they end for as long as this event loop runs, whether they are asked for or not.

        These are Turnout's own, and the one that requests go out with.
        """
        default = self.default_name if self._config.upstream == "codex" else None
        for entry in self._entries():
            if entry.place.renewable and (entry.ownership == "owned" or entry.name == default):
                self._in_use(entry).look_after()

    async def close(self, seconds: float = 5.0) -> None:
        """Ends background work. A renewal that is under way is waited for at most ``seconds``; it ends well anyway."""
        for live in self._live.values():
            live.close()
        self._live.clear()
        if self._refresher is not None:
            await self._refresher.close(seconds)

    # Inside

    def _entries(self) -> tuple[Entry, ...]:
        return entries(self._registry.read(), self._vault.folder, self._config.codex.home)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Change]:
        """Changes the registry. Never waits for a login's lock in here: a renewal takes the two the other way round."""
        with self._registry.change() as change:
            yield change
        self._choices.clear()
        for live in self._live.values():
            live.look_again()

    def _names(self) -> tuple[str, ...]:
        return tuple(entry.name for entry in self._entries() if not entry.implicit)

    def _entry(self, name: str) -> Entry:
        found = self._entries()
        for entry in found:
            if entry.name == name:
                return entry
        there_are = f"There are: {', '.join(entry.name for entry in found)}." if found else "There are none."
        raise fail(FailureKind.BAD_REQUEST, f"There is no account called {name[:60]!r}.", there_are)

    def _examine(self, entry: Entry) -> tuple[Account, Failure | None]:
        return examine(entry, self._registry.read(), self._now(), default=entry.name == self.default_name)

    def _chosen(self, name: str | None, kind: Kind) -> Entry:
        """The account to use, looked up once a second. Raises `TurnoutError` if none can be used for this."""
        known = self._choices.get((name, kind))
        if known is not None and time.monotonic() - known[0] < CHOICE_SECONDS:
            return known[1]
        entry = self._choose(name or self._config.accounts.use, kind)
        self._choices[name, kind] = (time.monotonic(), entry)
        return entry

    def _choose(self, name: str, kind: Kind) -> Entry:
        if name:
            entry = self._entry(name)
            if kind_of(entry) not in (kind, None):
                raise _unfit(entry, kind)
            return entry
        found = self._entries()
        default = self.default_name
        for entry in sorted(found, key=lambda entry: entry.name != default):
            if kind_of(entry) in (kind, None):
                return entry
        if found:
            raise _unfit(found[0], kind)
        raise places.missing(Place(SourceKind.CODEX, str(codex_home.locate(self._config.codex.home))))

    def _in_use(self, entry: Entry) -> LiveLogin:
        live = self._live.get(entry)
        if live is None:
            # Only who sends requests pays for what keeps a login fresh: 60 ms to load.
            from turnout.accounts.live import LiveLogin
            from turnout.accounts.refresh import Refresher

            if self._refresher is None:
                self._refresher = Refresher(self._config, self._environ, str(self._folder))
            live = self._live[entry] = LiveLogin(
                entry.place,
                name=entry.name,
                account_id=entry.account_id,
                refresher=self._refresher,
                registry=self._registry,
                now=self._now,
            )
        return live

    async def _revoke(self, refresh_token: str) -> None:
        """Ends a login at OpenAI. Raises `TurnoutError`."""
        from turnout.accounts.token_client import TokenClient

        await TokenClient(self._config, self._environ).revoke(refresh_token)

    def _known_as(self, tokens: Tokens) -> tuple[Entry, Login] | None:
        """The owned account, and its login, that is for the same person in the same workspace as the tokens."""
        email = identity(tokens.access_token, tokens.id_token).email
        for entry in self._entries():
            with contextlib.suppress(TurnoutError):
                if entry.ownership == "owned":
                    login = read(entry.place)
                    if (login.account_id, login.email) == (tokens.account_id, email):
                        return entry, login
        return None

    def _add(self, name: str, document: bytes, kind: Kind, *, known: bool) -> Account:
        """Writes an owned account's document. ``known``: it replaces the one that is there."""
        if not known:
            nicknames.check(name, self._names())
        self._vault.write(name, document, kind, self._now())
        with self._changing() as change:
            change.registry = change.registry.listed(name)
        return self.get(name)


def _adopted(place: Place, login: Login, name: str) -> Borrowed:
    return Borrowed(name=name, source=place.source, path=place.path, account_id=login.account_id)


def _unfit(entry: Entry, kind: Kind) -> TurnoutError:
    """The failure for an account of the other kind."""
    if kind == "api_key":
        return fail(
            FailureKind.SIGN_IN,
            f"The account {entry.name!r} is a ChatGPT login, which the OpenAI API does not take.",
            "Give an API key: set OPENAI_API_KEY, or `turnout login --api-key`.",
        )
    return fail(
        FailureKind.SIGN_IN,
        f"The {entry.place.owner} login in {entry.place.label} is an API key, which the ChatGPT backend does not take.",
        "Use the OpenAI API with it: `turnout serve --upstream openai`. Or sign in with ChatGPT: `turnout login`.",
    )
