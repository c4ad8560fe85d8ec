"""The models in the terminal: a table of them, what Claude's names stand for and why. Asks nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from turnout.accounts.words import duration
from turnout.models.bundled import DATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from turnout.gateway.model_lists import CatalogueReport, ModelReport
    from turnout.routing.mapping import MappingLine

SOURCES = {"codex": "the ChatGPT backend", "openai": "the OpenAI API"}


def show(console: Console, report: CatalogueReport, models: Sequence[ModelReport], *, hidden: int) -> None:
    """The ``models`` of the report in a table, what each slot stands for, and where all of it is from.

    ``hidden`` is the number of models that are left out since they are not offered.
    """
    console.print(_models(models, report.slots))
    if hidden:
        console.print(Text(f"{hidden} more are not offered to users; --all shows them.", "dim"))
    console.print()
    console.print(slots(report.slots))
    console.print()
    console.print(Text(origin(report)))


def matches(model: ModelReport, words: Iterable[str]) -> bool:
    """Whether the model's names and description have all of the words, in any case."""
    text = " ".join((model.slug, model.name, model.description)).lower()
    return all(word.lower() in text for word in words)


def origin(report: CatalogueReport) -> str:
    """Where the facts are from, how old they are, and what helps if they are not fresh."""
    if report.source == "bundled":
        said = f"These facts came with Turnout and were true on {DATED}."
    else:
        whom = SOURCES.get(report.upstream, report.upstream)
        as_whom = f", asked as Codex {report.client_version}" if report.upstream == "codex" else ""
        age = duration(report.age_seconds or 0)
        said = f"From {whom}{as_whom}, {age} ago."
    again = "" if report.source in ("live", "api") else " `turnout models --refresh` asks again."
    return said + again


def slots(lines: Iterable[MappingLine], *, numbered: bool = False) -> Table:
    """What each of Claude's names stands for, and why."""
    table = _table("Claude's name", "stands for", "why")
    for number, line in enumerate(lines, 1):
        name = Text.assemble((f"{number:>2}  " if numbered else "", "dim"), (line.slot, "bold"))
        parts = [line.model, line.effort or "its own effort", line.tier or "", line.account, line.upstream]
        why = Text(line.why, "" if line.chosen else "dim")
        for warning in line.warnings:
            why.append(f"\n{warning}", "yellow")
        table.add_row(name, " · ".join(filter(None, parts)), why)
    return table


def window(tokens: int) -> str:
    """A number of tokens as people say it: ``272k``, ``1.05M``."""
    return f"{tokens / 1_000_000:.4g}M" if tokens >= 1_000_000 else f"{tokens / 1000:.4g}k"


def efforts(model: ModelReport) -> str:
    """The efforts, the one that counts by default in brackets."""
    return " ".join(f"[{each}]" if each == model.default_effort else each for each in model.efforts)


def _models(models: Iterable[ModelReport], lines: Iterable[MappingLine]) -> Table:
    used: dict[str, list[str]] = {}
    for line in lines:
        used.setdefault(line.model, []).append(line.slot)
    table = _table("model", "window", "efforts", "tiers", "for", "notes")
    for model in models:
        room = window(model.window)
        if model.max_window > model.window:
            room += f" (max {window(model.max_window)})"
        notes = [
            model.description.rstrip("."),
            f"succeeded by {model.upgrade}" if model.upgrade else "",
            "" if model.listed else "not offered",
        ]
        table.add_row(
            Text(model.slug, "bold" if model.slug in used else ""),
            room,
            Text(efforts(model) or "not known"),
            " ".join(model.tiers),
            " ".join(used.get(model.slug, ())),
            Text("; ".join(filter(None, notes)), "dim"),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    return table
