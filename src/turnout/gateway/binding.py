"""Where the gateway may listen, with which token, and the sockets for it."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from typing import TYPE_CHECKING

import msgspec

from turnout.addresses import is_loopback
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from turnout.config import Config

BACKLOG = 2048


def make_token() -> str:
    """A random token for one run."""
    return f"tn_{secrets.token_urlsafe(24)}"


def with_token(config: Config) -> Config:
    """The configuration with a token: its own, or a random one made now. Unchanged if no token is required.

    Raises `SettingsError` when the gateway would be open to other machines.
    """
    server = config.server
    if not is_loopback(server.host):
        where = f"Turnout does not listen on {server.host or 'all addresses'}"
        if not server.require_token:
            raise SettingsError(
                f"{where} without asking for a token: every machine that reaches it could use your account. "
                "Take TURNOUT_NO_TOKEN (server.require_token) back, or listen on 127.0.0.1."
            )
        if not server.token:
            raise SettingsError(
                f"{where} without a token of your own choice. "
                "Set TURNOUT_TOKEN (server.token) to a long random text, or listen on 127.0.0.1."
            )
    if server.token or not server.require_token:
        return config
    return msgspec.structs.replace(config, server=msgspec.structs.replace(server, token=make_token()))


def required_token(config: Config) -> str:
    """The token that clients must show, empty if none is required."""
    return config.server.token if config.server.require_token else ""


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets on every address that ``host`` stands for, all with one port. Raises `SettingsError`."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(f"Turnout cannot listen on {host}: {error.strerror}.") from None
    sockets: list[socket.socket] = []
    for family, kind, number, _, address in dict.fromkeys(found):
        try:
            sockets.append(_bound(family, kind, number, (address[0], port, *address[2:])))
        except OSError as error:
            if sockets:
                continue  # e.g. localhost on a machine without IPv6
            raise SettingsError(_why_not(host, port, error)) from None
        port = sockets[0].getsockname()[1]
    return sockets


def _bound(family: int, kind: int, number: int, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, kind, number)
    try:
        if os.name == "posix":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken, perhaps by another Turnout. Choose another one with --port."
    return f"Turnout cannot listen on {host}, port {port}: {error.strerror}."


def base_url(host: str, port: int) -> str:
    """The address to give to clients on this machine."""
    if host in ("", "0.0.0.0", "::"):
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
