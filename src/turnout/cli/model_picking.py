"""The questions of `turnout models pick`: which name, which model, which effort; then the change of the file, shown.

Lines of text and nothing else, so that it works in every terminal.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from turnout.cli import models_view
from turnout.cli.explanation import console
from turnout.models.slots import SLOTS
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from turnout.config import Config
    from turnout.gateway.model_lists import CatalogueReport, ModelReport

    Report = Callable[[Config], CatalogueReport]

AS_IT_IS = ""
DEFAULT = "-"
"""What to answer for what Turnout chooses by itself."""


class Wanted(msgspec.Struct, frozen=True):
    """What the user wants of one slot; None: as it is, empty: what Turnout chooses."""

    model: str | None = None
    effort: str | None = None


def run(report: Report, config: Config, slot: str | None, path: Path | None) -> int:
    """Asks until the user is content, and writes what was chosen. The exit code.

    ``report`` tells of the models under a configuration; ``path`` is the configuration file if not the usual one.
    """
    if slot is not None and slot not in SLOTS:
        raise click.UsageError(f"There is no slot {slot!r}. There are: {', '.join(SLOTS)}.")
    if not sys.stdin.isatty():
        raise click.ClickException(
            "This asks questions, and nobody is there to answer. "
            f"Use: turnout config set slots.{slot or 'opus'}.model NAME"
        )
    chosen: dict[str, object] = {}
    screen = console()
    while True:
        now = with_settings(config, chosen)
        told = report(now)
        if slot is None:
            screen.print(models_view.slots(told.slots, numbered=True))
            answer = ask("Which name is to stand for something else? Number or name; Enter ends")
            if not answer:
                break
            named = slot_of(answer, told)
            if named is None:
                click.echo(f"There is no name {answer!r}.")
                continue
        else:
            named = slot
        chosen |= settings(named, _ask_for(named, now, report))
        click.echo()
        if slot is not None:
            break
    return _write(chosen, path)


def slot_of(answer: str, report: CatalogueReport) -> str | None:
    """The slot that an answer means: its number in the table, or its name."""
    names = [line.slot for line in report.slots]
    found = chosen_of(answer, names)
    return found if found in names else None


def chosen_of(answer: str, names: Sequence[str]) -> str:
    """What an answer means: one of the names by its number (from 1), or what was typed."""
    if answer.isdecimal() and 1 <= int(answer) <= len(names):
        return names[int(answer) - 1]
    return answer


def settings(slot: str, wanted: Wanted) -> dict[str, object]:
    """What is wanted of a slot, as settings by their dotted paths."""
    values = {"model": wanted.model, "effort": wanted.effort}
    return {f"slots.{slot}.{name}": value for name, value in values.items() if value is not None}


def with_settings(config: Config, chosen: Mapping[str, object]) -> Config:
    """The configuration as it will be."""
    slots = config.slots
    for key, value in chosen.items():
        _, slot, name = key.split(".")
        changed = msgspec.structs.replace(getattr(slots, slot), **{name: value})
        slots = msgspec.structs.replace(slots, **{slot: changed})
    return msgspec.structs.replace(config, slots=slots)


def _ask_for(slot: str, config: Config, report: Report) -> Wanted:
    """The model and the effort that one slot is to have."""
    told = report(config)
    everything = [model for model in told.models if model.listed]
    listed = models_view.shortened(everything, config.upstream)
    (line,) = [each for each in told.slots if each.slot == slot]
    click.echo(f"\n{click.style(slot, bold=True)} stands for {line.model} now: {line.why}.")
    for number, model in enumerate(listed, 1):
        room = models_view.window(model.window) if model.window_known else ""
        click.echo(f"  {number:>2}  {model.slug:<22} {room:>6}  {models_view.efforts(model)}")
    for name, count in models_view.left_out(everything, listed).items():
        click.echo(f"      {count} more of {name}, by name: turnout models {name}/ shows them")
    click.echo(f"   {DEFAULT}  what Turnout chooses by itself")
    wanted = _model(slot, config, [model.slug for model in listed])
    changed = with_settings(config, settings(slot, Wanted(model=wanted)))
    (then,) = [each.model for each in report(changed).slots if each.slot == slot]
    return Wanted(model=wanted, effort=_effort(slot, next((each for each in told.models if each.slug == then), None)))


def _model(slot: str, config: Config, names: Sequence[str]) -> str | None:
    """The model; asked again until it is one."""
    from turnout.discovery.catalogues import Catalogues
    from turnout.routing.mapping import Nothing, named_upstreams
    from turnout.routing.router import route

    while answer := ask(f"Model for {slot}: number or name; Enter leaves it"):
        if answer == DEFAULT:
            return ""
        model = chosen_of(answer, names)
        try:
            route(Nothing(model), config, Catalogues(os.environ).known(config), upstreams=named_upstreams(config))
        except TurnoutError as error:
            click.echo(error.failure.text)
            continue
        return model
    return None


def _effort(slot: str, facts: ModelReport | None) -> str | None:
    """The effort for requests that name none; asked again until it is one."""
    from turnout.models import effort

    known = facts.efforts if facts is not None and facts.efforts else effort.ORDER
    while answer := ask(f"Effort for {slot} where a request names none ({', '.join(known)}; {DEFAULT}: the usual one)"):
        if answer == DEFAULT:
            return ""
        if answer in known:
            return answer
        click.echo(f"{answer!r} is none of them.")
    return None


def ask(question: str) -> str:
    """One line of the user's; empty for Enter alone."""
    answer: str = click.prompt(question, default=AS_IT_IS, show_default=False)
    return answer.strip()


def _write(chosen: Mapping[str, object], named: Path | None) -> int:
    """Shows what changes in the file, and makes it with the user's consent."""
    from turnout.cli.config import own_file, show_difference, tell_of_others
    from turnout.gateway import config_file

    made = config_file.prepare(own_file(named), lambda text, path: _changed(text, path, chosen))
    if not chosen or not made.changes:
        click.echo("Nothing changes.")
        return 0
    show_difference(made)
    if not click.confirm("Write this?", default=True):
        click.echo("Nothing was written.")
        return 1
    config_file.write(made)
    click.echo(f"{made.path} is written.\nA gateway that runs takes it over by itself.")
    for key in chosen:
        tell_of_others(key, made.path, named)
    return 0


def _changed(text: str, path: Path, chosen: Mapping[str, object]) -> str:
    """The file's text with what was chosen; what Turnout is to choose by itself does not stand in it."""
    from turnout.settings import editing

    text = editing.with_values(text, path, {key: value for key, value in chosen.items() if value != ""})
    for key in (key for key, value in chosen.items() if value == ""):
        text = editing.without(text, path, key)
    return text
