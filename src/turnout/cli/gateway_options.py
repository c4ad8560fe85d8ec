"""The options that make a gateway what it is, which `serve`, `up`, `restart` and `service` share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from turnout.cli import options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from turnout.settings import Loaded

Command = TypeVar("Command", bound="Callable[..., Any]")


class GatewayFlags(msgspec.Struct, frozen=True, kw_only=True):
    """What was given on the command line. Nothing here is secret."""

    port: int | None = None
    host: str | None = None
    account: str | None = None
    upstream: str | None = None
    no_token: bool = False
    model: str | None = None
    effort: str | None = None
    fast: bool = False
    strict: bool | None = None
    config_path: Path | None = None

    def settings(self) -> dict[str, object]:
        """As settings by their dotted paths; None is one that was not given."""
        return {
            "server.port": self.port,
            "server.host": self.host,
            "server.require_token": False if self.no_token else None,
            "upstream": self.upstream,
            "accounts.use": self.account,
            "strict": self.strict,
            **options.slot_flags(self.model, self.effort, fast=self.fast),
        }

    def arguments(self) -> tuple[str, ...]:
        """As arguments of `turnout serve` that mean the same in any folder."""
        given = {
            "--port": self.port,
            "--host": self.host,
            "--account": self.account,
            "--upstream": self.upstream,
            "--model": self.model,
            "--effort": self.effort,
            "--config": self.config_path.absolute() if self.config_path else None,
        }
        words = [word for name, value in given.items() if value is not None for word in (name, str(value))]
        switches = {"--no-token": self.no_token, "--fast": self.fast, "--strict": self.strict}
        return (*words, *(name for name, on in switches.items() if on))

    def resolve(self, **more: object) -> Loaded:
        """The settings in force. Raises `SettingsError`."""
        return options.resolve({**self.settings(), **more}, self.config_path)


def gateway(command: Command) -> Command:
    """The options themselves; their values come as the fields of `GatewayFlags`."""
    for option in reversed(
        (
            click.option(
                "--port", type=click.IntRange(0, 65_535), help="Port to listen on (default 4000; 0: a free one)."
            ),
            click.option(
                "--host", metavar="ADDRESS", help="Address to listen on (default 127.0.0.1: this machine only)."
            ),
            options.account,
            options.upstream,
            click.option("--no-token", is_flag=True, help="Let every program on this machine in (loopback only)."),
            options.slots,
            options.fast,
            click.option(
                "--strict", is_flag=True, default=None, help="Refuse requests of which something would be left out."
            ),
            options.config_file,
        )
    ):
        command = option(command)
    return command


def flags(given: Mapping[str, object]) -> GatewayFlags:
    """The options' values as one record."""
    return GatewayFlags(**given)  # type: ignore[arg-type]  # click has checked them
