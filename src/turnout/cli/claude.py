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
@options.trace
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGUMENTS OF CLAUDE]...")
def command(
    *, account: str | None, upstream: str | None, trace: Path | None, arguments: tuple[str, ...], **said: Any
) -> int:
    """Run Claude Code on OpenAI's models.

    Starts a private gateway for this one session and Claude Code with the terminal handed over to it. Your own
    settings, files and shell stay as they are. What follows the options below goes to Claude Code as it is.

    \b
    turnout claude
    turnout claude -p "explain this code"
    turnout claude --continue
    turnout claude --account work
    turnout claude --upstream openai --model sonnet
    turnout claude --model gpt-6-astra --reasoning high --fast
    turnout claude -- --help                         Claude Code's own help

    It uses your ChatGPT plan or your API key, whichever the account in use is for, and has you sign in first if there
    is no account. `turnout accounts` lists accounts; a login of the Codex CLI is used where it lies.
    The gateway's log goes to the file turnout.log, because the terminal is Claude Code's (see docs/troubleshooting.md).
    """
    from turnout import log, paths
    from turnout.cli import readiness
    from turnout.launch import claude, locate

    passed_on, told = client_flags.divided(**said)
    flags = {"upstream": upstream, "accounts.use": account, **told}
    config = readiness.fitted(options.resolve(flags))
    program = locate.claude()
    if program is None:
        raise click.ClickException(f"Claude Code is not installed. {locate.HOW_TO_INSTALL}")
    # What runs inside, such as `turnout statusline`, is about the same account.
    environ = {**os.environ, "TURNOUT_ACCOUNT": config.accounts.use} if config.accounts.use else os.environ
    options.warn_of_trace(trace)
    readiness.make_ready(config)  # better now than at the first message
    with log.open_file(paths.log_file()) as file:  # the terminal is Claude Code's
        log.from_environment(os.environ, file)
        return claude.run(
            program,
            [*passed_on, *arguments],
            config,
            environ,
            store=options.record_store(config),
            trace=trace,
            source=options.source(flags),
        )
