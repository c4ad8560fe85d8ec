"""`turnout service`: the gateway as a service of the user's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import click

from turnout.cli import gateway_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.cli.gateway_options import GatewayFlags
    from turnout.launch.services.plan import Plan

Result = TypeVar("Result")


@click.group("service")
def command() -> None:
    """Have the gateway start when you log in, and again when it fails.

    A user unit of systemd, a launch agent on macOS, a task of the Task Scheduler on Windows: no rights of an
    administrator are needed.

    \b
    turnout service install --port 4100
    turnout service status
    turnout service uninstall
    """


@command.command("install")
@gateway_options.gateway
@click.option("--dry-run", is_flag=True, help="Print the file and the commands, and do nothing.")
def install(*, dry_run: bool, **flags: object) -> None:
    """Make it a service, and start it. Takes the options of `turnout serve`.

    Settings in files count as ever. Variables that are set now are written into the service, except secrets.

    \b
    turnout service install
    turnout service install --dry-run
    """
    from turnout.launch import control, services
    from turnout.launch.running import find_running

    plan = _plan(gateway_options.flags(flags))
    if dry_run:
        click.echo(f"{plan.file}:\n")
        click.echo(_shown(plan))
        click.echo("\n".join(" ".join(each) for each in plan.install))
        return
    for name in services.left_out(os.environ):
        click.echo(
            f"{click.style('turnout:', fg='yellow', bold=True)} {name} is set here, but a secret is not written into a "
            "service. Put it into the configuration file, or keep a key with `turnout login --api-key`.",
            err=True,
        )
    running = find_running()
    if running is not None and not running.supervisor:
        click.echo(f"The gateway that runs (process {running.pid}) makes room for it.")
        control.end(running, None, gateway_options.flags(flags).resolve().config.server.drain)
    _do(lambda: services.install(plan))
    click.echo(
        f"Installed {plan.file} and started. {plan.hint}\nUndo: turnout service uninstall. Look: turnout status."
    )


@command.command("uninstall")
def uninstall() -> None:
    """End the service and remove its file."""
    from turnout.launch import services

    plan = _plan(gateway_options.GatewayFlags())
    removed = _do(lambda: services.uninstall(plan))
    click.echo(f"Removed {plan.file}." if removed else f"There is no service of Turnout ({plan.file}).")


@command.command("status")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
def status(*, json_wanted: bool) -> int:
    """Show whether the service is installed, and whether it runs. Exit code 3: it does not."""
    import json

    from turnout.launch import services

    plan = _plan(gateway_options.GatewayFlags())
    installed, runs = plan.file.exists(), services.running(plan)
    if json_wanted:
        facts = {"manager": plan.manager, "file": str(plan.file), "installed": installed, "running": runs}
        click.echo(json.dumps(facts, indent=2))
    elif not installed:
        click.echo(f"Not installed ({plan.manager}). `turnout service install` does that.")
    else:
        click.echo(f"Installed ({plan.manager}, {plan.file}), and it {'runs' if runs else 'does not run'}.")
    return 0 if installed and runs else 3


def restart() -> None:
    """Has the service manager start the service anew. Raises `ClickException`."""
    from turnout.launch import services

    _do(lambda: services.restart(_plan(gateway_options.GatewayFlags())))


def _plan(given: GatewayFlags) -> Plan:
    from turnout.launch import services

    drain = given.resolve().config.server.drain
    return _do(lambda: services.planned(given.arguments(), drain))


def _do(what: Callable[[], Result]) -> Result:
    from turnout.launch.services import ServiceError

    try:
        return what()
    except ServiceError as error:
        raise click.ClickException(str(error)) from None


def _shown(plan: Plan) -> str:
    return plan.content.decode("utf-16" if plan.manager == "task-scheduler" else "utf-8")
