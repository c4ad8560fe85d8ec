"""Shows a trace as a timeline, and a replay's comparisons as they come. Reads records, asks nobody."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table
from rich.text import Text

from turnout.cli.explanation import duration
from turnout.ledger.trace import Answered, Asked, Ended, Heard, Opened, Refused, SentUp, Told, Whole
from turnout.replay.answer import of_trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from turnout.ledger.trace import AnyStep, Trace, TracedExchange
    from turnout.replay.answer import Gist
    from turnout.replay.run import Comparison

DOWN, UP = "cyan", "magenta"
"""Styles of what passes between gateway and client, and between gateway and upstream."""


def show(console: Console, trace: Trace, *, full: bool = False) -> None:
    """Shows a trace. ``full`` shows each event and body."""
    for number, exchange in enumerate(trace.exchanges, 1):
        asked = exchange.asked
        console.print()
        console.print(
            Text.assemble(
                (f"{number}  {asked.method} {asked.path}", "bold"),
                (f"  {asked.request_id}  {asked.headers.get('user-agent', '')}", "dim"),
                (f"  session {asked.session}" if asked.session else "", "dim"),
            )
        )
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        table.add_column(justify="right", style="dim", no_wrap=True)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for at, what, more in _rows(exchange, full=full):
            table.add_row(duration(at), what, more)
        console.print(table)
    console.print()


def _rows(exchange: TracedExchange, *, full: bool) -> Iterator[tuple[float, Text, Text]]:
    for _, group in groupby(exchange.steps, key=lambda step: id(step) if full else _sort(step)):
        steps = list(group)
        yield steps[0].t, _what(steps[0]), _more(steps, exchange, full=full)


def _sort(step: AnyStep) -> object:
    """Steps that are shown as one: the deltas of a block, which differ in nothing but their text."""
    return (type(step), step.event) if isinstance(step, (Heard, Told)) else id(step)


def _what(step: AnyStep) -> Text:
    match step:
        case Asked():
            return Text("client ▸ turnout", DOWN)
        case SentUp():
            return Text("turnout ▸ upstream", UP)
        case Opened() | Refused() | Heard():
            return Text("upstream ▸ turnout", UP)
        case Answered() | Told() | Whole():
            return Text("turnout ▸ client", DOWN)
        case Ended():
            return Text("end", "dim")


def _more(steps: Sequence[AnyStep], exchange: TracedExchange, *, full: bool) -> Text:
    step = steps[0]
    match step:
        case Asked():
            return _with_body(f"{len(step.body):,} bytes", step.body, full=full)
        case SentUp():
            lite = ", lite framing" if step.lite else ""
            said = f"attempt {step.attempt} to {step.upstream}: {step.model}, {len(step.body):,} bytes{lite}"
            return _with_body(said, step.body, full=full)
        case Opened():
            return Text("the stream begins")
        case Refused():
            return Text(f"{step.failure.value}: {step.text}", "red")
        case Heard() | Told():
            size = sum(len(each.data) for each in steps if isinstance(each, (Heard, Told)))
            if full:
                return _with_body(step.event, step.data, full=True)
            times = f"{len(steps)} × " if len(steps) > 1 else ""
            last = f", until {duration(steps[-1].t)}" if len(steps) > 1 else ""
            return Text(f"{times}{step.event} ({size:,} bytes{last})")
        case Answered():
            return Text(f"{step.status} {step.headers.get('content-type', '')}")
        case Whole():
            return _with_body(f"{len(step.data):,} bytes", step.data, full=full)
        case Ended():
            return _end(of_trace(exchange), step)


def _with_body(said: str, body: msgspec.Raw, *, full: bool) -> Text:
    return Text(f"{said}\n{msgspec.json.format(bytes(body), indent=2).decode()}" if full else said)


def _end(gist: Gist, step: Ended) -> Text:
    parts = [
        f"{step.record.status}",
        gist.stop_reason or "",
        f"tools: {', '.join(gist.tools)}" if gist.tools else "",
        _tokens(gist),
        gist.error,
        f"{len(step.record.notes)} notes" if step.record.notes else "",
    ]
    return Text(" · ".join(part for part in parts if part), "dim")


def _tokens(gist: Gist) -> str:
    if not gist.input_tokens:
        return ""
    return f"{gist.input_tokens:,} in ({gist.cached_tokens:,} cached), {gist.output_tokens:,} out"


class ComparisonTable:
    """Prints comparisons as they come: a replay may take as long as the session did."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._count = self._different = 0

    def add(self, compared: Comparison) -> None:
        """Prints one."""
        self._count += 1
        differences = compared.differences
        self._different += bool(differences)
        mark = ("≠", "bold yellow") if differences else ("=", "bold green")
        self._console.print(
            Text.assemble(mark, f" {compared.number}  {compared.model}", (f"  {compared.request_id}", "dim"))
        )
        table = Table(box=None, padding=(0, 2, 0, 2), header_style="dim")
        for title in ("", "then", "now"):
            table.add_column(title, overflow="fold")
        for name, then, now in _compared(compared.then, compared.now):
            style = "yellow" if name.replace(" ", "_") in differences else ""
            table.add_row(Text(name, "dim"), then, Text(now, style))
        self._console.print(table)

    def close(self) -> None:
        """Says what came of it all."""
        same = self._count - self._different
        self._console.print(f"\n{same} of {self._count} requests came out alike, apart from tokens and texts.")


def _compared(then: Gist, now: Gist) -> Iterator[tuple[str, str, str]]:
    def both(name: str, first: str, second: str) -> Iterator[tuple[str, str, str]]:
        if first or second:
            yield name, first or "–", second or "–"

    yield from both("status", str(then.status or ""), str(now.status or ""))
    yield from both("error", then.error, now.error)
    yield from both("stop reason", then.stop_reason or "", now.stop_reason or "")
    yield from both("tools", ", ".join(then.tools), ", ".join(now.tools))
    yield from both("tokens", _tokens(then), _tokens(now))
    yield from both("text", *(f"{gist.text_length:,} characters" if gist.text_length else "" for gist in (then, now)))
    yield from both("notes", "\n".join(then.notes), "\n".join(now.notes))
