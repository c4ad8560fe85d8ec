"""`turnout claude`: Claude Code on OpenAI's models, in this terminal."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from turnout.cli import client_flags, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(
    "claude",
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "allow_interspersed_args": False,
        "help_option_names": ["-h", "--help"],
    },
)
@client_flags.given
@options.account
@options.upstream
@click.option("--config", "picks", is_flag=True, help="Choose models first, and keep the choice.")
@click.option("--private", is_flag=True, help="A gateway for this session alone, even if one runs.")
@click.option(
    "--verbose", is_flag=True, help="Log the route of each request, too. Claude Code gets the option as well."
)
@options.trace
@click.option("--dry-run", is_flag=True, help="Print what would be run, with which variables, and run nothing.")
@click.option("--yes", is_flag=True, help="Install Claude Code without asking if it is missing.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS OF CLAUDE]...")
def command(
    *,
    account: str | None,
    upstream: str | None,
    picks: bool,
    private: bool,
    verbose: bool,
    trace: Path | None,
    dry_run: bool,
    yes: bool,
    arguments: tuple[str, ...],
    **said: Any,
) -> int:
    """Run Claude Code on OpenAI's models.

    Claude Code gets the terminal handed over, and a gateway: the one that runs (`turnout up`) if its settings are
    those of this session, else a private one that ends with it. Your own settings, files and shell stay as they are.
    What follows the options below goes to Claude Code as it is.

    \b
    turnout claude
    turnout claude -p "explain this code"
    turnout claude --continue
    turnout claude --account work
    turnout claude --upstream openai --model sonnet
    turnout claude --model gpt-6-astra --reasoning high --fast
    turnout claude --dry-run                         what would run
    turnout claude -- --help                         Claude Code's own help

    It uses your ChatGPT plan or your API key, whichever the account in use is for, and has you sign in first if there
    is no account. `turnout accounts` lists accounts; a login of the Codex CLI is used where it lies.
    The gateway's log goes to the file turnout.log, because the terminal is Claude Code's: `turnout logs -f`.
    """
    from turnout.cli import launching, readiness
    from turnout.launch import claude

    passed_on, told = client_flags.divided(**said)
    words = [*passed_on, *(["--verbose"] if verbose else []), *arguments]
    program = launching.program(install=yes, ask=not dry_run)
    if not claude.asks_models(words):
        if dry_run:
            launching.show_alone(program, words)
            return 0
        return claude.run_alone(program, words, os.environ)
    if picks and not dry_run:
        launching.pick()
    flags = {"upstream": upstream, "accounts.use": account, **told}
    config = readiness.fitted(options.resolve(flags))
    # What runs inside, such as `turnout statusline`, is about the same account.
    environ = {**os.environ, "TURNOUT_ACCOUNT": config.accounts.use} if config.accounts.use else os.environ
    session = launching.Session(
        program=program, arguments=tuple(words), config=config, environ=environ, model=said["model"] or ""
    )
    running = None if private or trace is not None or verbose else launching.joinable(config)
    if dry_run:
        launching.show(session, running)
        return 0
    options.warn_of_trace(trace)
    readiness.make_ready(config)  # better now than at the first message
    if running is not None:
        return launching.join(session, running)
    return launching.on_private_gateway(session, flags, trace=trace, verbose=verbose)
