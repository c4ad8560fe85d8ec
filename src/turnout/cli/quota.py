"""`turnout quota`: how much of each account's plan is used."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from turnout.quota.report import Line

LOOK_SECONDS = 2.0
"""Between two looks of ``--watch``. OpenAI is asked far less often: see `turnout.quota.usage`."""


@click.command("quota")
@click.argument("name", required=False, shell_complete=options.nicknames)
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@click.option("--watch", is_flag=True, help="Keep showing it until Ctrl-C.")
def command(*, name: str | None, json_wanted: bool, watch: bool) -> int:
    """Show how much of the plan is used, when it resets, and how old the figure is.

    NAME is an account's nickname; without it all accounts are shown.

    \b
    turnout quota
    turnout quota ada --watch
    turnout quota --json

    Answers bring these figures along for free. Where they are more than two minutes old, OpenAI is asked, and never
    more often than that. Exit code 1: nothing is known of any account that was asked for.
    """
    if watch and json_wanted:
        raise click.UsageError("--watch and --json are two ways to show it: choose one.")
    return asyncio.run(_run(name, json_wanted=json_wanted, watch=watch))


async def _run(name: str | None, *, json_wanted: bool, watch: bool) -> int:
    from turnout.accounts.store import Accounts
    from turnout.quota.board import Board
    from turnout.quota.report import Reporter

    config = options.load({})
    accounts = Accounts.open(config, os.environ)
    board = Board.of(os.environ)
    reporter = Reporter(config, os.environ, accounts, board)

    async def look() -> list[Line]:
        board.reload()
        return await reporter.lines([accounts.get(name)] if name else accounts.list())

    try:
        if watch:
            await _watch(look)
        lines = await look()
        if json_wanted:
            _print_json(lines)
        else:
            _show(lines)
    finally:
        await board.close()
        await accounts.close()
    return 0 if any(line.quota is not None for line in lines) else 1


def _print_json(lines: Sequence[Line]) -> None:
    import msgspec

    from turnout.quota.report import as_json

    click.echo(msgspec.json.format(as_json(lines, time.time()), indent=2).decode())


def _show(lines: Sequence[Line]) -> None:
    from turnout.cli import bars
    from turnout.cli.explanation import console

    screen = console()
    screen.print(bars.picture(screen, lines, time.time()))


async def _watch(look: Callable[[], Awaitable[list[Line]]]) -> None:
    """Shows it again and again; ends with the interruption that Ctrl-C is."""
    from rich.live import Live

    from turnout.cli import bars
    from turnout.cli.explanation import console

    screen = console()
    with Live(console=screen, auto_refresh=False) as live:
        while True:
            live.update(bars.picture(screen, await look(), time.time()), refresh=True)
            await asyncio.sleep(LOOK_SECONDS)
