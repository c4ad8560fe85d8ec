"""Shows the quota of accounts in the terminal: a bar for each window. Draws what it is given, asks nobody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType

    from turnout.quota.report import Line
    from turnout.quota.windows import Credits, Window

CELLS = 24
WARNING, FULL = 75.0, 95.0
"""Percent used from which a bar is yellow, and red."""
OLD_SECONDS = 600
"""Age from which a figure is marked as old."""
BLOCKS, PLAIN = ("█", "░"), ("#", "-")


def picture(console: Console, lines: Sequence[Line], now: float) -> RenderableType:
    """All accounts, one below the other. ``now``: Unix seconds."""
    if not lines:
        return Text("No account yet. Sign in with: turnout login")
    blocks = PLAIN if console.options.ascii_only else BLOCKS
    parts: list[RenderableType] = []
    for line in lines:
        parts += [Text(), _head(line), *_body(line, now, blocks)]
    return Group(*parts, Text())


def _head(line: Line) -> Text:
    account = line.account
    head = Text.assemble((account.name, "bold"))
    plan = (line.quota.plan if line.quota else "") or account.plan
    known_by = [part for part in (account.email, plan) if part]
    head.append(f"  {' · '.join(known_by)}", style="dim")
    if account.default:
        head.append("  default", style="cyan")
    return head


def _body(line: Line, now: float, blocks: tuple[str, str]) -> Iterator[RenderableType]:
    quota = line.quota
    if quota is not None:
        table = Table.grid(padding=(0, 2, 0, 0))
        for window in quota.windows:
            table.add_row(*_row(window.name, window, now, blocks))
        for limit in quota.further:
            for window in limit.windows:
                table.add_row(*_row(f"{limit.name or limit.id}, {window.name}", window, now, blocks))
        if table.row_count:
            yield table
        if quota.is_reached(now):
            until = f" Requests are taken again {moment(quota.resets_at, now)}." if quota.resets_at else ""
            yield Text(f"  Limit reached.{until}", style="red")
        if (credit := _credits(quota.credits)) is not None:
            yield credit
    if line.problem:
        yield Text(f"  {line.problem}", style="yellow" if line.account.kind == "chatgpt" else "dim")
    if line.sign_in_again and "turnout login" not in line.problem:
        yield Text("  Sign in again with: turnout login", style="yellow")
    if quota is not None:
        age = now - quota.seen_at
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(quota.seen_at))
        told = "just now" if age < 1 else f"{span(age)} ago"
        yield Text(f"  as of {when} ({told})", style="yellow" if age > OLD_SECONDS else "dim")


def _row(name: str, window: Window, now: float, blocks: tuple[str, str]) -> tuple[Text, Text, Text, Text]:
    used = window.used(now)
    style = "red" if used >= FULL else "yellow" if used >= WARNING else "green"
    filled = min(CELLS, round(used / 100 * CELLS)) or (1 if used > 0 else 0)
    bar = Text.assemble((blocks[0] * filled, style), (blocks[1] * (CELLS - filled), "dim"))
    figure = Text(f"{used:g} %".rjust(7) if used == int(used) else f"{used:.1f} %".rjust(7), style=style)
    resets = f"resets {moment(window.resets_at, now)}" if window.resets_at and window.resets_at > now else ""
    return Text(f"  {name}"), bar, figure, Text(resets, style="dim")


def _credits(credits: Credits | None) -> Text | None:
    if credits is None or not (credits.has_credits or credits.unlimited):
        return None
    amount = "unlimited" if credits.unlimited else credits.balance or "some"
    return Text(f"  credits: {amount}")


def moment(at: int | None, now: float) -> str:
    """A time to come, as a date of this place and as a span: ``on Mon 23 Nov at 14:05 (in 2d 6h)``."""
    if at is None:
        return "at a time that was not said"
    local = time.localtime(at)
    when = time.strftime("at %H:%M" if at - now < 86_400 else "on %a %d %b at %H:%M", local)
    return f"{when} (in {span(at - now)})"


def span(seconds: float) -> str:
    """A span of time in its two largest units: ``2d 6h``, ``1h 5m``, ``40s``."""
    whole = max(0, int(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h" if hours else f"{days}d"
    if hours:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    return f"{minutes}m" if minutes else f"{rest}s"
