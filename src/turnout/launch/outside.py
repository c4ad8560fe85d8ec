"""What a client is told that Turnout does not start itself: a shell's variables, an editor's or Claude Code's settings.

Looks for the gateway that runs; starts none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.discovery.catalogues import Catalogues
from turnout.gateway.binding import base_url, required_token
from turnout.launch import claude, environment, locate
from turnout.launch.token import token_file
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config
    from turnout.launch.running import RunningGatewayInfo

PROXIES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway as clients reach it."""

    url: str
    token: str
    """Empty: it wants none."""
    runs: bool
    """It runs now."""
    lasting: bool
    """Address and token will be the same after a restart: the port is a fixed one, and the token is one that is kept
    (that of the configuration, or the one that `turnout up` has made)."""


def target(config: Config, running: RunningGatewayInfo | None, environ: Mapping[str, str]) -> Target:
    """The gateway that runs, else the one that `turnout up` would start, if its address and token are known.

    Raises `TurnoutError` (`UNREACHABLE`) if none runs and they are not.
    """
    server = config.server
    token = required_token(config) or (_kept(environ) if server.require_token else "")
    fixed = bool(server.port) and (bool(token) or not server.require_token)
    described = base_url(server.host, server.port)
    if running is not None:
        lasting = fixed and (running.url, running.token) == (described, token)
        return Target(url=running.url, token=running.token, runs=True, lasting=lasting)
    if not fixed:
        raise fail(
            FailureKind.UNREACHABLE,
            "No gateway runs, and the address or token of the next one is not known yet.",
            "Start one with: turnout up",
        )
    return Target(url=described, token=token, runs=False, lasting=True)


def _kept(environ: Mapping[str, str]) -> str:
    """The token of the gateway in the background, empty if none has been made yet."""
    try:
        return token_file(environ).read_text("utf-8").strip()
    except OSError:
        return ""


def variables(target: Target, config: Config, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables for Claude Code, and nothing else of ``environ`` than what they depend on.

    Where a proxy is set, NO_PROXY comes along: what is meant for this machine must not go there.
    """
    catalogue = Catalogues(environ).known(config)
    program = locate.claude(environ)
    about_proxies = {name: environ[name] for name in (*PROXIES, *environment.NO_PROXY) if name in environ}
    told = environment.for_claude(
        about_proxies,
        target.url,
        target.token,
        claude.window(config, catalogue),
        output=claude.longest_answer(config, catalogue),
        version=locate.version(program) if program is not None else "",
    )
    if not any(name in environ for name in PROXIES):
        told = {name: value for name, value in told.items() if name not in environment.NO_PROXY}
    return {name: value for name, value in told.items() if name not in PROXIES}


def names() -> list[str]:
    """The variables that `variables` sets, without those that a proxy of the user's needs."""
    return [name for name in environment.for_claude({}, "", "", 0, output=0) if name not in environment.NO_PROXY]
