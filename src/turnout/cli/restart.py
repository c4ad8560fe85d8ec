"""`turnout restart`: a new gateway in the place of the one that runs."""

from __future__ import annotations

import click
import msgspec

from turnout.cli import gateway_options


@click.command("restart")
@gateway_options.gateway
@click.option("--quiet", "-q", is_flag=True, help="Print nothing when all is well.")
def command(*, quiet: bool, **flags: object) -> None:
    """Begin a new gateway in the place of the one that runs, as after an upgrade of Turnout.

    The new one is loaded first and takes over address and token; the old one finishes its open answers meanwhile.
    Without options it is started as the old one was, with the settings that are in the files now.

    \b
    turnout restart
    turnout restart --model gpt-6-astra
    """
    from turnout.cli import service, up
    from turnout.launch.running import find_running

    given = gateway_options.flags(flags)
    running = find_running()
    if running is not None and running.supervisor and not given.arguments():
        service.restart()
        if not quiet:
            click.echo(f"{running.supervisor} has started the gateway anew.")
        return
    config, launch = up.prepared(given)
    if running is not None:
        variables = {**launch.variables, **({"TURNOUT_TOKEN": running.token} if running.token else {})}
        arguments = ("--replace", *(given.arguments() or running.arguments))
        launch = msgspec.structs.replace(launch, arguments=arguments, variables=variables)
    info = up.started(launch)
    if quiet:
        return
    if running is not None:
        click.echo(f"It takes the place of process {running.pid}{_of_version(running.version, info.version)}.")
    up.tell(info, config)


def _of_version(old: str, new: str) -> str:
    return f", which was of version {old}" if old != new else ""
