"""`turnout simulate`: the simulated backends in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from turnout.scratch import ScratchFolder

if TYPE_CHECKING:
    from turnout.simulator import Simulator


@click.command("simulate")
@click.option("--port", type=click.IntRange(0, 65_535), default=4010, show_default=True, help="0: a free one.")
@click.option(
    "--scenario", metavar="NAME|FILE", help="What the model says: a scenario's name, or a .toml or .json file."
)
def command(*, port: int, scenario: str | None) -> None:
    """Run a stand-in for the Codex backend and the OpenAI API.

    It answers on this machine as strictly as the real services: what they refuse, it refuses in their words. Without a
    scenario, simple rules make it call the tools that a prompt names and quote their results.

    \b
    turnout simulate
    turnout simulate --scenario coding
    turnout simulate --port 0 --scenario my-scenario.toml

    It prints how to point `turnout serve` at it; no account is needed for that.
    """
    from turnout import simulator

    try:
        loaded = simulator.load_scenario(scenario) if scenario else None
    except (OSError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--scenario") from None
    with ScratchFolder("turnout-simulator-") as login:

        def announce(running: Simulator) -> None:
            running.write_auth_json(Path(login))
            click.echo(_how_to_use(running, login))
            sys.stdout.flush()

        with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how one is meant to stop it
            asyncio.run(simulator.serve(port=port, scenario=loaded, ready=announce))


def _how_to_use(running: Simulator, login: str) -> str:
    codex = {
        "CODEX_HOME": login,
        "TURNOUT_ACCOUNTS_DIR": login,
        "TURNOUT_CHATGPT_BASE_URL": running.chatgpt_url,
        "TURNOUT_AUTH_ISSUER": running.url,
    }
    openai = {"OPENAI_API_KEY": running.api_key, "OPENAI_API_BASE_URL": running.openai_url}
    return (
        f"\nThe simulator listens on {click.style(running.url, fg='cyan')}\n"
        f"\nAs the Codex backend, with a login made for it:\n\n  {_command(codex, 'turnout serve')}\n"
        f"\nAs the OpenAI API:\n\n  {_command(openai, 'turnout serve --upstream openai')}\n"
        "\nCtrl-C stops it; the login goes with it.\n"
    )


def _command(variables: dict[str, str], command_line: str) -> str:
    """A command with variables set for it alone, as this system's usual shell wants it: a line each."""
    if sys.platform == "win32":
        return "\n  ".join([*(f'$env:{name}="{value}"' for name, value in variables.items()), command_line])
    return " \\\n  ".join([*(f"{name}={value}" for name, value in variables.items()), command_line])
