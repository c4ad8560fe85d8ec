"""`turnout trace`: a session's wire, recorded, shown, sent again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.cli import options

if TYPE_CHECKING:
    from turnout.config import Config
    from turnout.ledger.trace import Trace

FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("trace", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Record a session's wire, look at it, send it again elsewhere.

    A trace is a file of JSON lines with the client's requests, what was sent upstream, what upstream said and what the
    client was told, with times. Keys, account ids, e-mail addresses and encrypted reasoning are replaced by stand-ins.
    Prompts, the contents of files and the answers are not: read a trace before you give it to anyone.

    \b
    turnout trace record session.jsonl    at a gateway that runs, until Ctrl-C
    turnout serve --trace session.jsonl   or from its start
    turnout claude --trace session.jsonl  or of one run of Claude Code
    turnout trace show session.jsonl
    turnout trace replay session.jsonl --upstream openai
    """


@command.command("record")
@click.argument("file", type=FILE)
@click.option(
    "--session", default="", metavar="ID", help="Session to record: its id, or the short name of its records."
)
@click.option("--url", metavar="URL", help="Address of the gateway (default: the configured host and port).")
@click.option("--token", metavar="TEXT", help="The gateway's token; better given as TURNOUT_TOKEN.")
@options.config_file
def record(*, file: Path, session: str, url: str | None, token: str | None, config_path: Path | None) -> None:
    """Record one session at a running gateway, until Ctrl-C.

    Without --session it is the first one that sends a request. The gateway must have the token that is in force here
    (TURNOUT_TOKEN, or --token with the one that `turnout serve` shows).

    \b
    turnout trace record session.jsonl
    turnout trace record session.jsonl --session 1f3a9c07 --token tn_...
    """
    from turnout.gateway.binding import base_url
    from turnout.gateway.tracing import FileOutlet
    from turnout.replay.record import RemoteTrace

    config = options.load({"server.token": token}, config_path)
    address = url or base_url(config.server.host, config.server.port)
    requests = size = 0
    with RemoteTrace(address, config.server.token, session) as lines:
        outlet = FileOutlet(file)
        options.warn_of_trace(file)
        click.echo("Ctrl-C ends it.", err=True)
        try:
            for line in lines:
                outlet.write(line)
                size += len(line)
                requests += line.startswith(b'{"kind":"request"')
        except KeyboardInterrupt:
            click.echo(err=True)
        finally:
            outlet.close()
    click.echo(f"{requests} request{'' if requests == 1 else 's'}, {size:,} bytes in {file}.", err=True)


@command.command("show")
@click.argument("file", type=FILE)
@click.option("--full", is_flag=True, help="Show every event and every body.")
def show(*, file: Path, full: bool) -> None:
    """Show a trace as a timeline.

    \b
    turnout trace show session.jsonl
    turnout trace show session.jsonl --full
    """
    from turnout.cli import explanation, timeline

    timeline.show(explanation.console(), _read(file), full=full)


@command.command("replay")
@click.argument("file", type=FILE)
@click.option(
    "--upstream", metavar="codex|openai|URL", help="Where to: the ChatGPT backend, the OpenAI API, or a server."
)
@options.slots
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a request.")
@options.config_file
def replay(
    *,
    file: Path,
    upstream: str | None,
    model: str | None,
    effort: str | None,
    as_json: bool,
    config_path: Path | None,
) -> int:
    """Send a trace's requests again, and compare the answers.

    Each recorded request is sent as it was, through the present translation, to the given upstream (or the configured
    one), and status, stop reason, tools called, tokens and notes are put beside the recorded ones. It costs what the
    session cost. A URL is the base of any server with a /responses door, signed in at with OPENAI_API_KEY.

    Exit code 1: a request that had an answer then has none now.

    \b
    turnout trace replay session.jsonl
    turnout trace replay session.jsonl --upstream openai --model gpt-6-astra
    turnout trace replay session.jsonl --upstream http://127.0.0.1:8080/v1 --json
    """
    import msgspec

    from turnout import log
    from turnout.cli import explanation, timeline
    from turnout.launch.backstage import private
    from turnout.replay.run import replay as send_again

    trace = _read(file)
    config = private(_configured(upstream, {**options.slot_flags(model, effort)}, config_path))
    log.configure("error")
    worse = False
    table = None if as_json else timeline.ComparisonTable(explanation.console())
    for compared in send_again(trace, config):
        worse = (
            worse
            or (compared.now.status != 200 and compared.then.status == 200)
            or bool(compared.now.error and not compared.then.error)
        )
        if table is None:
            click.echo(msgspec.json.encode({**msgspec.to_builtins(compared), "differences": compared.differences}))
        else:
            table.add(compared)
    if table is not None:
        table.close()
    return 1 if worse else 0


def _configured(upstream: str | None, flags: dict[str, object], path: Path | None) -> Config:
    """The configuration with the chosen upstream: a name, or the address of a server."""
    if upstream and upstream.startswith(("http://", "https://")):
        key = os.environ.get("OPENAI_API_KEY") or "none"  # many local servers want none, and all take one
        flags |= {"upstream": "openai", "openai.base_url": upstream, "openai.api_key": key}
    else:
        flags |= {"upstream": upstream}
    return options.load(flags, path)


def _read(file: Path) -> Trace:
    from turnout.ledger.trace import NotATrace, read

    try:
        trace = read(file)
    except NotATrace as error:
        raise click.ClickException(str(error)) from None
    if trace.passed_over:
        click.echo(f"{trace.passed_over} lines of {file} could not be read and are passed over.", err=True)
    if not trace.exchanges:
        raise click.ClickException(f"There is no request in {file}.")
    return trace
