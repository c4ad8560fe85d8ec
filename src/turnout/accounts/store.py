"""The accounts that Turnout knows: lists, chooses, adds, keeps them, and gives out credentials that are fresh.

What lies where: docs/accounts.md. Everything here that reads or writes a file is quick; what asks OpenAI is `async`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.account import Account, State
    from turnout.accounts.credential import Credential
    from turnout.accounts.sources import Source
    from turnout.accounts.tokens import Tokens
    from turnout.config import Config


class SignOut:
    """What `Accounts.sign_out` did: fields ``account``, ``revoked`` (bool), ``untouched`` (path or ""), ``problem``."""


class Accounts:
    """All accounts, owned and borrowed. Each method sees what other processes have changed meanwhile.

    With nothing registered and a Codex CLI login present, that login is an account without further ado: borrowed, and
    named from its email's prefix.
    """

    @classmethod
    def open(cls, config: Config, environ: Mapping[str, str]) -> Self:
        """The accounts of this user. Creates nothing. Raises `TurnoutError` (`SIGN_IN`) for a broken registry."""
        raise NotImplementedError

    def list(self) -> list[Account]:
        """Every account in the user's order, with its state as found now."""
        raise NotImplementedError

    def get(self, name: str) -> Account:
        """The account of that nickname. Raises `TurnoutError` (`SIGN_IN`) naming the ones there are."""
        raise NotImplementedError

    @property
    def default_name(self) -> str | None:
        """The account used when none is named: the settings' ``accounts.use``, else the registry's default."""
        raise NotImplementedError

    def use(self, name: str) -> Account:
        """Makes an account the default."""
        raise NotImplementedError

    def rename(self, old: str, new: str) -> Account:
        """Gives an account another nickname. Raises `TurnoutError` (`BAD_REQUEST`) if it is taken or no nickname."""
        raise NotImplementedError

    def remove(self, name: str) -> Account:
        """Forgets an account: an owned one's credential is deleted, a borrowed one's file is not touched."""
        raise NotImplementedError

    async def sign_out(self, name: str) -> SignOut:
        """`remove`, after an owned login has been ended at OpenAI (best effort)."""
        raise NotImplementedError

    def add_owned(self, tokens: Tokens, nickname: str = "") -> Account:
        """Keeps a new login. One for an account that is known already replaces its credential.

        ``nickname`` is made from the email if empty. The first account becomes the default.
        """
        raise NotImplementedError

    def add_api_key(self, key: str, nickname: str = "") -> Account:
        """Keeps an API key. ``nickname`` is ``api-key`` if empty."""
        raise NotImplementedError

    def adopt(self, source: Source, nickname: str = "") -> Account:
        """Registers another tool's login as a borrowed account: used where it lies, never copied."""
        raise NotImplementedError

    async def credential(self, name: str | None = None) -> Credential:
        """A credential that can be sent now, renewed first if it has to be. ``None``: the default account.

        Raises `TurnoutError`: `SIGN_IN` when only the user can help, or what kept the renewal from working.
        """
        raise NotImplementedError

    async def renew(self, refused: Credential) -> Credential:
        """The credential to try once more with after OpenAI has answered 401 to ``refused``. Raises as `credential`."""
        raise NotImplementedError

    async def refresh(self, name: str, reason: str) -> Account:
        """Renews a login now, unless someone else just has. ``reason`` as in codex-backend.md 1.4."""
        raise NotImplementedError

    def mark(self, name: str, state: State, reason: str) -> None:
        """Remembers that an account does not serve; forgotten once its credential changes."""
        raise NotImplementedError

    async def close(self) -> None:
        """Ends background work; a renewal that is under way is finished."""
        raise NotImplementedError
