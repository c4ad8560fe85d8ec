"""`turnout accounts`: which accounts there are, which one is used, which logins other tools have."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.accounts.sources import Source


@click.group("accounts", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """List accounts, choose one, and find other tools' logins.

    \b
    turnout accounts                 the accounts, and how each one is
    turnout accounts use work        make one the default
    turnout accounts rename ada home
    turnout accounts remove work
    turnout accounts sources         every login on this machine, whoever keeps it
    turnout accounts adopt opencode  use another tool's login where it lies

    `turnout login --add` adds one, `turnout logout` signs out. For one time: `turnout claude --account NAME`. For a
    project: a file .turnout.toml in its folder with `[accounts]` and `use = "NAME"`.
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"--json belongs behind {ctx.invoked_subcommand}, if it knows it.")
        return
    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view
    from turnout.cli.explanation import console

    loaded = options.resolve({})
    found = Accounts.open(loaded.config, os.environ).list()
    if as_json:
        _print_json({"accounts": [accounts_view.as_json(account) for account in found]})
    else:
        accounts_view.show_accounts(console(), found, loaded)


@command.command("use", short_help="Make an account the default one.")
@click.argument("name", shell_complete=options.nicknames)
def use(name: str) -> None:
    """Make an account the default one: it is used when nothing else is asked for."""
    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view

    loaded = options.resolve({})
    account = Accounts.open(loaded.config, os.environ).use(name)
    click.echo(f"{account.name} is the default account now.")
    if elsewhere := accounts_view.default_elsewhere(loaded, account.name):
        click.echo(elsewhere)


@command.command("rename")
@click.argument("old", shell_complete=options.nicknames)
@click.argument("new")
def rename(old: str, new: str) -> None:
    """Give an account another nickname."""
    from turnout.accounts.store import Accounts

    account = Accounts.open(options.load({}), os.environ).rename(old, new)
    click.echo(f"{old} is called {account.name} now.")


@command.command("remove")
@click.argument("name", shell_complete=options.nicknames)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(name: str, *, yes: bool) -> None:
    """Forget an account.

    A login of Turnout's own is deleted here and stays good at OpenAI until its time is over: `turnout logout` ends it
    there as well. Another tool's login is not touched.
    """
    from turnout.accounts.store import Accounts

    accounts = Accounts.open(options.load({}), os.environ)
    account = accounts.get(name)
    if account.ownership == "owned" and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError(f"This deletes the login of {name}. Say --yes, or use `turnout logout {name}`.")
        click.confirm(f"Delete the login of {name} without ending it at OpenAI?", abort=True)
    accounts.remove(name)
    untouched = "" if account.ownership == "owned" else f" {account.path} was not touched."
    click.echo(f"{name} is removed.{untouched}")


@command.command("sources", short_help="Show every login on this machine, whoever keeps it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def sources(*, as_json: bool) -> None:
    """Show every login on this machine that Turnout could use, whoever keeps it.

    For each: whom it is for, whether it serves, and who renews it. Looked for are the Codex CLI's file and keyring
    entry, opencode's file and its two earlier places, claudex, CLIProxyAPI and CCS. Nothing is changed.
    """
    from turnout.accounts.sources import find
    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view
    from turnout.cli.explanation import console

    config = options.load({})
    found = find(config, os.environ, time.time())
    if as_json:
        _print_json({"sources": [accounts_view.source_as_json(source) for source in found]})
    else:
        accounts_view.show_sources(console(), found, Accounts.open(config, os.environ).list())


@command.command("adopt")
@click.argument("source")
@click.option("--nickname", metavar="NAME", help="What to call the account (default: from its email address).")
def adopt(source: str, *, nickname: str | None) -> None:
    """Use another tool's login where it lies. Nothing is copied.

    SOURCE is a name from `turnout accounts sources` (codex, opencode, …) or the path of a login. Each renewal of a
    login serves one program only: the Codex CLI's is renewed under the CLI's own locks, so that both go on working; any
    other one is left to its owner to renew.
    """
    from turnout.accounts.login.keeping import vanished
    from turnout.accounts.sources import find
    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view
    from turnout.cli.explanation import console

    config = options.load({})
    accounts = Accounts.open(config, os.environ)
    before = accounts.list()
    chosen = _choose(source, find(config, os.environ, time.time()))
    account = accounts.adopt(chosen, nickname or "")
    accounts_view.show_adopted(console(), account, chosen, vanished(accounts, before))


def _choose(wanted: str, found: Sequence[Source]) -> Source:
    """The one source that is meant. Raises `ClickException` naming those there are."""
    name = wanted.lower().replace("-", "_")
    path = Path(wanted).expanduser().absolute()
    fitting = [each for each in found if each.kind.value == name] or [
        each for each in found if Path(each.account.path) == path
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        paths = "\n".join(f"  turnout accounts adopt {each.account.path}" for each in fitting)
        raise click.ClickException(f"There are several logins of {fitting[0].owner}. Say which one:\n{paths}")
    names = ", ".join(dict.fromkeys(each.kind.value for each in found))
    raise click.ClickException(
        f"No login {wanted!r} was found. {f'There are: {names}.' if names else 'There are none of other tools.'} "
        "`turnout accounts sources` shows where each lies."
    )


def _print_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
