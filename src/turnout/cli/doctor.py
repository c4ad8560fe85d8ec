"""`turnout doctor`: how everything is that Turnout depends on."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from turnout.config import Config
    from turnout.doctor.finding import Finding, Result, Surroundings


@click.command("doctor")
@click.option("--offline", is_flag=True, help="Ask nobody outside this machine.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely: Turnout's own files only.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--verbose", is_flag=True, help="Show what is in order line by line too.")
def command(*, offline: bool, fix: bool, as_json: bool, verbose: bool) -> int:
    """Look over everything that Turnout depends on, and say what would help.

    Each line is ok, a warning or a problem, with the way out of it: the clients, accounts and who else renews them,
    ports, proxies, certificates, the clock, settings and start files that send Claude Code to a port where nobody
    listens, the catalogue's age, and one question to the upstream that costs nothing. Nothing is changed without --fix.

    \b
    turnout doctor
    turnout doctor --offline  no question to the upstream
    turnout doctor --fix      permissions and leftovers of Turnout's own files
    turnout doctor --json

    Exit code 0: no problem (warnings are none). 1: there is a problem.
    """
    from turnout.cli.explanation import console
    from turnout.doctor import examination
    from turnout.doctor.finding import Level

    seen = surroundings(offline=offline)
    results = examination.examine(seen)
    if as_json:
        shown = list(results)
        mended = _mend(shown) if fix else []
        _print_json(shown, mended)
    else:
        screen = console()
        shown = []
        for result in results:
            _show(screen, result, verbose=verbose)
            shown.append(result)
        for line in _mend(shown) if fix else []:
            screen.print(f"  [green]mended[/]   {line}", highlight=False)
        _show_sum(screen, shown, fix=fix)
    problems = [each for each in _findings(shown) if each.level is Level.PROBLEM and not (fix and each.repair)]
    return 1 if problems else 0


def surroundings(*, offline: bool) -> Surroundings:
    """What there is on this machine."""
    from turnout.doctor.finding import Surroundings

    try:
        folder: Path | None = Path.cwd()
    except FileNotFoundError:
        folder = None
    return Surroundings(
        environ=dict(os.environ),
        platform=sys.platform,
        home=_home(),
        folder=folder,
        config=_config(),
        offline=offline,
        now=time.time,
    )


def _config() -> Config:
    """The configuration in force; the default one if it cannot be read, which a check of its own reports."""
    from turnout.cli import readiness
    from turnout.config import Config
    from turnout.protocol.errors import TurnoutError
    from turnout.settings import SettingsError, resolve

    try:
        return readiness.fitted(resolve(os.environ, {}, project=options.here()))
    except (SettingsError, TurnoutError, OSError):
        return Config()


def _home() -> Path | None:
    named = os.environ.get("USERPROFILE" if sys.platform == "win32" else "HOME")
    try:
        return Path(named) if named else Path.home()
    except RuntimeError:
        return None


def _findings(results: Iterable[Result]) -> list[Finding]:
    return [finding for result in results for finding in result.findings]


def _mend(results: Iterable[Result]) -> list[str]:
    from turnout.doctor import repairs

    done = []
    for finding in _findings(results):
        if finding.repair is not None:
            try:
                done.append(repairs.carry_out(finding.repair))
            except OSError as error:
                done.append(f"{finding.repair.path} could not be mended: {error.strerror}.")
    return done


def _show(screen: Console, result: Result, *, verbose: bool) -> None:
    """One check: its findings that need attention; of those in order one line each, or the first one only."""
    from rich.table import Table
    from rich.text import Text

    from turnout.doctor.finding import Level

    styles = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}
    worth = [each for each in result.findings if each.level is not Level.OK]
    lines = result.findings if verbose else (worth or result.findings[:1])
    arrow = "→" if screen.encoding.lower().startswith("utf") else "->"
    if not screen.is_terminal:  # who reads it from a pipe looks for words, and wants no line broken
        for number, each in enumerate(lines):
            click.echo(f" {each.level.value:<8} {result.title if number == 0 else '':<17} {each.what}".rstrip())
            if each.fix:
                click.echo(f"{'':28}{arrow} {each.fix}")
        return
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=9)
    grid.add_column(width=17)
    grid.add_column(overflow="fold")
    for number, each in enumerate(lines):
        said = Text(each.what)
        if each.fix:
            said.append(f"\n{arrow} {each.fix}", "cyan")
        title = result.title if number == 0 else ""
        grid.add_row(Text(f" {each.level.value}", styles[each.level]), Text(title, "bold"), said)
    screen.print(grid)


def _show_sum(screen: Console, results: list[Result], *, fix: bool) -> None:
    from turnout.doctor.finding import Level

    found = _findings(results)
    problems = sum(each.level is Level.PROBLEM for each in found)
    warnings = sum(each.level is Level.WARNING for each in found)
    mendable = sum(each.repair is not None for each in found)
    if not problems and not warnings:
        screen.print("\nEverything is in order.")
        return
    parts = [
        f"{count} {name}{'s' if count > 1 else ''}" for count, name in ((problems, "problem"), (warnings, "warning"))
    ]
    told = " and ".join(part for part in parts if not part.startswith("0"))
    rest = f" `turnout doctor --fix` mends {mendable} of them." if mendable and not fix else ""
    screen.print(f"\n{told[0].upper()}{told[1:]}.{rest}", highlight=False)


def _print_json(results: list[Result], mended: list[str]) -> None:
    import msgspec

    told = {"checks": results, "mended": mended}
    click.echo(msgspec.json.format(msgspec.json.encode(told), indent=2).decode())
