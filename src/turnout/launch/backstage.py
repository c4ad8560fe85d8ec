"""A private gateway that is loaded while the client starts: the address is there at once, and whoever knocks waits.

A client takes longer to its first request than a gateway takes to load, so that neither waits for the other.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

import msgspec

from turnout.gateway.binding import base_url, listen, make_token

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from types import TracebackType

    from turnout.config import Config
    from turnout.gateway.server import RunningGateway

    Make = Callable[[Config, list[socket.socket]], RunningGateway]


def private(config: Config) -> Config:
    """The configuration of a gateway for one client: loopback, a free port, a token of its own."""
    server = msgspec.structs.replace(
        config.server, host="127.0.0.1", port=0, token=make_token(), require_token=True, allowed_hosts=()
    )
    return msgspec.structs.replace(config, server=server)


def listening_as(config: Config, other: Config) -> Config:
    """The configuration with the other one's listening side: what may not change under a client."""
    there = other.server
    server = msgspec.structs.replace(
        config.server,
        host=there.host,
        port=there.port,
        token=there.token,
        require_token=there.require_token,
        allowed_hosts=there.allowed_hosts,
    )
    return msgspec.structs.replace(config, server=server)


class Backstage:
    """The gateway of one client, for as long as a ``with`` block lasts. Loading begins with `begin`."""

    def __init__(self, config: Config, make: Make) -> None:
        """``make`` makes the gateway for a configuration and the sockets it shall use; it is called in a thread."""
        self.config = private(config)
        self.token = self.config.server.token
        self.failure: BaseException | None = None
        """Why there is no gateway after all."""
        self._make = make
        self._failed: Callable[[], None] = lambda: None
        self._gateway: RunningGateway | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Takes a port: `base_url` is there then. Raises `SettingsError`."""
        self._sockets = listen("127.0.0.1", 0)
        port = self._sockets[0].getsockname()[1]
        self.base_url = base_url("127.0.0.1", port)
        self.config = msgspec.structs.replace(
            self.config, server=msgspec.structs.replace(self.config.server, port=port)
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.join()
        if self._gateway is not None:
            self._gateway.__exit__(kind, error, trace)
        self._close()

    def begin(self, failed: Callable[[], None]) -> None:
        """Begins to load it in the background. ``failed`` is called, in that thread, if that does not succeed."""
        self._failed = failed
        self._thread = threading.Thread(target=self._load, name="turnout-loading", daemon=True)
        self._thread.start()

    def load(self) -> None:
        """Loads it now. Raises what hinders it."""
        self._load()
        if self.failure is not None:
            raise self.failure

    def _load(self) -> None:
        try:
            self._gateway = self._make(self.config, self._sockets).__enter__()
        except BaseException as failure:  # noqa: BLE001 (told to whoever waits for the client)
            self.failure = failure
            self._close()
            self._failed()

    def _close(self) -> None:
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.close()
