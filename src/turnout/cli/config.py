"""`turnout config`: what is set, where it came from, and the way to change it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from turnout.gateway.config_file import Change, Edit


TYPED = "the command line"
WIDEST = 40
"""Characters of a column, which longer ones stand out of."""


@click.group("config")
def command() -> None:
    """Show the configuration, change it, check it.

    \b
    turnout config show --origin      every setting, and where its value came from
    turnout config get slots.opus.model
    turnout config set slots.opus.effort high
    turnout config unset slots.opus.effort
    turnout config edit               in your editor; checked before it counts
    turnout config check              whether the file is right, and what is wrong
    turnout config init --yaml        a new file, with the schema beside it
    turnout config path               where the file is
    turnout config migrate --dry-run  an older file, brought up to date
    turnout config schema > turnout.schema.json

    A gateway that is running takes over a changed file within two seconds, and keeps what it has if the file is
    broken. Comments and order of the file stay as they are.
    """


@command.command("show")
@click.argument("section", required=False, default="")
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@click.option("--changed", is_flag=True, help="Leave out what has its default value.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: each value and where it came from.")
@options.config_file
def show(*, section: str, origin: bool, changed: bool, as_json: bool, config_path: Path | None) -> None:
    """Show what is in force here. SECTION (such as `slots` or `server.port`) shows a part. Secrets are not shown."""
    from turnout.settings import report

    loaded = options.resolve({}, config_path)
    listed = [each for each in report.values(loaded, section.rstrip(".")) if not (changed and each.is_default)]
    if section and not report.values(loaded, section.rstrip(".")):
        from turnout.settings import editing

        editing.split(section)  # says what it might be
    if as_json:
        _print_json(report.as_json(listed))
        return
    _print_table([(each.key, _text(each.value) or "-", each.origin, each.is_default) for each in listed], origin=origin)


@command.command("get")
@click.argument("key")
@click.option("--origin", is_flag=True, help="Say where it came from, behind a tab.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: the value and where it came from.")
@options.config_file
def get(*, key: str, origin: bool, as_json: bool, config_path: Path | None) -> None:
    """Print the value of one setting, for scripts. A secret is not printed."""
    from turnout.settings import editing, leaves, records, report

    path, entry = editing.split(key)
    (found,) = report.values(options.resolve({}, config_path), path)
    value = found.value
    for part in records.split(leaves()[path].type, entry) if entry else ():
        value = value.get(part, "") if isinstance(value, dict) else ""
    if as_json:
        _print_json({"key": key, "value": value, "origin": found.origin})
    else:
        click.echo(_text(value) + (f"\t{found.origin}" if origin else ""))


@command.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--dry-run", is_flag=True, help="Show the change, and make none.")
@options.config_file
def set_(*, key: str, value: str, dry_run: bool, config_path: Path | None) -> int:
    """Set a value in your configuration file, and show what changed.

    \b
    turnout config set slots.opus.effort high
    turnout config set server.allowed_hosts box.local,gate.local
    turnout config set codex.framing.gpt-6-astra lite
    turnout config set server.token -  (reads the value from standard input)
    """
    from turnout.settings import editing

    typed = _typed(key, sys.stdin.readline().strip() if value == "-" else value)
    return _change(config_path, lambda text, path: editing.with_values(text, path, {key: typed}), key, dry_run=dry_run)


@command.command("unset")
@click.argument("key")
@click.option("--dry-run", is_flag=True, help="Show the change, and make none.")
@options.config_file
def unset(*, key: str, dry_run: bool, config_path: Path | None) -> int:
    """Take a setting out of your configuration file: its default counts again."""
    from turnout.settings import editing

    editing.split(key)
    if not own_file(config_path).exists():
        click.echo("There is no configuration file yet: nothing is set in one.")
        return 0
    return _change(config_path, lambda text, path: editing.without(text, path, key), key, dry_run=dry_run)


@command.command("path")
@options.config_file
def path_(*, config_path: Path | None) -> None:
    """Print where your configuration file is, or would be."""
    click.echo(own_file(config_path))


@command.command("init")
@click.option("--yaml", is_flag=True, help="Write YAML, not TOML.")
@options.config_file
def init(*, yaml: bool, config_path: Path | None) -> int:
    """Write a new configuration file, with the schema beside it for your editor."""
    from turnout.gateway import config_file

    path = own_file(config_path)
    if path.exists():
        raise click.ClickException(f"There is a configuration file already: {path}.")
    if yaml and config_path is None:
        path = path.with_suffix(".yaml")
    config_file.write(config_file.prepare(path, lambda text, _: text))
    click.echo(f"{path} is written. `turnout config edit` opens it.")
    return 0


@command.command("edit")
@options.config_file
def edit(*, config_path: Path | None) -> int:
    """Open your configuration file in your editor ($VISUAL, $EDITOR).

    What you save is checked before it takes the old one's place.
    """
    from turnout.gateway import config_file
    from turnout.settings import SettingsError

    path = own_file(config_path)
    try:
        text = config_file.migration(path).after
    except SettingsError as error:  # a broken file is what an editor is wanted for
        click.echo(str(error), err=True)
        text = config_file.text(path)
    while True:
        edited = click.edit(text, extension=path.suffix, require_save=True)
        if edited is None:
            click.echo("Nothing changed.")
            return 0
        text = edited
        try:
            made = config_file.replacement(path, text)
        except SettingsError as error:
            click.echo(str(error), err=True)
            if not sys.stdin.isatty() or not click.confirm("Edit it again?", default=True, err=True):
                click.echo("The file is as it was.", err=True)
                return 1
            continue
        _write(made)
        return 0


@command.command("check")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check_(*, file: Path | None, as_json: bool) -> int:
    """Say whether a configuration file is right, and what is wrong with it; exit code 1 if anything is.

    Without FILE it is your own one, with the project's, the environment and how all of it fits together.
    """
    from turnout import settings
    from turnout.settings import files

    try:
        own = file or files.users_own(os.environ)
        loaded = settings.resolve({} if file else os.environ, {}, file, project=None if file else options.here())
    except settings.SettingsError as error:
        if as_json:
            _print_json({"ok": False, "problem": str(error)})
        else:
            click.echo(f"{click.style('Wrong:', fg='red', bold=True)} {error}")
        return 1
    if as_json:
        _print_json({"ok": True, "file": str(own) if own else None, "warnings": loaded.warnings})
        return 0
    for warning in loaded.warnings:
        click.echo(f"{click.style('Note:', fg='yellow', bold=True)} {warning}")
    click.echo(f"{own} is right." if own else "There is no configuration file; what the environment says is right.")
    return 0


@command.command("migrate")
@click.option("--dry-run", is_flag=True, help="Show the change, and make none.")
@options.config_file
def migrate(*, dry_run: bool, config_path: Path | None) -> int:
    """Bring an older configuration file up to date; the old one is kept beside it."""
    from turnout.gateway import config_file

    path = own_file(config_path)
    made = config_file.migration(path)
    if not path.exists() or not made.changes:
        click.echo("There is nothing to bring up to date.")
        return 0
    return _write(made, dry_run=dry_run)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the configuration file, for editors and other tools."""
    from turnout.settings import schema as schemas

    click.echo(schemas.encoded(), nl=False)


def own_file(named: Path | None) -> Path:
    """The file that a change goes to. Raises `SettingsError` if there are two."""
    from turnout import paths
    from turnout.settings import files

    return named or files.users_own(os.environ) or paths.config_file()


def _typed(key: str, text: str) -> object:
    """The text as the setting's kind of value. Raises `SettingsError`."""
    from turnout.settings import editing, records
    from turnout.settings.leaves import check, leaves, parse

    path, entry = editing.split(key)
    if entry and records.record_of(leaves()[path].type) is not None:
        return _part(path, entry, text)
    if entry:
        check(path, {entry: text}, TYPED)
        return text
    parsed = parse(path, text, TYPED)
    checked = check(path, parsed, TYPED)
    # Records go into the file as they were typed, without all that they leave open.
    return checked if records.record_of(leaves()[path].type) is None else parsed


def _part(path: str, entry: str, text: str) -> object:
    """A text as what a part of a record holds: ``custom.groq.window``."""
    import msgspec

    from turnout.settings import records
    from turnout.settings.leaves import SettingsError, describe, leaves

    kind = leaves()[path].type
    kind = records.kind_at(kind, records.split(kind, entry))
    try:
        return msgspec.to_builtins(msgspec.convert(text, kind, strict=False))
    except msgspec.ValidationError:
        shown = "its value" if records.is_private(kind) else repr(text)
        raise SettingsError(f"{TYPED} has {shown} for {path}.{entry}, but it must be {describe(kind)}.") from None


def _change(named: Path | None, change: Change, key: str, *, dry_run: bool) -> int:
    from turnout.gateway import config_file
    from turnout.settings import editing

    made = config_file.prepare(own_file(named), change)
    if not made.changes:
        click.echo(f"Nothing changes: {key} is like that in {made.path} already.")
        return 0
    done = _write(made, dry_run=dry_run)
    if not dry_run:
        path, _ = editing.split(key)
        tell_of_others(path, made.path, named)
    return done


def _write(made: Edit, *, dry_run: bool = False) -> int:
    from turnout.gateway import config_file

    show_difference(made)
    if dry_run:
        click.echo("Nothing was written.")
        return 0
    config_file.write(made)
    if made.backup is not None:
        click.echo(f"The file was in an older form; it is kept as {made.backup}.")
    return 0


def show_difference(made: Edit) -> None:
    """What an edit changes, as a diff."""
    for line in made.difference:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1])
        click.echo(click.style(line, fg=colour) if colour else line)


def tell_of_others(key: str, path: Path, named: Path | None) -> None:
    """Says so if something else than the file decides on this setting here."""
    loaded = options.resolve({}, named)
    origin = loaded.origins[key]
    if origin not in ("default", f"the file {path}"):
        click.echo(f"Here {origin} counts before the file, for {key}.")


def _text(value: object) -> str:
    import msgspec

    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _print_json(value: object) -> None:
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def _print_table(rows: list[tuple[str, str, str, bool]], *, origin: bool) -> None:
    """One line a setting, whatever its length: what reads it looks for lines."""
    if not rows:
        return
    widths = [min(max(map(len, column)), WIDEST) for column in ([row[0] for row in rows], [row[1] for row in rows])]
    for key, value, place, is_default in rows:
        cells = [key.ljust(widths[0]), value.ljust(widths[1]) if origin else value, *([place] if origin else [])]
        line = "  ".join(cells).rstrip()
        click.echo(click.style(line, dim=True) if is_default else line)
