"""`turnout down`: ends the gateway."""

from __future__ import annotations

import click


@click.command("down")
@click.option(
    "--drain",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="Time that open answers get to finish (default: the setting server.drain, 30 seconds).",
)
@click.option("--now", is_flag=True, help="End at once; open answers are cut off.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing when all is well.")
def command(*, drain: float | None, now: bool, quiet: bool) -> int:
    """End the gateway that runs. New requests are refused from then on; open answers get their time.

    It returns when the gateway has ended. That none runs is no error.

    \b
    turnout down
    turnout down --drain 300
    turnout down --now
    """
    from turnout.launch import control
    from turnout.launch.running import find_running

    if now and drain is not None:
        raise click.UsageError("--now and --drain are two ways to end it: choose one.")
    info = find_running()
    if info is None:
        if not quiet:
            click.echo("No gateway of yours runs.")
        return 0
    seconds = 0.0 if now else drain
    patience = _drain() if seconds is None else seconds
    by_itself = control.end(info, seconds, patience)
    if not by_itself:
        click.echo(f"The gateway did not end by itself; process {info.pid} was ended.", err=True)
    elif not quiet:
        click.echo(f"The gateway at {info.url} has ended.")
    if info.supervisor and not quiet:
        click.echo(f"{info.supervisor} starts it again with the next login; `turnout service uninstall` ends that.")
    return 0


def _drain() -> float:
    """Seconds that open answers get when none are said."""
    from turnout.cli import options

    return options.load({}).server.drain
