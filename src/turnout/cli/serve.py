"""`turnout serve`: the gateway in the foreground."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from turnout import __version__
from turnout.cli import gateway_options, options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.config import Config
    from turnout.launch.running import AlreadyRunningError


@click.command("serve")
@gateway_options.gateway
@click.option("--token", metavar="TEXT", help="Token that clients must show; better given as TURNOUT_TOKEN.")
@click.option("--replace", is_flag=True, help="Take the place of the gateway that runs; its open answers finish.")
@click.option(
    "--separate", is_flag=True, help="Run beside another one; `turnout status` and others know nothing of it."
)
@click.option("--log-file", type=click.Path(dir_okay=False), metavar="FILE", help="Write the log there, not to stderr.")
@click.option("--supervisor", default="", hidden=True)
@options.trace
def command(
    *,
    token: str | None,
    replace: bool,
    separate: bool,
    log_file: str | None,
    supervisor: str,
    trace: Path | None,
    **flags: object,
) -> None:
    """Run the gateway for Claude Code and other clients, in the foreground.

    It listens on this machine only and wants a token, which it makes and shows unless you set TURNOUT_TOKEN.
    Ctrl-C lets open answers finish; a second Ctrl-C ends at once. The log goes to stderr, one line a request.
    There is one gateway per user: `turnout claude` joins it, and `turnout status` shows it.

    \b
    turnout serve
    turnout serve --port 4100 --model gpt-6-astra --effort high
    OPENAI_API_KEY=sk-... turnout serve --upstream openai
    TURNOUT_TOKEN=... turnout serve --host 0.0.0.0
    turnout up                                       the same in the background
    """
    from turnout.cli import readiness
    from turnout.gateway import binding
    from turnout.launch import serving
    from turnout.launch.running import AlreadyRunningError
    from turnout.launch.token import kept_token

    given = gateway_options.flags(flags)
    config = readiness.fitted(given.resolve(**{"server.token": token}))
    if supervisor and config.server.require_token and not config.server.token:
        server = msgspec.structs.replace(config.server, token=kept_token())  # the same after each start
        config = msgspec.structs.replace(config, server=server)
    fixed = binding.with_token(config)
    options.warn_of_trace(trace)
    manner = serving.Manner(
        replace=replace, separate=separate, log_file=log_file or "", supervisor=supervisor, arguments=given.arguments()
    )
    with _log(log_file):
        try:
            serving.run(
                fixed,
                manner,
                ready=lambda base_url: _announce(base_url, fixed, token_is_new=fixed != config),
                store=options.record_store(fixed),
                trace=trace,
                source=options.source({**given.settings(), "server.token": token}, given.config_path),
            )
        except AlreadyRunningError as error:
            raise click.ClickException(_which_runs(error)) from None


@contextlib.contextmanager
def _log(file: str | None) -> Iterator[None]:
    from turnout import log

    if file is None:
        log.from_environment(os.environ)
        yield
        return
    with log.open_file(Path(file)) as opened:
        log.from_environment(os.environ, opened)
        yield


def _which_runs(error: AlreadyRunningError) -> str:
    info = error.info
    if info is None:
        return "Another gateway of yours is just starting or ending. Look again with `turnout status`."
    return (
        f"Your gateway runs already: {info.url} (process {info.pid}). Use it as it is, take its place with --replace, "
        "end it with `turnout down`, or run a second one beside it with --separate and another --port."
    )


def _announce(base_url: str, config: Config, *, token_is_new: bool) -> None:
    from turnout.cli.mapping_view import mapping_lines
    from turnout.routing.accounts import at_a_limit

    click.echo(f"\n{click.style(f'Turnout {__version__}', bold=True)} listens on {click.style(base_url, fg='cyan')}\n")
    for line in mapping_lines(config):
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
