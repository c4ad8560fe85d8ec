"""Shows records of requests in the terminal: one in full, or the latest in a table. Reads records, asks nobody."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from turnout.ledger import cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from turnout.ledger.record import RequestRecord
    from turnout.protocol.fidelity import Action, Note

WIDTH = 160
"""Columns of an output that has no width of its own."""
LIST_COLUMNS = ("request", "time", "session", "model", "status", "first", "total", "in", "cached", "out", "notes")
FIGURES = frozenset({"first", "total", "in", "cached", "out", "notes"})
WIDE = 120
"""Columns from which on all of a list is shown."""
WIDE_COLUMNS = frozenset({"session", "first", "out", "notes"})
BAR_CELLS = 44
FULL, PLAIN = "█", "#"
"""What a bar is made of, and where the output knows no such character."""

ACTIONS: dict[Action, tuple[str, str]] = {
    "dropped": ("Left out", "red"),
    "approximated": ("Said with less", "yellow"),
    "ignored": ("Without effect", "dim"),
    "mapped": ("Said otherwise", "green"),
}
"""How notes are headed, in the order in which they matter."""


def console() -> Console:
    """Standard output. One that is no terminal is wide: what reads it looks for words, and wants no lines broken."""
    made = Console(highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = WIDTH
    return made


class Span(NamedTuple):
    """A stretch of a request's time."""

    what: str
    milliseconds: float
    style: str


def spans(record: RequestRecord) -> list[Span]:
    """The stretches of a request's time, as far as it got."""
    moments = (
        ("gateway", record.sent_ms, "magenta"),
        ("waiting for upstream", record.opened_ms, "blue"),
        ("to the first output", record.ttft_ms, "cyan"),
        ("answer", record.total_ms, "green"),
    )
    found: list[Span] = []
    begin = 0.0
    for what, end, style in moments:
        if end is None:
            continue
        if what == "answer" and record.ttft_ms is None:
            what = "until it failed" if record.failure else "until it ended"  # noqa: PLW2901
        found.append(Span(what, max(0.0, end - begin), style))
        begin = max(begin, end)
    return found


def show(console: Console, record: RequestRecord) -> None:
    """Shows one record in full."""
    console.print()
    console.print(_head(record))
    console.print(_route(record))
    console.print()
    console.print(_facts(console, record))
    for action, (title, style) in ACTIONS.items():
        notes = [note for note in record.notes if note.action == action]
        if notes:
            console.print()
            console.print(Text(f"{title} ({action})", f"bold {style}"))
            console.print(_notes(notes))
    if record.more_notes:
        console.print(Text(f"… and {record.more_notes} more notes", "dim"))
    if not record.notes and record.model and record.failure is None:
        console.print()
        console.print(Text("Nothing was approximated or left out.", "dim"))
    console.print()


def show_latest(console: Console, records: Sequence[RequestRecord]) -> None:
    """Shows the latest requests, newest first; on a narrow terminal with fewer columns."""
    wide = console.width >= WIDE
    table = Table(box=None, padding=(0, 2 if wide else 1, 0, 0), header_style="dim")
    for title in LIST_COLUMNS:
        if wide or title not in WIDE_COLUMNS:
            table.add_column(title, justify="right" if title in FIGURES else "left", no_wrap=True)
    for record in records:
        cells = zip(LIST_COLUMNS, _cells(record), strict=True)
        table.add_row(*(cell for title, cell in cells if wide or title not in WIDE_COLUMNS))
    console.print(table)


def _cells(record: RequestRecord) -> tuple[str | Text, ...]:
    """A record as a row of `LIST_COLUMNS`."""
    usage, share = record.usage, record.cached_share
    return (
        record.request_id,
        _clock(record.at, "%H:%M:%S"),
        record.session,
        record.model or record.model_asked,
        Text(str(record.status), "red" if record.failure else "green"),
        "" if record.ttft_ms is None else duration(record.ttft_ms),
        duration(record.total_ms),
        f"{record.prompt_tokens:,}" if usage else "",
        Text("" if share is None else f"{share:.0%}", "yellow" if cache.missed(record) else ""),
        f"{usage.output_tokens:,}" if usage else "",
        str(len(record.notes) + record.more_notes or ""),
    )


def duration(milliseconds: float) -> str:
    """A duration for people: ``0.8 ms``, ``412 ms``, ``3.2 s``, ``2 min 5 s``."""
    if milliseconds < 10:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes} min {seconds} s"


def _head(record: RequestRecord) -> Text:
    client = " ".join(filter(None, (record.client, record.client_version))) or "an unnamed client"
    session = f"session {record.session}" if record.session else ""
    agent = f"subagent {record.agent}" if record.agent else ""
    strict = "strict" if record.strict else ""
    rest = " · ".join(filter(None, (_clock(record.at, "%Y-%m-%d %H:%M:%S"), client, session, agent, strict)))
    return Text.assemble((record.request_id, "bold"), "  ", (rest, "dim"))


def _route(record: RequestRecord) -> Text:
    good = record.failure is None and record.status < 400
    line = Text.assemble((f"{record.status}" if record.status else "–", "bold green" if good else "bold red"), "  ")
    line.append(record.model_asked or "a request that could not be read")
    if record.model:
        effort = record.effort or "its own effort"
        if record.effort_asked and record.effort_asked != record.effort:
            effort += f" (asked: {record.effort_asked})"
        slot = "" if record.slot in ("", "direct") else f"slot {record.slot}"
        parts = (
            effort,
            record.tier,
            record.upstream,
            f"account {record.account}",
            slot,
            f"{record.framing} framing" if record.framing == "lite" else "",
        )
        line.append(" → ", "dim")
        line.append(record.model, "bold")
        line.append("".join(f" · {part}" for part in parts if part), "dim")
    return line


def _facts(console: Console, record: RequestRecord) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in _rows(console, record):
        table.add_row(name, value)
    return table


def _rows(console: Console, record: RequestRecord) -> Iterator[tuple[str, RenderableType]]:
    if record.failure is not None:
        yield "failure", Text.assemble((record.failure.value, "bold red"), f"  {record.failure_text}")
    stretches = spans(record)
    yield "time", Text.assemble(_bar(console, stretches), f"  {duration(record.total_ms)}")
    yield "", _legend(stretches)
    if record.rounds > 1:
        yield "rounds", f"{record.rounds} requests upstream, one after the other, for this one answer"
    if record.attempts > record.rounds:
        yield "attempts", f"{record.attempts - record.rounds + 1}, of which the times are the last one's"
    usage = record.usage
    if usage is not None and record.prompt_tokens:
        share = record.cached_share or 0.0
        written = f", {usage.cache_write_tokens:,} written to it" if usage.cache_write_tokens else ""
        thought = f", {usage.reasoning_tokens:,} of them thinking" if usage.reasoning_tokens else ""
        yield (
            "tokens",
            Text.assemble(
                f"{record.prompt_tokens:,} in, ",
                (
                    f"{usage.cached_tokens:,} ({share:.0%}) from the cache",
                    "yellow" if cache.missed(record) else "green",
                ),
                f"{written} · {usage.output_tokens:,} out{thought}",
            ),
        )
    if said := cache.sentence(record):
        yield "cache", Text.assemble(("Missed. ", "bold yellow") if cache.missed(record) else "", said)


def _bar(console: Console, stretches: Sequence[Span]) -> Text:
    """The stretches beside each other, to scale; what is there at all is at least one cell."""
    cell = FULL if "utf" in console.encoding.lower() else PLAIN
    total = sum(span.milliseconds for span in stretches) or 1.0
    bar = Text()
    for span in stretches:
        if span.milliseconds > 0:
            bar.append(cell * max(1, round(BAR_CELLS * span.milliseconds / total)), span.style)
    return bar


def _legend(stretches: Sequence[Span]) -> Text:
    legend = Text()
    for number, span in enumerate(stretches):
        legend.append(" · " if number else "", "dim")
        legend.append(duration(span.milliseconds), span.style)
        legend.append(f" {span.what}", "dim")
    return legend


def _notes(notes: Sequence[Note]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for note in notes:
        table.add_row(Text(f"  {note.place or 'the request'}", "cyan"), Text(note.reason))
    return table


def _clock(at: float, form: str) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime(form) if at else ""
