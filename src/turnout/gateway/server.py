"""Runs the gateway: uvicorn on the fastest event loop there is, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from typing import TYPE_CHECKING, Self

import msgspec
import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from turnout.accounts.store import Accounts
from turnout.discovery.catalogues import Catalogues
from turnout.gateway import memory
from turnout.gateway.app import Gateway
from turnout.gateway.binding import BACKLOG, base_url, listen, required_token, with_token
from turnout.gateway.http1 import protocol
from turnout.gateway.life import Life
from turnout.gateway.tracing import FileOutlet
from turnout.gateway.websocket import socket_protocol
from turnout.models.catalogue import Catalogue
from turnout.upstream import build

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import FrameType, TracebackType

    from turnout.config import Config
    from turnout.ledger.store import RecordStore
    from turnout.settings import Source
    from turnout.upstream.base import Upstream

__all__ = ["RunningGateway", "Server", "loop_factory", "run", "serve", "with_token"]

KEEP_ALIVE_SECONDS = 300
"""How long an idle client's connection is kept: a person thinks between two turns, and a connection that is closed
just as the client uses it costs it a retry."""
PING_SECONDS = 30.0
"""How often a WebSocket's client is asked for a sign of life, and how long it may take."""
FORCED_END_SECONDS = 1.0
"""What answers that are cut off get to say so."""


def run(
    config: Config,
    *,
    ready: Callable[[str], None] | None = None,
    store: RecordStore | None = None,
    trace: Path | None = None,
    life: Life | None = None,
    source: Source | None = None,
) -> None:
    """`serve` on the fastest event loop there is. Returns after SIGINT or SIGTERM. Raises what `serve` raises."""
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(config, ready=ready, store=store, trace=trace, life=life, source=source))


async def serve(
    config: Config,
    *,
    ready: Callable[[str], None] | None = None,
    store: RecordStore | None = None,
    trace: Path | None = None,
    life: Life | None = None,
    source: Source | None = None,
) -> None:
    """Runs the gateway until SIGINT, SIGTERM or its ``life`` ends it; a second signal ends it at once.

    ``ready`` is called with the address for clients once it listens. Records of requests go to the ``store``, the wire
    of the first session to the file ``trace``. ``source`` is where ``config`` came from, and will change. Raises
    `SettingsError` when it may not or cannot listen where it is told to, or an upstream is set up wrongly; `OSError` if
    the trace cannot be begun.
    """
    memory.tune()
    config = with_token(config)
    accounts = Accounts(config, os.environ)
    upstreams = build(config, accounts=accounts)
    token = required_token(config)
    catalogue = Catalogues(os.environ).known(config)
    gateway = Gateway(
        config,
        upstreams,
        catalogue,
        token,
        store,
        accounts=accounts,
        life=life,
        refreshes=True,
        source=source,
        build=lambda changed: build(changed, accounts=accounts),
    )
    gateway.life.coming()
    sockets = listen(config.server.host, config.server.port)
    if trace is not None:
        gateway.tracer.start(lambda: FileOutlet(trace))
    port = sockets[0].getsockname()[1]
    server = Server(gateway, on_started=lambda: ready(base_url(config.server.host, port)) if ready else None)
    await server.serve(sockets)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Makes uvloop's event loop where it is installed (not on Windows); None means asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


class Server(uvicorn.Server):
    """uvicorn around one gateway, with an end of our own kind: no signal is raised again once all is closed."""

    def __init__(self, gateway: Gateway, *, on_started: Callable[[], None]) -> None:
        self._gateway = gateway
        self._on_started = on_started
        gateway.life.end = self._end_in
        limits = gateway.config.server
        super().__init__(
            uvicorn.Config(
                gateway.asgi,
                http=protocol(limits),
                ws=socket_protocol,  # type: ignore[arg-type]  # called as the class is
                ws_max_size=limits.body_limit,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                lifespan="off",
                interface="asgi3",
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=limits.drain,  # type: ignore[arg-type]  # seconds; a fraction works as well
                server_header=False,
                proxy_headers=False,
                access_log=False,
                log_config=None,
                log_level="critical",  # the gateway logs what there is to log
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._gateway.start()
        self._on_started()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._gateway.tracer.finish()  # who listens to a trace would be waited for
        for each in self.servers:
            each.close()
        self._gateway.life.left()  # from here on another one may listen
        await super().shutdown(sockets)
        if tasks := set(self.server_state.tasks):
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=FORCED_END_SECONDS)
        await self._gateway.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.end(at_once=self.should_exit)

    def end(self, *, at_once: bool = False) -> None:
        """Begins the end: no new connections, and open answers get their time unless ``at_once``."""
        self.should_exit = True
        self.force_exit = self.force_exit or at_once

    def _end_in(self, drain: float | None) -> None:
        """`end`, with a time of its own for open answers, in seconds."""
        if drain is not None:
            self.config.timeout_graceful_shutdown = drain  # type: ignore[assignment]  # a fraction works as well
        self.end(at_once=drain == 0)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class RunningGateway:
    """A gateway in a thread of its own, for as long as a ``with`` block lasts."""

    def __init__(
        self,
        config: Config,
        *,
        upstreams: Mapping[str, Upstream] | None = None,
        catalogue: Catalogue | None = None,
        store: RecordStore | None = None,
        trace: Path | None = None,
        environ: Mapping[str, str] = os.environ,
        refreshes: bool = False,
        source: Source | None = None,
        sockets: list[socket.socket] | None = None,
    ) -> None:
        """``upstreams`` and ``catalogue`` stand in for those that ``config`` wants and the bundled one.

        With ``refreshes`` it begins with the catalogue that is kept, and asks for a fresh one by itself.

        Without a ``store`` records end with the gateway. ``trace`` is a file to record the first session to.
        ``environ`` says where this user's files are. ``source`` is where ``config`` came from, and will change. It
        listens on ``sockets`` if they are given; they become its own.
        """
        self._store = store
        self._given = sockets
        self._source = source
        self._environ = environ
        self._trace = trace
        self.config = config
        self._upstreams = upstreams
        self._catalogue = catalogue
        self._refreshes = refreshes
        self._failure: BaseException | None = None
        self._listening = threading.Event()

    def __enter__(self) -> Self:
        """Starts it: `base_url`, `token`, `gateway` and the `config` in force are there then.

        Raises `SettingsError`, and `OSError` if the trace cannot be begun.
        """
        self.config = with_token(self.config)
        self.token = required_token(self.config)
        accounts = Accounts(self.config, self._environ)
        upstreams = build(self.config, accounts=accounts) if self._upstreams is None else self._upstreams
        self._sockets = self._given or listen(self.config.server.host, self.config.server.port)
        port = self._sockets[0].getsockname()[1]
        settings = msgspec.structs.replace(self.config.server, port=port)
        self.config = msgspec.structs.replace(self.config, server=settings)
        self.base_url = base_url(settings.host, port)
        catalogue = self._catalogue
        if catalogue is None:
            catalogue = Catalogues(self._environ).known(self.config) if self._refreshes else Catalogue.bundled()
        self.gateway = Gateway(
            self.config,
            upstreams,
            catalogue,
            self.token,
            self._store,
            accounts=accounts,
            environ=self._environ,
            refreshes=self._refreshes,
            source=self._source,
            build=(lambda changed: build(changed, accounts=accounts)) if self._upstreams is None else None,
        )
        if (file := self._trace) is not None:
            self.gateway.tracer.start(lambda: FileOutlet(file))
        self._server = Server(self.gateway, on_started=self._listening.set)
        self._thread = threading.Thread(target=self._run, name="turnout-gateway", daemon=True)
        try:
            self._thread.start()
            self._listening.wait()
        except BaseException:  # an interrupt, after which nobody would end it
            self.end(at_once=True)
            if self._thread.is_alive():  # one that has not begun yet ends as soon as it does
                self._thread.join()
            raise
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.end()
        self._thread.join()

    def end(self, *, at_once: bool = False) -> None:
        """Begins the end, as a signal would; leaving the ``with`` block waits for it."""
        self._server.end(at_once=at_once)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._server.serve(self._sockets))
        except BaseException as failure:  # noqa: BLE001 (raised in the thread that waits for the start)
            self._failure = failure
        finally:
            self._listening.set()
