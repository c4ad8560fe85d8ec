"""The root of the command line: which commands there are, and how anything that goes wrong ends."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from turnout import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = {
    "0": "It is done. Of `turnout doctor`: there is no problem.",
    "1": "It failed; standard error says why, and what to do. Of `turnout doctor` and `turnout upstreams test`: "
    "something is not in order.",
    "2": "The command line or a setting is wrong; nothing was done.",
    "3": "`turnout status`: no gateway runs.",
    "130": "Interrupted, by Ctrl-C or by an answer of no to a question.",
    "other": "`turnout claude`: Claude Code's own exit code; 128 + N if signal N ended it.",
}
"""What the command line ends with, for docs/commands/index.md."""


class Lazy(NamedTuple):
    """A command that is imported when it is needed."""

    module: str
    summary: str


COMMANDS = {
    "accounts": Lazy("turnout.cli.accounts", "List accounts, choose one, find other tools' logins."),
    "claude": Lazy("turnout.cli.claude", "Run Claude Code on OpenAI's models."),
    "completion": Lazy("turnout.cli.completion", "Make your shell complete commands and options."),
    "config": Lazy("turnout.cli.config", "Show the configuration, change it, check it."),
    "demo": Lazy("turnout.cli.demo", "See it work, with no account: a coding conversation, live."),
    "doctor": Lazy("turnout.cli.doctor", "Look everything over, and say what would help."),
    "down": Lazy("turnout.cli.down", "End the gateway that runs."),
    "env": Lazy("turnout.cli.env", "Print the variables that point a client at the gateway."),
    "explain": Lazy("turnout.cli.explain", "Show what became of a request, and why the cache missed."),
    "login": Lazy("turnout.cli.login", "Sign in with ChatGPT, or keep an API key."),
    "logout": Lazy("turnout.cli.logout", "Sign out."),
    "logs": Lazy("turnout.cli.logs", "Show what the gateway has logged."),
    "models": Lazy("turnout.cli.models", "Show which models there are, and choose among them."),
    "migrate": Lazy("turnout.cli.migrate", "Take settings over from other tools of this kind."),
    "quota": Lazy("turnout.cli.quota", "Show how much of your plan is used, and when it resets."),
    "restart": Lazy("turnout.cli.restart", "Begin a new gateway in the place of the one that runs."),
    "serve": Lazy("turnout.cli.serve", "Run the gateway for Claude Code and other clients."),
    "service": Lazy("turnout.cli.service", "Have the gateway start when you log in."),
    "settings": Lazy("turnout.cli.settings", "Put the gateway into Claude Code's settings, and out again."),
    "setup": Lazy("turnout.cli.setup", "Set Turnout up with a few questions."),
    "shell-init": Lazy("turnout.cli.shell_init", "Print two short commands for your shell: ccy and cpstop."),
    "simulate": Lazy("turnout.cli.simulate", "Run a stand-in for OpenAI's backends, for trying things out."),
    "status": Lazy("turnout.cli.status", "Show the gateway that runs."),
    "statusline": Lazy("turnout.cli.statusline", "Print the quota in one line, for Claude Code's status line."),
    "trace": Lazy("turnout.cli.trace", "Record a session's wire, look at it, send it again elsewhere."),
    "up": Lazy("turnout.cli.up", "Start the gateway in the background."),
    "upstreams": Lazy("turnout.cli.upstreams", "Show where requests may go, switch that, try it out."),
}


SECTIONS = {
    "Begin": ("claude", "setup", "demo", "login", "logout", "accounts", "migrate"),
    "See how things are": (
        "status",
        "quota",
        "models",
        "upstreams",
        "doctor",
        "explain",
        "trace",
        "logs",
        "statusline",
    ),
    "The gateway": ("up", "down", "restart", "service", "serve"),
    "Settings, shells, other clients": ("config", "env", "settings", "shell-init", "completion"),
}
"""The commands as `--help` lists them."""
MORE = "More"
"""Where those stand that have no other place."""


def sections() -> dict[str, list[str]]:
    """All commands under the titles that they stand under."""
    placed = {title: [name for name in names if name in COMMANDS] for title, names in SECTIONS.items()}
    known = {name for names in placed.values() for name in names}
    return placed | {MORE: [name for name in COMMANDS if name not in known]}


class Commands(click.Group):
    """A group whose commands are imported only when they run: `turnout --help` stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name].module).command
        if isinstance(command, click.Group):
            from turnout.cli import examples

            examples.hand_down(command, f"turnout {cmd_name}")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1, cutoff=0.6)
            if not close:
                raise
            raise click.UsageError(f"{error.message} Did you mean {close[0]}?", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        widest = max(map(len, COMMANDS))
        for title, names in sections().items():
            if names:
                with formatter.section(title):
                    formatter.write_dl([(name.ljust(widest), COMMANDS[name].summary) for name in names])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, "-V", "--version", message="turnout %(version)s")
@click.pass_context
def root(ctx: click.Context) -> None:
    """Claude Code and other agents on OpenAI's models.

    \b
    Try it, with no account:           turnout demo
    Use it; it has you sign in first:  turnout claude
    Or sign in with an API key:        turnout login --api-key
    Run the gateway by itself:         turnout serve

    `turnout COMMAND --help` says more about a command. Every setting has a variable and a place in a file: see
    docs/configuration.md.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str]) -> int:
    """Runs the command line and gives the exit code. Whatever goes wrong becomes one line and a next step on stderr."""
    if os.environ.get("_TURNOUT_COMPLETE", "").startswith("powershell"):
        from turnout.cli import completion

        completion.register()
    try:
        outcome = root.main(list(arguments), prog_name="turnout", standalone_mode=False, color=_colour())
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        complain(error.format_message())
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`turnout ... | head`): nothing is left to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last place where anything can be caught
        return _explain(error, arguments)
    return outcome if isinstance(outcome, int) else OK


def complain(message: str, next_step: str = "") -> None:
    """One line on stderr, and a second one with what to do."""
    click.echo(f"{click.style('turnout:', fg='red', bold=True)} {message}", err=True, color=_colour())
    if next_step:
        click.echo(f"  {next_step}", err=True)


def _colour() -> bool | None:
    """False if the user wants none (no-color.org); None leaves it to whether the output is a terminal."""
    return False if os.environ.get("NO_COLOR") else None


def _explain(error: Exception, arguments: Sequence[str]) -> int:
    from turnout.protocol.errors import TurnoutError
    from turnout.settings import SettingsError

    match error:
        case SettingsError():
            complain(str(error))
            return USAGE
        case TurnoutError():
            complain(error.failure.message, error.failure.next_step)
        case OSError(errno=errno.ENOEXEC, filename=str(file)):
            complain(
                f"{file} is no program that this machine can run: its installation is broken, or was never finished.",
                "Install it again; npm must run its scripts and fetch its optional packages for that (Claude Code: "
                "npm install -g @anthropic-ai/claude-code).",
            )
        case OSError(strerror=str(reason)):
            complain(f"{reason}{f': {error.filename}' if error.filename else ''}.")
        case _:
            if os.environ.get("TURNOUT_LOG_LEVEL", "").lower() == "debug":
                raise error
            _tell_of_defect(error, arguments)
    return FAILED


def _tell_of_defect(error: Exception, arguments: Sequence[str]) -> None:
    from turnout.cli import crash

    file = crash.keep(error, arguments, os.environ)
    complain(
        f"Something went wrong that Turnout did not expect ({type(error).__name__}): a defect of its own.",
        f"Where it happened stands in {file}: please report it with that file."
        if file
        else "Run it again with TURNOUT_LOG_LEVEL=debug to see where, and please report it.",
    )
