"""`turnout up`: the gateway in the background."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from turnout import __version__
from turnout.cli import gateway_options

if TYPE_CHECKING:
    from turnout.cli.gateway_options import GatewayFlags
    from turnout.config import Config
    from turnout.launch.background import Launch
    from turnout.launch.running import RunningGatewayInfo


@click.command("up")
@gateway_options.gateway
@click.option("--quiet", "-q", is_flag=True, help="Print nothing when all is well.")
def command(*, quiet: bool, **flags: object) -> None:
    """Start the gateway in the background, if it does not run.

    It takes the options of `turnout serve`, and stays when the terminal is closed. Its token is made once and kept, so
    that clients go on to work after a restart. The log goes to a file: `turnout logs`.

    \b
    turnout up
    turnout up --port 4100 --model gpt-6-astra
    turnout up --quiet && claude  with `turnout env` in your shell
    turnout down                  ends it
    """
    from turnout.launch.running import find_running

    given = gateway_options.flags(flags)
    running = find_running()
    if running is not None:
        if not quiet:
            _tell_running(running, given)
        return
    config, launch = prepared(given)
    info = started(launch)
    if not quiet:
        tell(info, config)


def prepared(given: GatewayFlags) -> tuple[Config, Launch]:
    """The settings in force, and what to start a gateway with for them. Raises `SettingsError`."""
    import msgspec

    from turnout.cli import readiness
    from turnout.gateway import binding
    from turnout.launch.background import Launch
    from turnout.launch.token import kept_token

    config = readiness.fitted(given.resolve())
    server = config.server
    if server.require_token and not server.token:
        config = msgspec.structs.replace(config, server=msgspec.structs.replace(server, token=kept_token()))
    binding.with_token(config)  # better refused here than in the log
    # By a variable: the command line of a process can be read by everybody.
    variables = {"TURNOUT_TOKEN": config.server.token} if config.server.require_token else {}
    return config, Launch(arguments=given.arguments(), variables=variables)


def started(launch: Launch) -> RunningGatewayInfo:
    """Starts it and waits until it listens. Raises `ClickException` with what it said if it does not."""
    from turnout.launch import background

    try:
        return background.start(launch)
    except background.NotStartedError as error:
        said = "\n".join(line.removeprefix("turnout: ") for line in error.said.splitlines()[-5:])
        raise click.ClickException(
            f"The gateway did not start. {said or 'It said nothing.'}\n  Its log: {error.log_file}"
        ) from None


def tell(info: RunningGatewayInfo, config: Config) -> None:
    """What has come to run, what its names stand for, and whether it could answer now."""
    from turnout.cli.mapping_view import mapping_lines
    from turnout.launch import control

    click.echo(f"\n{click.style(f'Turnout {info.version}', bold=True)} listens on {click.style(info.url, fg='cyan')}\n")
    for line in mapping_lines(config):
        click.echo(f"  {line}")
    click.echo()
    for what, typed in (("Claude Code on it", "claude"), ("Other clients", "env"), ("Its end", "down")):
        click.echo(f"{f'{what}:':<18} turnout {typed}")
    for reason in control.reasons_not_ready(info):
        click.echo(f"{click.style('Not ready:', fg='yellow', bold=True)} {reason}")


def _tell_running(info: RunningGatewayInfo, given: GatewayFlags) -> None:
    click.echo(f"The gateway runs already: {info.url} (process {info.pid}).")
    wanted = given.arguments()
    if info.version != __version__:
        click.echo(f"It is of version {info.version}; `turnout restart` begins {__version__}, in which you are asking.")
    elif wanted and wanted != info.arguments:
        again = " ".join(wanted)
        click.echo(f"It goes on as it was started; `turnout restart {again}` gives it these options.")
    if info.supervisor:
        click.echo(f"It was started by {info.supervisor}: see `turnout service status`.")
