"""`turnout logout`: sign out."""

from __future__ import annotations

import asyncio
import os

import click

from turnout.cli import options


@click.command("logout")
@click.argument("name", required=False, shell_complete=options.nicknames)
@click.option("--all", "everyone", is_flag=True, help="Sign out of every account.")
def command(*, name: str | None, everyone: bool) -> None:
    """Sign out: end a login at OpenAI, and remove it here.

    Without NAME it is the default account. Another tool's login (`turnout accounts adopt`) is never touched: Turnout
    only forgets it. A login that OpenAI cannot be told of is removed here all the same.

    \b
    turnout logout
    turnout logout work
    turnout logout --all
    """
    if name and everyone:
        raise click.UsageError("Name one account, or give --all.")
    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view
    from turnout.cli.explanation import console

    loaded = options.resolve({})
    accounts = Accounts.open(loaded.config, os.environ)
    there = accounts.list()
    if not there:
        raise click.ClickException("You are not signed in: there is no account.")
    names = [account.name for account in there] if everyone else [name or accounts.default_name or ""]
    screen = console()
    for each in names:
        done = asyncio.run(accounts.sign_out(each))
        accounts_view.show_signed_out(screen, done, accounts.list())
    accounts_view.show_left(screen, there, accounts.list())
