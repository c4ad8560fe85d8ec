"""`turnout serve`: the gateway in the foreground."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from turnout import __version__
from turnout.cli import options

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.config import Config


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on (default 4000; 0: a free one).")
@click.option("--host", metavar="ADDRESS", help="Address to listen on (default 127.0.0.1: this machine only).")
@options.account
@options.upstream
@click.option("--token", metavar="TEXT", help="Token that clients must show; better given as TURNOUT_TOKEN.")
@click.option("--no-token", is_flag=True, help="Let every program on this machine in (loopback only).")
@options.slots
@click.option("--strict", is_flag=True, default=None, help="Refuse requests of which something would be left out.")
@options.trace
@options.config_file
def command(
    *,
    port: int | None,
    host: str | None,
    account: str | None,
    upstream: str | None,
    token: str | None,
    no_token: bool,
    model: str | None,
    effort: str | None,
    strict: bool | None,
    trace: Path | None,
    config_path: Path | None,
) -> None:
    """Run the gateway for Claude Code and other clients.

    It listens on this machine only and wants a token, which it makes and shows unless you set TURNOUT_TOKEN.
    Ctrl-C lets open answers finish; a second Ctrl-C ends at once. The log goes to stderr, one line a request.

    \b
    turnout serve
    turnout serve --port 4100 --model gpt-6-astra --effort high
    OPENAI_API_KEY=sk-... turnout serve --upstream openai
    TURNOUT_TOKEN=... turnout serve --host 0.0.0.0
    """
    from turnout import log
    from turnout.cli import readiness
    from turnout.gateway import binding, server

    flags = {
        "server.port": port,
        "server.host": host,
        "server.token": token,
        "server.require_token": False if no_token else None,
        "upstream": upstream,
        "accounts.use": account,
        "strict": strict,
        **options.slot_flags(model, effort),
    }
    config = readiness.fitted(options.resolve(flags, config_path))
    log.from_environment(os.environ)
    fixed = binding.with_token(config)
    options.warn_of_trace(trace)
    server.run(
        fixed,
        ready=lambda base_url: _announce(base_url, fixed, token_is_new=fixed != config),
        store=options.record_store(fixed),
        trace=trace,
    )


def _announce(base_url: str, config: Config, *, token_is_new: bool) -> None:
    from turnout.models.catalogue import Catalogue
    from turnout.routing.accounts import at_a_limit
    from turnout.routing.router import mapping

    click.echo(f"\n{click.style(f'Turnout {__version__}', bold=True)} listens on {click.style(base_url, fg='cyan')}\n")
    for line in mapping(config, Catalogue.bundled()):
        click.echo(f"  {line}")
    if rule := at_a_limit(config):
        click.echo(f"  {rule}")
    click.echo(f"\n{_how_to_use(base_url, config, token_is_new=token_is_new)}\n")
    _tell_if_not_ready(config)
    sys.stdout.flush()


def _how_to_use(base_url: str, config: Config, *, token_is_new: bool) -> str:
    """What to type to point Claude Code here. Only a token that we made is shown: the user knows the other ones."""
    windows = sys.platform == "win32"
    if token_is_new:
        token = config.server.token
    elif config.server.token:
        token = "$env:TURNOUT_TOKEN" if windows else "$TURNOUT_TOKEN"
    else:
        token = "none"
    variables = {"ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_AUTH_TOKEN": token}
    if windows:
        line = "; ".join(
            f'$env:{name}="{value}"' if not value.startswith("$") else f"$env:{name}={value}"
            for name, value in variables.items()
        )
        line += "; claude"
    else:
        line = " ".join(f"{name}={value}" for name, value in variables.items()) + " claude"
    return f"Claude Code, in another terminal:\n\n  {line}" + (
        "\n\nThe token is made anew at each start; set TURNOUT_TOKEN to keep one." if token_is_new else ""
    )


def _tell_if_not_ready(config: Config) -> None:
    """A gateway without a credential runs, and says at once what its first answer would say."""
    from turnout.accounts import configured
    from turnout.protocol.errors import TurnoutError

    try:
        configured.check(config, os.environ)
    except TurnoutError as error:
        click.echo(f"{click.style('Not ready:', fg='yellow', bold=True)} {error.failure.text}\n")
