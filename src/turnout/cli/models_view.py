"""The models in the terminal: a table of them, what Claude's names stand for and why. Asks nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from rich.table import Table
from rich.text import Text

from turnout.accounts.words import duration
from turnout.config.values import EffortChoice
from turnout.models.bundled import DATED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from turnout.discovery.lists import ListReport
    from turnout.gateway.model_lists import CatalogueReport, ModelReport
    from turnout.routing.mapping import MappingLine

SOURCES = {"codex": "the ChatGPT backend", "openai": "the OpenAI API"}
ORDER = get_args(EffortChoice)[1:]
"""All efforts, from none to the strongest."""
FIRST = 12
"""Models of another upstream that are shown without being asked for."""


def show(
    console: Console, report: CatalogueReport, models: Sequence[ModelReport], *, hidden: int, whole: bool = False
) -> None:
    """The ``models`` of the report in a table, what each slot stands for, and where all of it is from.

    ``hidden`` is the number of models that are left out since they are not offered. Of other upstreams than the one in
    use the first ones are shown, unless the ``whole`` is wanted.
    """
    shown = models if whole else shortened(models, report.upstream)
    console.print(_models(shown, report.slots))
    for name, count in left_out(models, shown).items():
        console.print(Text(f"{count} more of {name}: turnout models {name}/ shows them.", "dim"))
    if hidden:
        console.print(Text(f"{hidden} more are not offered to users; --all shows them.", "dim"))
    console.print()
    console.print(slots(report.slots))
    console.print()
    if report.upstream in SOURCES:  # the others have lists, and no catalogue
        console.print(Text(origin(report)))
    for each in report.lists:
        console.print(of_list(each))


def shortened(models: Sequence[ModelReport], upstream: str) -> list[ModelReport]:
    """The first ones of each upstream; all of the one in use, unless it is a server with a long list of its own."""
    seen: dict[str, int] = {}
    kept = []
    for model in models:
        seen[model.upstream] = seen.get(model.upstream, 0) + 1
        if seen[model.upstream] <= FIRST or (model.upstream == upstream and upstream in SOURCES):
            kept.append(model)
    return kept


def left_out(models: Sequence[ModelReport], shown: Sequence[ModelReport]) -> dict[str, int]:
    """How many of the models are not shown, by their upstreams."""
    there, left = (Counter(model.upstream for model in each) for each in (models, shown))
    return dict(there - left)


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


def of_list(report: ListReport) -> Text:
    """How it stands with one upstream's list, in a line."""
    name = report.upstream
    match report.state:
        case "listed":
            count = f"{report.models:,} {'model' if report.models == 1 else 'models'}"
            said = f"{name} lists {count}, told {duration(report.age_seconds or 0)} ago."
        case "none":
            said = f"{name} has no list of models: any name goes through to it."
        case "off":
            said = f"{name} is not asked for its models (custom.{name}.list_models): any name goes through to it."
        case _ if report.problem:
            said = f"{name} has told no models yet: any name goes through to it."
        case _:
            said = f"{name} has not been asked for its models yet: turnout models --refresh"
    line = Text(said)
    if report.problem:
        line.append(f"\n  It could not be asked the last time: {report.problem}", "yellow")
    return line


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
    """The efforts, from the lightest to the strongest, and behind them the one that counts by default."""
    places = [ORDER.index(each) for each in model.efforts if each in ORDER]
    if len(places) == len(model.efforts) > 2 and places == list(range(places[0], places[-1] + 1)):
        said = f"{model.efforts[0]}–{model.efforts[-1]}"
    else:
        said = " ".join(model.efforts)
    return f"{said} ({model.default_effort})" if model.default_effort else said


def _models(models: Iterable[ModelReport], lines: Iterable[MappingLine]) -> Table:
    used: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        used.setdefault((line.upstream, line.model), []).append(line.slot)
    table = _table("model", "window", "efforts", "tiers", "for", "notes")
    for model in models:
        stands_for = used.get((model.upstream, model.slug.removeprefix(f"{model.upstream}/")), ())
        room = window(model.window)
        if not model.window_known:
            room = "not told"
        elif model.max_window > model.window:
            room += f" (max {window(model.max_window)})"
        notes = [
            model.description.rstrip("."),
            f"succeeded by {model.upgrade}" if model.upgrade else "",
            "" if model.listed else "not offered",
        ]
        table.add_row(
            Text(model.slug, "bold" if stands_for else ""),
            room,
            Text(efforts(model) or "not known"),
            " ".join(model.tiers),
            " ".join(stands_for),
            Text("; ".join(filter(None, notes)), "dim"),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    return table
