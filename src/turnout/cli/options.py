"""Options that several commands share, and the way from them to a configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from turnout import settings
from turnout.config import BUILT_IN, EffortChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.config import Config
    from turnout.ledger.store import RecordStore
    from turnout.settings import Loaded, Source

Command = TypeVar("Command", bound="Callable[..., Any]")


def _upstreams(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    """The names of upstreams that begin so, for the shell."""
    try:
        custom = tuple(load({}).custom)
    except settings.SettingsError:
        custom = ()  # the command itself says what is wrong
    return [name for name in (*BUILT_IN, *custom) if name.startswith(begun)]


def upstream(command: Command) -> Command:
    """``--upstream``."""
    return click.option(
        "--upstream",
        metavar="NAME",
        shell_complete=_upstreams,
        help="codex: a ChatGPT plan. openai: an API key. Or an upstream of your own (`turnout upstreams`). Left out: "
        "what the account in use is for.",
    )(command)


EFFORTS = tuple(name for name in get_args(EffortChoice) if name)


def slots(command: Command) -> Command:
    """``--model`` and ``--effort``: one choice for every slot."""
    with_effort = click.option(
        "--effort",
        "--reasoning",
        "--thinking",
        "effort",
        type=click.Choice(EFFORTS),
        metavar="LEVEL",
        help=f"Effort of every request, whatever the client asks for: {', '.join(EFFORTS)}.",
    )(command)
    return click.option(
        "--model", metavar="NAME", help="Model behind every Claude name, e.g. gpt-6-astra, or gpt-6-astra@high."
    )(with_effort)


def fast(command: Command) -> Command:
    """``--fast``."""
    return click.option(
        "--fast", is_flag=True, help="Fast answers (service tier priority) where the model has them; they cost more."
    )(command)


def config_file(command: Command) -> Command:
    """``--config``."""
    return click.option(
        "--config",
        "config_path",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Configuration file in place of the user's own one.",
    )(command)


def trace(command: Command) -> Command:
    """``--trace``."""
    return click.option(
        "--trace",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Record the wire of the first session to FILE, prompts and all; see `turnout trace`.",
    )(command)


def warn_of_trace(file: Path | None) -> None:
    """Says what a trace holds, on stderr, if there is going to be one."""
    if file is None:
        return
    what = click.style("Recording a trace", fg="yellow", bold=True)
    click.echo(
        f"{what} to {file}. Prompts, files and answers stand in it as they are; keys, account ids, e-mail addresses "
        "and encrypted reasoning are replaced. Read it before you give it to anyone.",
        err=True,
    )


def record_store(config: Config) -> RecordStore | None:
    """Where records of requests are kept; None if they are not to outlive the gateway."""
    from turnout import paths
    from turnout.ledger.store import JsonLinesStore

    return JsonLinesStore(paths.records_dir(), limit=config.records.limit) if config.records.keep else None


def nicknames(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The accounts' nicknames that begin so, for a shell's completion, which no error may disturb."""
    from turnout.accounts.store import Accounts
    from turnout.protocol.errors import TurnoutError

    try:
        config = settings.resolve(os.environ, {}, project=here()).config
        names = [each.name for each in Accounts.open(config, os.environ).list()]
    except (settings.SettingsError, TurnoutError, OSError):
        return []
    return [name for name in names if name.startswith(incomplete)]


def account(command: Command) -> Command:
    """``--account``."""
    return click.option(
        "--account",
        metavar="NAME",
        shell_complete=nicknames,
        help="Account to use, by its nickname: `turnout accounts` lists them.",
    )(command)


def load(flags: Mapping[str, object], path: Path | None = None) -> Config:
    """The configuration in force; what was ignored is told on stderr. Raises `SettingsError`."""
    return resolve(flags, path).config


def resolve(flags: Mapping[str, object], path: Path | None = None) -> Loaded:
    """`load`, with where each setting came from."""
    loaded = settings.resolve(os.environ, flags, path, project=here())
    for warning in loaded.warnings:
        click.echo(f"{click.style('turnout:', fg='yellow', bold=True)} {warning}", err=True)
    return loaded


def source(flags: Mapping[str, object], path: Path | None = None) -> Source:
    """Where a gateway that runs finds its configuration again, once a file has changed; as `resolve`."""
    from turnout.cli import readiness
    from turnout.settings import Fitted, Sources

    return Fitted(Sources(os.environ, flags, path, here()), readiness.fitted, "the account in use")


def here() -> Path | None:
    """The folder whose project counts; None if it has been deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def slot_flags(model: str | None, effort: str | None, *, fast: bool = False) -> dict[str, object]:
    """``--model``, ``--effort`` and ``--fast`` as settings for every slot."""
    return {"model": model, "effort": effort, "tier": "priority" if fast else None}
