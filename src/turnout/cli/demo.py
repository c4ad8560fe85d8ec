"""`turnout demo`: the main job, seen live and without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.demo.report import Outcome
    from turnout.demo.view import View


@click.command("demo")
@click.option("--json", "as_json", is_flag=True, help="Print one line with the figures and nothing else.")
@click.option("--install", is_flag=True, help="Install Claude Code into Turnout's own cache first, with npm.")
@click.option(
    "--client",
    type=click.Choice(["auto", "sdk", "claude"]),
    default="auto",
    help="Who talks to the gateway: the anthropic SDK, the real Claude Code, or (auto) both if it is installed.",
)
def command(*, as_json: bool, install: bool, client: str) -> int:
    """See it work, with no account and no network.

    Starts the gateway and a simulated Codex backend on free ports of this machine and has a small coding conversation
    through them: the model thinks, reads a file, runs the tests of a scratch project, and explains what is wrong. First
    through the official `anthropic` client and, if Claude Code is installed, then through the real `claude`, with
    settings of its own. What you see is measured, not told.

    \b
    turnout demo
    turnout demo --install  with Claude Code, installed by npm for Turnout alone
    turnout demo --client sdk --json

    The line that --json prints holds: ok, client, model_asked, model_sent, thinking_blocks, tool_calls, input_tokens,
    cached_share, ttft_ms. With both clients it is about Claude Code, the later one. Anything off ends with exit code 1
    and the reason on stderr.
    """
    import tempfile

    import msgspec
    from rich.console import Console

    from turnout import log
    from turnout.demo import run
    from turnout.demo.story import QUICK, UNHURRIED
    from turnout.demo.view import View

    log.configure("error")
    tempfile.gettempdir()  # tries the folder with a file, which Ctrl-C may leave there: before there is a reason for it
    program = _claude_code(install=install, needed=client == "claude") if client != "sdk" else None
    view = None if as_json else View(Console(highlight=False))
    pacing = QUICK if as_json else UNHURRIED
    outcomes: list[Outcome] = []
    if client != "claude":
        _open(view, "The anthropic SDK, through Turnout, to a simulated Codex backend")
        outcomes.append(run.through_sdk(pacing, view.show if view else run.unseen))
        _close(view, outcomes[-1])
    if program is not None and all(outcome.report.ok for outcome in outcomes):
        _open(view, f"Claude Code, through Turnout, to {'the same' if outcomes else 'a simulated Codex backend'}")
        outcomes.append(run.through_claude(program, pacing, view.show if view else run.unseen))
        _close(view, outcomes[-1])
    if as_json:
        click.echo(msgspec.json.encode(outcomes[-1].report).decode())
        if outcomes[-1].problem:
            click.echo(f"turnout: {outcomes[-1].problem}", err=True)
    elif program is None and client == "auto":
        click.echo("\nClaude Code is not installed. To see the same through the real one:\n  turnout demo --install\n")
    return 0 if all(outcome.report.ok for outcome in outcomes) else 1


def _claude_code(*, install: bool, needed: bool) -> Path | None:
    """The program to use: an installed one, or one of Turnout's own. Ends the command if it is needed and not there."""
    from turnout.launch import install as installer
    from turnout.launch import locate

    found = installer.installed() if install else (locate.claude() or installer.installed())
    if found is None and install:
        found = _install()
    if found is None and needed:
        raise click.ClickException(f"Claude Code is not installed. {locate.HOW_TO_INSTALL} Or add --install here.")
    return found


def _install() -> Path:
    """Installs Claude Code; npm's latest line moves on stderr while it works."""
    from rich.console import Console
    from rich.markup import escape

    from turnout.launch import install as installer

    console = Console(stderr=True, highlight=False)
    what = f"Installing Claude Code {installer.VERSION} with npm, for Turnout alone"
    try:
        if not console.is_terminal:
            console.print(f"{what} …")
            return installer.install(lambda line: None)
        with console.status(what) as status:
            width = max(20, console.width - 8)
            return installer.install(lambda line: status.update(f"{what}\n  [dim]{escape(line[:width])}[/dim]"))
    except installer.InstallError as error:
        raise click.ClickException(str(error)) from None


def _open(view: View | None, title: str) -> None:
    if view is not None:
        from turnout.config import Config
        from turnout.demo.story import TASK
        from turnout.models.catalogue import Catalogue
        from turnout.routing.mapping import mapping

        view.opening(title, TASK, mapping(Config(), Catalogue.bundled()))


def _close(view: View | None, outcome: Outcome) -> None:
    if view is not None:
        view.closing(outcome)
