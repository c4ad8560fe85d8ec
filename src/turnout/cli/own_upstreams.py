"""`turnout upstreams presets`, `add`, `remove` and `probe`: the upstreams of the user's own."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import click

from turnout.cli import options

if TYPE_CHECKING:
    from turnout.doctor.probe import Probe
    from turnout.gateway.config_file import Edit
    from turnout.upstream.probed import Probed

ROOM_FOR_ADDRESSES = 100
"""Columns from which on the list of presets has their addresses too."""


def _presets(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    from turnout.settings import presets

    return [name for name in presets.presets() if name.startswith(begun)]


def _own(ctx: click.Context, param: click.Parameter, begun: str) -> list[str]:
    from turnout.settings import SettingsError

    try:
        custom = options.load({}).custom
    except SettingsError:
        custom = {}  # the command itself says what is wrong
    return [name for name in custom if name.startswith(begun)]


@click.command("presets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the settings that each stands for.")
def presets_(*, as_json: bool) -> None:
    """List the servers that `add --preset` knows, each with the settings it stands for."""
    from turnout.settings import presets

    there = presets.presets()
    if as_json:
        import msgspec

        _print_json({"presets": {name: msgspec.to_builtins(each) for name, each in there.items()}})
        return
    from rich.table import Table

    from turnout.cli.explanation import console

    screen = console()
    wide = screen.width >= ROOM_FOR_ADDRESSES
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("preset", "server", *(["address"] if wide else []), "speaks", "key"):
        table.add_column(name, header_style="dim", overflow="fold", no_wrap=name in ("preset", "speaks", "key"))
    for name, each in there.items():
        key = each.settings.get("key", "none").removeprefix("env:")
        address = [each.settings["base_url"]] if wide else []
        table.add_row(name, each.title, *address, each.settings["wire"], key)
    screen.print(table)
    click.echo("\nturnout upstreams add NAME --preset PRESET writes one into your configuration.")


@click.command("add")
@click.argument("name")
@click.option("--preset", metavar="PRESET", shell_complete=_presets, help="Begin with the settings of a known server.")
@click.option("--set", "blanks", multiple=True, metavar="WORD=VALUE", help="Fill in a word in braces of the preset.")
@click.option("--base-url", metavar="URL", help="Its address.")
@click.option("--wire", type=click.Choice(("responses", "chat")), help="The Responses API, or only Chat Completions.")
@click.option("--key", metavar="PLACE", help="Where its key is: env:NAME, file:PATH, keyring:SERVICE/USER, command:….")
@click.option("--model", metavar="NAME", help="Its model for Claude's names.")
@click.option("--dry-run", is_flag=True, help="Show the change, and make none.")
@options.config_file
def add(
    *,
    name: str,
    preset: str | None,
    blanks: tuple[str, ...],
    config_path: Any,
    dry_run: bool,
    **given: str | None,
) -> int:
    """Add a server of your choice to your configuration, and show what changed.

    \b
    turnout upstreams add groq --preset groq --model llama-4-maverick
    turnout upstreams add work --preset azure --set resource=acme --model gpt-5.5
    turnout upstreams add box --base-url http://127.0.0.1:8080/v1 --wire chat

    Then `turnout upstreams test NAME` tries it out, `turnout upstreams probe NAME` finds out what it takes, and
    `turnout upstreams use NAME` sends requests to it. A request can name it: NAME/MODEL. A key is never written into
    the file, only where it is.
    """
    from turnout.settings import consistency, editing, presets

    if name in consistency.RESERVED:
        raise click.ClickException(f"It cannot be called {name}, which has a meaning of its own. Choose another name.")
    if name in options.load({}, config_path).custom:
        raise click.ClickException(
            f"There is an upstream {name} already: turnout config set custom.{name}.SETTING VALUE"
        )
    made = presets.filled(preset, dict(_pair(each) for each in blanks)) if preset else {}
    made |= {key: value for key, value in given.items() if value is not None}
    if "base_url" not in made:
        raise click.UsageError("Say where it is: --preset (turnout upstreams presets lists them), or --base-url.")
    edit = _edit(config_path, lambda text, path: editing.with_values(text, path, {f"custom.{name}": made}))
    _show_and_write(edit, dry_run=dry_run)
    if dry_run:
        return 0
    note = presets.named(preset).note if preset else ""
    for line in filter(None, (note.replace("NAME", name), _missing_key(made), _next(name, made))):
        click.echo(line)
    return 0


@click.command("remove")
@click.argument("name", shell_complete=_own)
@click.option("--dry-run", is_flag=True, help="Show the change, and make none.")
@options.config_file
def remove(*, name: str, dry_run: bool, config_path: Any) -> int:
    """Take a server of yours out of your configuration, and show what changed.

    \b
    turnout upstreams remove groq
    turnout upstreams remove groq --dry-run
    """
    from turnout.settings import consistency, editing

    config = options.load({}, config_path)
    if name not in config.custom:
        there = ", ".join(config.custom) or "none"
        raise click.UsageError(f"There is no upstream {name!r} of yours. There are: {there}.")
    if used := consistency.uses(config, name):
        raise click.ClickException(f"{name} is in use: {', '.join(used)}. Change that first.")
    edit = _edit(config_path, lambda text, path: editing.without(text, path, f"custom.{name}"))
    _show_and_write(edit, dry_run=dry_run)
    return 0


@click.command("probe")
@click.argument("name", shell_complete=_own)
@click.option("--model", default="", metavar="NAME", help="Which of its models is asked. Else its own, else the first.")
@click.option("--show", is_flag=True, help="Show what was found the last time, and ask nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def probe(*, name: str, model: str, show: bool, as_json: bool) -> int:
    """Find out what a server of yours takes: streaming, tools, parallel calls, images, reasoning, and so on.

    It is asked about a dozen tiny questions, which cost next to nothing. What is found is kept and counts for requests
    wherever custom.NAME.takes says auto, also in a gateway that runs. Exit code 1: nothing could be found out.

    \b
    turnout upstreams probe groq --model llama-4-maverick
    turnout upstreams probe groq --show
    """
    from turnout.doctor import probe as probing
    from turnout.upstream import probed

    config = options.load({})
    if name not in config.custom:
        there = ", ".join(config.custom) or "none; turnout upstreams add NAME adds one"
        raise click.UsageError(f"There is no upstream {name!r} of yours. There are: {there}.")
    if show:
        kept = probed.read(name, config.custom[name], os.environ)
        if kept is None:
            raise click.ClickException(
                f"Nothing is known of {name} as it is set up now: turnout upstreams probe {name}"
            )
        done = probing.Probe(upstream=name, found=kept)
    else:
        told = _quiet if as_json else _told
        done = asyncio.run(probing.run(config, os.environ, name, model, told=told))
        if done.found is not None:
            probed.write(name, done.found, os.environ)
    if as_json:
        import msgspec

        _print_json(msgspec.to_builtins(done))
    else:
        _show_probe(done)
    return 0 if done.found is not None else 1


MEANINGS = {
    "streaming": "streams its answers",
    "usage": "says how many tokens it counted",
    "tools": "calls functions",
    "tool_choice": "can be made to call one",
    "parallel": "takes parallel_tool_calls",
    "strict": "takes strict schemas",
    "images": "takes images",
    "thinks": "shows its reasoning",
    "reasoning": "takes its reasoning back",
    "effort": "takes a reasoning effort",
    "developer": "knows the role developer",
    "system_anywhere": "takes instructions anywhere",
    "include": "takes include",
    "stop": "takes stop",
    "sampling": "takes temperature and top_p",
    "json_schema": "holds answers to a JSON schema",
}


def _show_probe(done: Probe) -> None:
    found = done.found
    if found is None:
        failure = done.failure
        click.echo(
            f"{click.style('failed', fg='red', bold=True)}   {done.upstream}: {failure.message if failure else ''}"
        )
        if failure is not None and failure.next_step:
            click.echo(f"         {failure.next_step}")
        return
    _show_found(done.upstream, found, done.unknown)


def _show_found(name: str, found: Probed, unknown: tuple[str, ...]) -> None:
    from datetime import datetime

    from rich.table import Table
    from rich.text import Text

    from turnout.cli.explanation import console

    when = datetime.fromtimestamp(found.at).astimezone().strftime("%Y-%m-%d %H:%M")
    click.echo(f"{name}, asked for {found.model} on {when}:")
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    for key, meaning in MEANINGS.items():
        if key in found.takes:
            yes = found.takes[key]
            said = found.words.get(key, "")
            table.add_row(Text("yes" if yes else "no", "green" if yes else "yellow"), meaning, Text(said, "dim"))
        elif key in unknown:
            table.add_row(Text("?", "dim"), meaning, Text("it did not say", "dim"))
    table.add_row("", f"limit of an answer: {found.limit or 'none that it takes'}", "")
    console().print(table)


def _told(question: str) -> None:
    click.echo(f"… {MEANINGS.get(question, question)}", err=True)


def _quiet(question: str) -> None:
    """Nothing is told where JSON is wanted."""


def _pair(text: str) -> tuple[str, str]:
    word, equals, value = text.partition("=")
    if not equals or not word.strip() or not value.strip():
        raise click.UsageError(f"--set wants WORD=VALUE, not {text!r}.")
    return word.strip(), value.strip()


def _edit(config_path: Any, change: Any) -> Edit:
    from turnout.cli.config import own_file
    from turnout.gateway import config_file

    return config_file.prepare(own_file(config_path), change)


def _show_and_write(edit: Edit, *, dry_run: bool) -> None:
    from turnout.gateway import config_file

    for line in edit.difference:
        colour = {"+": "green", "-": "red"}.get(line[:1])
        click.echo(click.style(line, fg=colour) if colour and not line.startswith(("+++", "---")) else line)
    if dry_run:
        click.echo("Nothing was written (--dry-run).")
        return
    config_file.write(edit)


def _missing_key(made: dict[str, Any]) -> str:
    reference = str(made.get("key", ""))
    variable = reference.removeprefix("env:").strip()
    if reference.startswith("env:") and not os.environ.get(variable):
        return f"Its key is expected in the variable {variable}, which is not set here."
    return ""


def _next(name: str, made: dict[str, Any]) -> str:
    model = made.get("model") or "MODEL"
    return f"Next: turnout upstreams probe {name}{'' if made.get('model') else f' --model {model}'}"


def _print_json(told: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
