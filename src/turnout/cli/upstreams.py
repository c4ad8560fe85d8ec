"""`turnout upstreams`: where requests may go, switching that, and trying it out."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import click

from turnout.cli import options, own_upstreams

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnout.config import Config
    from turnout.doctor.switches import Switched
    from turnout.doctor.trial import Trial

NAMES = ("codex", "openai")


def _names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The upstreams that begin so, for a shell's completion."""
    from turnout.settings import SettingsError, resolve

    try:
        custom = resolve(os.environ, {}, project=options.here()).config.custom
    except SettingsError:
        custom = {}
    return [name for name in (*NAMES, *custom) if name.startswith(incomplete)]


@click.group("upstreams", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def command(ctx: click.Context, *, as_json: bool) -> None:
    """Show where requests may go, switch that, and try it out.

    There are codex (a ChatGPT plan), openai (an API key), and the servers that you have added to your configuration
    (custom.NAME). codex is on as soon as the Codex CLI or a login is found, openai as soon as there is a key; `disable`
    keeps one off whatever is found.

    \b
    turnout upstreams                               what is on and used, and why
    turnout upstreams test                          is the key taken? what fails?
    turnout upstreams use openai --model gpt-6-sol  where requests go
    turnout upstreams disable openai
    turnout upstreams enable openai
    turnout upstreams presets                       servers that are known by name
    turnout upstreams add groq --preset groq        or any: --base-url URL
    turnout upstreams probe groq                    find out what it takes
    """
    if ctx.invoked_subcommand is not None:
        if as_json:
            raise click.UsageError(f"--json belongs behind {ctx.invoked_subcommand}, if it knows it.")
        return
    there = _states()
    if as_json:
        import msgspec

        _print_json({"upstreams": [msgspec.to_builtins(each) for each in there]})
    else:
        _show(there)


@command.command("enable")
@click.argument("name", shell_complete=_names)
def enable(name: str) -> None:
    """Let requests go to an upstream, whatever is found on this machine."""
    from turnout.doctor.switches import switch

    _set(switch(_known(name), name, on=True))
    click.echo(f"{name} is on.")


@command.command("disable")
@click.argument("name", shell_complete=_names)
def disable(name: str) -> None:
    """Never let a request go to an upstream, not even one that names it."""
    from turnout.doctor.switches import is_off, switch

    config = _known(name)
    there = {each.name: each for each in _states()}
    others = [each for each in there.values() if each.name != name and not is_off(config, each.name)]
    if not others:
        raise click.ClickException("All others are off already: with this one off too, nothing could be asked.")
    values = switch(config, name, on=False)
    rest = ""
    if there[name].usual:
        values["upstream"] = min(others, key=lambda each: not each.enabled).name
        rest = f" Requests go to {values['upstream']} now."
    _set(values)
    click.echo(f"{name} is off.{rest}")


@command.command("use")
@click.argument("name", shell_complete=_names)
@click.option("--model", metavar="NAME", help="Model behind every Claude name; `auto` lets each slot have its own.")
def use(*, name: str, model: str | None) -> None:
    """Send requests to an upstream when nothing else is asked for, with a model if you say one."""
    from turnout.doctor.switches import is_off, switch

    config = _known(name)
    was_off = is_off(config, name)
    values: dict[str, object] = {"upstream": name, **(switch(config, name, on=True) if was_off else {})}
    if model is not None:
        values["model"] = "" if model == "auto" else model
    _set(values)
    with_model = f" with {model}" if model and model != "auto" else ""
    click.echo(f"Requests go to {name}{with_model} now.{' It was off and is on.' if was_off else ''}")


@command.command("test")
@click.argument("names", nargs=-1, shell_complete=_names, metavar="[NAME]...")
@options.account
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def test(*, names: tuple[str, ...], account: str | None, as_json: bool) -> int:
    """Try the login or key out with a question that costs nothing, and say exactly what failed.

    The question, which models there are, goes the way of model requests: same address, proxy and certificates. Without
    NAME all upstreams that are on are tried. Exit code 1: one of them failed.
    """
    from turnout.doctor import trial

    config = options.load({})
    for name in names:
        _known(name)
    wanted = names or tuple(each.name for each in _states() if each.enabled) or ("codex",)

    async def try_all() -> list[Trial]:
        return await asyncio.gather(*(trial.run(config, os.environ, name, account) for name in wanted))

    trials = asyncio.run(try_all())
    if as_json:
        _print_json({"trials": [_as_json(each) for each in trials]})
    else:
        for each in trials:
            _show_trial(each)
    return 0 if all(each.passed for each in trials) else 1


for _own in (own_upstreams.presets_, own_upstreams.add, own_upstreams.remove, own_upstreams.probe):
    command.add_command(_own)


def _known(name: str) -> Config:
    """The configuration, in which there is an upstream of that name. Raises `UsageError` naming those there are."""
    config = options.load({})
    there = (*NAMES, *config.custom)
    if name not in there:
        raise click.UsageError(f"There is no upstream {name!r}. There are: {', '.join(there)}.")
    return config


def _states() -> list[Switched]:
    from turnout.cli import doctor
    from turnout.doctor import switches

    options.load({})  # a configuration that cannot be read is told, not passed over
    return switches.states(doctor.surroundings(offline=True))


def _set(values: Mapping[str, object]) -> None:
    """Writes settings into the user's own file, and tells whatever keeps them from having an effect."""
    from turnout import paths
    from turnout.gateway import config_file
    from turnout.settings import editing, files

    path = files.users_own(os.environ) or paths.config_file()
    edit = config_file.prepare(path, lambda text, where: editing.with_values(text, where, values))
    if edit.changes:
        config_file.write(edit)
    origins = options.resolve({}).origins
    for key in values:
        place = origins[editing.split(key)[0]]
        if place.startswith("the variable"):
            click.echo(f"{click.style('Note:', fg='yellow', bold=True)} {place} says otherwise here.", err=True)


def _show(there: Sequence[Switched]) -> None:
    from rich.table import Table
    from rich.text import Text

    from turnout.cli.explanation import console

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("upstream", "", "used with", "model", "why"):
        table.add_column(name, overflow="fold", header_style="dim")
    for each in there:
        on = Text("on" if each.enabled else "off", "green" if each.enabled else "dim")
        if each.usual:
            on.append(", default")
        model = each.model or ("each slot's own" if each.usual else "")
        table.add_row(Text(each.name, "bold"), on, each.credential or "-", model or "-", each.why)
    console().print(table)


def _show_trial(trial: Trial) -> None:
    if trial.failure is None:
        listed = (
            "it may not list models, so that no more could be tried" if trial.restricted else f"{trial.models} models"
        )
        mark = click.style("ok", fg="green")
        click.echo(f"{mark}       {trial.upstream}: {trial.name} takes the {trial.credential}; {listed}.")
        return
    mark = click.style("failed", fg="red", bold=True)
    click.echo(f"{mark}   {trial.upstream}: {trial.stage}. {trial.failure.message}")
    if trial.failure.next_step:
        click.echo(f"         {trial.failure.next_step}")


def _as_json(trial: Trial) -> dict[str, object]:
    import msgspec

    told: dict[str, object] = msgspec.to_builtins(trial)
    return {**told, "passed": trial.passed}


def _print_json(told: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
