"""What is settled before a client or the gateway starts: which upstream the account in use is for, and who signs in."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import api_key, configured
from turnout.accounts.account import State
from turnout.accounts.store import Accounts
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.accounts.account import Account
    from turnout.config import Config
    from turnout.settings import Loaded

CURED_BY_SIGNING_IN = frozenset({State.SIGN_IN_AGAIN, State.UNREADABLE, State.MISSING})


def fitted(loaded: Loaded) -> Config:
    """The configuration, with the upstream that the account in use is for unless one was chosen.

    Raises `TurnoutError` (`BAD_REQUEST`) if an account was chosen that is not there.
    """
    config, chosen = loaded.config, loaded.origins["upstream"] != "default"
    if chosen and not config.accounts.use:
        return config
    account = _in_use(loaded)
    if chosen:
        return config
    if config.upstreams.openai != "off" and (
        config.upstreams.codex == "off" or (account is not None and account.kind == "api_key")
    ):
        return msgspec.structs.replace(config, upstream="openai")
    return config


def make_ready(config: Config) -> None:
    """Sees to it that there is a credential, by signing in here and now if there is a person to do so.

    Raises `TurnoutError` if there is none after all.
    """
    try:
        configured.check(config, os.environ)
    except TurnoutError as error:
        if not _person_is_there() or config.upstream in config.custom:
            raise
        if config.upstream == "openai":
            if api_key.given(config.openai, os.environ):
                raise  # one that cannot be used: another one is for the user to put in its place
            _sign_in(config, error.failure.message)
        else:
            there = Accounts.open(config, os.environ).list()
            if there and not _may_sign_in_again(there):
                raise
            _sign_in(config, error.failure.message if there else "You are not signed in yet.")
        configured.check(config, os.environ)


def _may_sign_in_again(there: Sequence[Account]) -> bool:
    """Whether the account in use is one of Turnout's own whose login has ended."""
    used = next((account for account in there if account.default), None)
    return used is not None and used.ownership == "owned" and used.state in CURED_BY_SIGNING_IN


def _sign_in(config: Config, why: str) -> None:
    from rich.console import Console

    from turnout.cli import accounts_view, signing_in

    console = Console(stderr=True, highlight=False)  # standard output is the client's
    console.print()
    console.print(why, markup=False)
    talk = signing_in.SigningIn(config, console)
    wants_key = config.upstream == "openai"
    kept = talk.with_key(signing_in.ask_for_key(), add=True) if wants_key else talk.with_chatgpt()
    accounts_view.show_signed_in(console, kept.account)


def _in_use(loaded: Loaded) -> Account | None:
    """The account that is used when none is asked for; None if there is none."""
    accounts = Accounts.open(loaded.config, os.environ)
    there = accounts.list()
    named = loaded.config.accounts.use
    found = next((account for account in there if account.name == (named or accounts.default_name)), None)
    if named and found is None:
        names = ", ".join(account.name for account in there)
        raise fail(
            FailureKind.BAD_REQUEST,
            f"There is no account called {named!r}, which {loaded.origins['accounts.use']} asks for.",
            f"There are: {names}." if names else "There are none: sign in with `turnout login`.",
        )
    return found


def _person_is_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
