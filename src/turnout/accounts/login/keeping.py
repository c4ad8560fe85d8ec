"""What becomes of a sign-in: it is kept, becomes the default or not, and nothing is lost or left open by it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.sources import Source
from turnout.protocol.errors import FailureKind, TurnoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.accounts.account import Account
    from turnout.accounts.store import Accounts
    from turnout.accounts.token_client import TokenClient
    from turnout.accounts.tokens import Tokens


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it."""

    account: Account
    known: bool = False
    """Turnout had this account already: its login was replaced."""
    others: tuple[Account, ...] = ()
    """The other accounts."""
    unused: Account | None = None
    """The Codex CLI's login, which was used for want of an account and is not any more."""
    nickname_problem: str = ""
    """Why it does not have the nickname that was asked for."""


async def keep(accounts: Accounts, client: TokenClient, tokens: Tokens, nickname: str, *, add: bool) -> Kept:
    """Keeps a new login, as the default account unless ``add``.

    A nickname that another account has is left out: better that than another sign-in. Raises `TurnoutError` if the
    login cannot be kept; it is ended again then, for nobody else could.
    """
    before = accounts.list()
    problem = ""
    try:
        try:
            account = await accounts.sign_in(tokens, nickname)
        except TurnoutError as error:
            if not _nickname_is_wrong(error, nickname):
                raise
            problem = error.failure.message
            account = await accounts.sign_in(tokens)
    except TurnoutError:
        with contextlib.suppress(TurnoutError):
            await client.revoke(tokens.refresh_token)
        raise
    known = any(
        (each.ownership, each.account_id, each.email) == ("owned", account.account_id, account.email) for each in before
    )
    return _settle(accounts, before, Kept(account=account, known=known, nickname_problem=problem), add=add)


def keep_key(accounts: Accounts, key: str, nickname: str, *, add: bool) -> Kept:
    """Keeps an API key, as the default account unless ``add``. See `keep`."""
    before = accounts.list()
    problem = ""
    try:
        account = accounts.add_api_key(key, nickname)
    except TurnoutError as error:
        if not _nickname_is_wrong(error, nickname):
            raise
        problem = error.failure.message
        account = accounts.add_api_key(key)
    return _settle(accounts, before, Kept(account=account, nickname_problem=problem), add=add)


def vanished(accounts: Accounts, before: Sequence[Account]) -> Account | None:
    """The Codex CLI's login, if it was an account only as long as there was no other (`Accounts`)."""
    there = {account.path for account in accounts.list()}
    borrowed = (account for account in before if account.ownership == "borrowed")
    return next((account for account in borrowed if account.path not in there), None)


def _nickname_is_wrong(error: TurnoutError, nickname: str) -> bool:
    return bool(nickname) and error.failure.kind is FailureKind.BAD_REQUEST


def _settle(accounts: Accounts, before: Sequence[Account], kept: Kept, *, add: bool) -> Kept:
    default = next((account.name for account in before if account.default), "")
    unused = vanished(accounts, before)
    if add and unused is not None and unused.account_id != kept.account.account_id:
        # Added beside it: so it stays.
        with contextlib.suppress(TurnoutError):  # one that cannot be used is no loss
            adopted = accounts.adopt(Source(kind=unused.source, account=unused, owner="", renewed_by=()))
            default, unused = adopted.name, None
    names = [account.name for account in accounts.list()]
    accounts.use(default if add and default in names else kept.account.name)
    after = accounts.list()
    return msgspec.structs.replace(
        kept,
        account=next(account for account in after if account.name == kept.account.name),
        others=tuple(account for account in after if account.name != kept.account.name),
        unused=unused,
    )
