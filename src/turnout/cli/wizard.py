"""The questions of `turnout setup`, one step each. Which ones have been answered is remembered, for the next time.

A step looks first whether there is anything to ask. Each one ends with what it has to say in the configuration file.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from turnout import paths
from turnout.accounts import atomic, configured
from turnout.cli import options, readiness
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.config import Config
    from turnout.launch.shells import Shell

FILE = "setup.json"


class Progress(msgspec.Struct, frozen=True):
    """Which steps have been answered."""

    done: tuple[str, ...] = ()


def run(*, again: bool) -> int:
    """Asks what has not been answered yet. The exit code."""
    if not sys.stdin.isatty():
        raise click.ClickException(
            "This asks questions, and nobody is there to answer. Use: turnout login, turnout config set, turnout up"
        )
    done = () if again else _progress().done
    click.echo(
        f"{click.style('Turnout', bold=True)} is set up in {len(STEPS)} steps. Enter takes what is in brackets.\n"
    )
    try:
        for number, (name, title, ask) in enumerate(STEPS, 1):
            heading = f"{number}. {title}"
            if name in done:
                click.echo(f"{click.style(heading, bold=True)}  {click.style('answered before', dim=True)}")
                continue
            click.echo(click.style(heading, bold=True))
            ask()
            click.echo()
            done = (*done, name)
            _remember(Progress(done))
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nStopped. `turnout setup` goes on from here.")
        raise
    click.echo(f"\nAll set. Start with: {click.style('turnout claude', bold=True)}")
    click.echo("Whether all is well: turnout doctor. These questions once more: turnout setup --again")
    return 0


def _provider() -> None:
    """Which upstream."""
    config = _config()
    click.echo("   1  a ChatGPT plan (Plus, Pro, Business …)")
    click.echo("   2  an OpenAI API key")
    click.echo("   3  a server of your own that speaks OpenAI's Responses API")
    own = config.openai.base_url != type(config.openai)().base_url
    choices = ["1", "2", "3"]
    if config.upstream in config.custom:
        choices.append("4")
        click.echo(f"   4  {config.upstream}, as it is now")
    usual = choices[-1] if len(choices) > 3 else "1" if config.upstream == "codex" else "3" if own else "2"
    answer = click.prompt("   What do you use?", type=click.Choice(choices), default=usual, show_choices=False)
    if answer == "4":
        return
    values: dict[str, object] = {"upstream": "codex" if answer == "1" else "openai"}
    if answer == "2" and own:
        values["openai.base_url"] = type(config.openai)().base_url
    if answer == "3":
        shown = config.openai.base_url if own else None
        values["openai.base_url"] = click.prompt(
            "   Its address, up to and with /v1", default=shown, value_proc=_address
        )
    _write(values)
    if _config().upstream != values["upstream"]:  # what the account in use is for says otherwise
        _write({"upstream": values["upstream"]}, even_if_default=True)


def _address(text: str) -> str:
    from turnout.settings import SettingsError, check

    try:
        return str(check("openai.base_url", text.strip(), "what was typed"))
    except SettingsError as error:
        raise click.BadParameter(str(error)) from None


def _other_tools() -> None:
    """Settings of other tools, if there are any."""
    from turnout.cli import migrate
    from turnout.migration.plan import plan
    from turnout.settings import files

    found = migrate.look(None, None)
    target = files.users_own(os.environ) or paths.config_file()
    planned = plan(found, files.read(target).entries if target.exists() else {})
    if not planned.takes:
        click.echo("   There is nothing to take over.")
        return
    migrate.show(found, planned)
    if click.confirm("   Take this over?", default=False):
        _write(planned.values)


def _sign_in() -> None:
    """An account that serves."""
    from rich.console import Console

    from turnout.accounts.store import Accounts
    from turnout.cli import accounts_view, signing_in

    config = _config()
    try:
        configured.check(config, os.environ)
    except TurnoutError as error:
        click.echo(f"   {error.failure.message}")
    else:
        used = next((each for each in Accounts.open(config, os.environ).list() if each.default), None)
        who = f"{used.name}{f' ({used.email})' if used.email else ''}" if used else "the API key that is set"
        where = f", the login of another tool in {used.path}" if used and used.ownership == "borrowed" else ""
        click.echo(f"   There is one already: {who}{where}.")
        if not click.confirm("   Sign in with another one?", default=False):
            return
    console = Console(highlight=False)
    talk = signing_in.SigningIn(config, console)
    wants_key = config.upstream == "openai"
    kept = talk.with_key(signing_in.ask_for_key()) if wants_key else talk.with_chatgpt()
    accounts_view.show_signed_in(console, kept.account)


def _models() -> None:
    """What Claude's names stand for."""
    from turnout.cli import model_picking, models
    from turnout.cli.mapping_view import mapping_lines

    config = _config()
    for line in mapping_lines(config):
        click.echo(f"   {line}")
    if click.confirm("   Is that right?", default=True):
        return
    catalogue = models.known(config)
    model_picking.run(lambda changed: models.reported(changed, catalogue), config, None, None)


def _client() -> None:
    """Claude Code itself, installed if the user wants that."""
    from turnout.launch import install, locate

    program = locate.claude() or install.installed()
    if program is not None:
        click.echo(f"   It is at {program}.")
        return
    click.echo(f"   It was not found. {locate.HOW_TO_INSTALL}")
    if not click.confirm(f"   Have npm install {install.VERSION} into a folder of Turnout's own?", default=True):
        return
    try:
        click.echo(f"   It is at {install.install(lambda line: click.echo(f'   npm: {line}'))}.")
    except install.InstallError as error:
        click.echo(f"   {error}")


def _shell() -> None:
    """Two short commands, in the shell's start file if the user wants them there."""
    from turnout.cli import shell_init
    from turnout.launch import shells

    shell = shells.guess(os.environ, sys.platform)
    program = shell_init.how_to_run()
    line = shells.EVALUATE[shell].format(command=f"{' '.join(program)} shell-init {shell}")
    file = _start_file(shell)
    click.echo("   `ccy` starts the gateway and Claude Code, `cpstop` stops the gateway.")
    if file is None:
        click.echo(f"   To have them, put this into {shells.START_FILES[shell]}:\n\n   {line}")
        return
    content = file.read_text("utf-8") if file.exists() else ""
    if "shell-init" in content and "turnout" in content:
        click.echo(f"   {file} has them already.")
        return
    if click.confirm(f"   Add this line to {file}?\n\n   {line}\n\n  ", default=False):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as opened:
            opened.write(f"{'' if not content or content.endswith(chr(10)) else chr(10)}{line}  # Turnout\n")
        click.echo("   Added; new shells have them.")


def _start_file(shell: Shell) -> Path | None:
    """The file in which the shell reads commands at its start; None where that takes more than a line."""
    from turnout.launch import shells

    if shell in ("powershell", "cmd"):
        return None
    return Path(shells.START_FILES[shell]).expanduser()


STEPS: tuple[tuple[str, str, Callable[[], None]], ...] = (
    ("provider", "Provider", _provider),
    ("others", "Settings of other tools", _other_tools),
    ("sign-in", "Account", _sign_in),
    ("models", "Models", _models),
    ("client", "Claude Code", _client),
    ("shell", "Shell", _shell),
)


def _config() -> Config:
    return readiness.fitted(options.resolve({}))


def _write(values: Mapping[str, object], *, even_if_default: bool = False) -> None:
    """Puts settings into the user's own file. What has its default value there already stays out of it."""
    from turnout.gateway import config_file
    from turnout.settings import editing, files, leaves

    path = files.users_own(os.environ) or paths.config_file()
    entries = files.read(path).entries if path.exists() else {}
    known = leaves()
    changed = {
        key: value for key, value in values.items() if even_if_default or key in entries or value != known[key].default
    }
    edit = config_file.prepare(path, lambda text, where: editing.with_values(text, where, changed))
    if changed and edit.changes:
        config_file.write(edit)
        click.echo(f"   {path} is written.")


def _progress() -> Progress:
    try:
        return msgspec.json.decode((paths.state_dir() / FILE).read_bytes(), type=Progress)
    except (OSError, msgspec.MsgspecError):
        return Progress()  # then everything is asked


def _remember(progress: Progress) -> None:
    atomic.write(paths.state_dir() / FILE, msgspec.json.encode(progress))
