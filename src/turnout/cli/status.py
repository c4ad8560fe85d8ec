"""`turnout status`: the gateway that runs."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import click

from turnout import __version__
from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.accounts.account import Account
    from turnout.gateway.life import GatewayState
    from turnout.launch.running import RunningGatewayInfo

NOT_RUNNING = 3
"""Exit code when no gateway runs: that of `systemctl status` and of init scripts."""


@click.command("status")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def command(*, json_wanted: bool) -> int:
    """Show the gateway that runs: where, since when, what it has done, and whether it could answer now.

    Exit code 0: it runs and answers. 1: it runs but does not answer. 3: none runs.

    \b
    turnout status
    turnout status --json
    """
    from turnout.launch import control
    from turnout.launch.running import find_running

    info = find_running()
    if info is None:
        if json_wanted:
            _print({"running": False})
        else:
            click.echo("No gateway of yours runs. `turnout up` starts one; `turnout claude` needs none.")
        return NOT_RUNNING
    state = control.state(info)
    reasons = control.reasons_not_ready(info)
    if json_wanted:
        _print(_facts(info, state, reasons))
    else:
        _show(info, state, reasons)
    return 0 if state is not None else 1


def _facts(info: RunningGatewayInfo, state: GatewayState | None, reasons: Sequence[str]) -> dict[str, object]:
    """The state as JSON has it. Nothing here is secret."""
    facts: dict[str, object] = {
        "running": True,
        "answers": state is not None,
        "ready": not reasons,
        "reasons": list(reasons),
        "url": info.url,
        "pid": info.pid,
        "version": info.version,
        "started": info.started,
        "uptime_s": round(time.time() - info.started, 1),
        "log": info.log,
        "supervisor": info.supervisor,
    }
    if state is not None:
        facts |= {
            "requests": state.requests,
            "open": state.open,
            "upstream": state.upstream,
            "upstreams": list(state.upstreams),
            "accounts": [
                {"name": each.name, "kind": each.kind, "default": each.default, "state": each.state.value}
                for each in _accounts()
            ],
        }
    return facts


def _show(info: RunningGatewayInfo, state: GatewayState | None, reasons: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    from turnout.cli.explanation import console

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    other = f" (this is {__version__}: `turnout restart`)" if info.version != __version__ else ""
    rows: list[tuple[str, str]] = [
        ("address", info.url),
        ("process", f"{info.pid}, Turnout {info.version}{other}"),
        (
            "since",
            f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(info.started))}, {_span(time.time() - info.started)}",
        ),
        (
            "token",
            "wanted: `turnout env` shows how" if info.token else "none: every program on this machine may use it",
        ),
        ("log", info.log or (info.supervisor or "the terminal it was started in")),
    ]
    if info.supervisor:
        rows.append(("run by", info.supervisor))
    if state is not None:
        rows += [
            ("requests", f"{state.requests} answered, {state.open} open"),
            (
                "upstreams",
                ", ".join(f"{name} (in use)" if name == state.upstream else name for name in state.upstreams),
            ),
            ("accounts", _named(_accounts()) or "none: `turnout login`"),
        ]
    for name, value in rows:
        table.add_row(name, Text(value))
    screen = console()
    word, tint = ("ready", "green") if not reasons else ("not ready", "yellow" if state is not None else "red")
    screen.print(Text("The gateway runs and is ").append(word, style=tint).append("."))
    screen.print(table)
    for reason in reasons:
        screen.print(Text(reason, style="yellow"))


def _accounts() -> Sequence[Account]:
    from turnout.accounts.store import Accounts

    return Accounts.open(options.load({}), os.environ).list()


def _named(accounts: Sequence[Account]) -> str:
    return ", ".join(f"{each.name} (default)" if each.default else each.name for each in accounts)


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{int(seconds)} s"


def _print(facts: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode())
