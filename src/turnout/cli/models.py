"""`turnout models`: which models there are, what Claude's names stand for, and the way to choose others."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from turnout.config import Config
    from turnout.gateway.model_lists import CatalogueReport, ModelReport
    from turnout.models.catalogue import Catalogue


class ListsByDefault(click.Group):
    """A group of which everything that is no subcommand is meant for its first one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("models", cls=ListsByDefault)
def command() -> None:
    """Show which models there are, and what Claude's names stand for.

    \b
    turnout models               the models, the names, and why each stands for it
    turnout models list          the same
    turnout models sol           those with "sol" in their name or description
    turnout models groq/         those of the upstream groq
    turnout models --refresh     ask the upstreams first
    turnout models --all --json  everything that is known, for scripts
    turnout models pick          choose what opus, sonnet and others stand for

    Models of other upstreams than the one in use are shown as they are asked for: upstream/model. There are those of
    your own upstreams, and those of the OpenAI API if there is a key for it.

    Without --refresh nobody is asked: what is shown was fetched by a gateway or came with Turnout, and how old it is
    stands below the table. A gateway that runs asks once an hour by itself (models.refresh).
    """


@command.command("list")
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.option("--refresh", is_flag=True, help="Ask the upstreams for their models first.")
@click.option(
    "--all", "everything", is_flag=True, help="Show those that are not offered to users as well, and long lists whole."
)
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@options.upstream
@options.config_file
def list_(
    *,
    words: tuple[str, ...],
    refresh: bool,
    everything: bool,
    json_wanted: bool,
    upstream: str | None,
    config_path: Path | None,
) -> int:
    """Show the models that there are. WORDs leave only those that have all of them in their name or description."""
    from turnout.cli import models_view

    config = fitted(upstream, config_path)
    report = reported(config, refreshed(config) if refresh else known(config))
    if refresh:
        _tell_running_gateway()
    found = [model for model in report.models if models_view.matches(model, words)]
    shown = found if everything or words else [model for model in found if model.listed]
    if json_wanted:
        _print_json(report, shown)
    elif shown or not words:
        from turnout.cli.explanation import console

        models_view.show(console(), report, shown, hidden=len(found) - len(shown), whole=everything or bool(words))
        _tell_of_newer_client(config)
    else:
        _nothing_found(report, words)
    return 0 if shown else 1


@command.command("pick")
@click.argument("slot", required=False)
@options.config_file
def pick(*, slot: str | None, config_path: Path | None) -> int:
    """Choose what Claude's names stand for, by answering questions.

    SLOT is one of opus, sonnet, haiku, fable, best, subagent, background, other; without it you are shown all of them.
    What will change in your configuration file is shown before it is written, and nothing is written without your yes.

    \b
    turnout models pick
    turnout models pick haiku

    For scripts: turnout config set slots.haiku.model NAME
    """
    from turnout.cli import model_picking

    config = fitted(None, config_path)
    return model_picking.run(lambda changed: reported(changed, known(changed)), config, slot, config_path)


def fitted(upstream: str | None, path: Path | None) -> Config:
    """The configuration in force, with the upstream that the account in use is for."""
    from turnout.cli import readiness

    return readiness.fitted(options.resolve({"upstream": upstream}, path))


def known(config: Config) -> Catalogue:
    """The models as they are known on this machine."""
    from turnout.discovery.catalogues import Catalogues

    return Catalogues(os.environ).known(config)


def refreshed(config: Config) -> Catalogue:
    """The models as the upstreams list them now. Raises `TurnoutError` if the one in use cannot be asked; why another
    one could not is kept, and shown with the rest."""
    return asyncio.run(_ask(config))


def _tell_running_gateway() -> None:
    """The user's gateway takes the news over too, and not only at its next look."""
    from turnout.launch import control
    from turnout.launch.running import find_running

    info = find_running()
    if info is not None and not control.refresh_models(info):
        click.echo("Your gateway that runs could not ask just now: it will try again by itself.", err=True)


async def _ask(config: Config) -> Catalogue:
    from turnout.accounts.store import Accounts
    from turnout.discovery import refresh
    from turnout.discovery.catalogues import Catalogues
    from turnout.upstream import build

    accounts = Accounts.open(config, os.environ)
    upstreams = build(config, accounts=accounts)
    try:
        return await refresh.all_at_once(Catalogues(os.environ), config, upstreams)
    finally:
        for each in upstreams.values():
            await each.close()
        await accounts.close()


def reported(config: Config, catalogue: Catalogue) -> CatalogueReport:
    """All that there is to say of the models, with the plan of the account in use in mind."""
    from turnout.accounts.store import Accounts
    from turnout.discovery.lists import Lists
    from turnout.gateway import model_lists
    from turnout.gateway.who import Who
    from turnout.routing.mapping import mapping

    plan = Who(Accounts(config, os.environ)).plan()
    return model_lists.report(
        catalogue,
        mapping(config, catalogue, plan=plan, every=True),
        config,
        now=time.time(),
        lists=Lists(os.environ).report(config),
    )


def _print_json(report: CatalogueReport, shown: Sequence[ModelReport]) -> None:
    import msgspec

    data = msgspec.json.encode(msgspec.structs.replace(report, models=tuple(shown)))
    click.echo(msgspec.json.format(data, indent=2).decode())


def _nothing_found(report: CatalogueReport, words: tuple[str, ...]) -> None:
    from turnout.cli.root import complain
    from turnout.routing.unknown import nearest

    close = nearest(" ".join(words), (model.slug for model in report.models))
    hint = f"Near it: {', '.join(close)}." if close else "`turnout models` shows all of them."
    complain(f"No model has {' and '.join(map(repr, words))} in its name or description.", hint)


def _tell_of_newer_client(config: Config) -> None:
    """Newer models are offered to newer clients only: the user's own Codex CLI shows which version there is."""
    if config.upstream != "codex":
        return
    from turnout.discovery import shelf
    from turnout.models.catalogue import version

    found = shelf.codex_cli(config)
    if found is not None and version(found.identity.client_version) > version(config.codex.client_version):
        newest = found.identity.client_version
        click.echo(
            f"Your Codex CLI is {newest}, and some models may be for it only. "
            f"To be shown them: turnout config set codex.client_version {newest}"
        )
