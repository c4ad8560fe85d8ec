"""The open connections to one address. aiohttp makes them: names, proxies and TLS are its business, not ours.

What goes over them is `turnout.upstream.http1`'s: aiohttp's own client is the larger part of what a short request costs
in Turnout, and of what each event of an answer does (`bench/`, cases ``small`` and ``stream``).
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from turnout.upstream.http1 import Http1Connection

if TYPE_CHECKING:
    import ssl

    import aiohttp
    from multidict import CIMultiDict
    from yarl import URL

IDLE_SECONDS = 90.0
"""How long an idle connection is kept: about the pause between two turns of a person."""
DNS_SECONDS = 300
"""How long a name's addresses count."""


class NoConnection(Exception):
    """None could be made."""

    def __init__(self, why: Exception) -> None:
        super().__init__(str(why))
        self.why = why


class Pool:
    """The connections to one server, for as many requests at once as there are."""

    def __init__(
        self,
        url: URL,
        *,
        connect: float,
        context: ssl.SSLContext | None,
        proxy: URL | None,
        proxy_headers: CIMultiDict[str] | None,
    ) -> None:
        """``connect`` is the seconds that making a connection may take; ``context`` is for ``https`` addresses."""
        self._url = url
        self._connect = connect
        self._context = context
        self._proxy = proxy
        self._proxy_headers = proxy_headers
        self._connector: aiohttp.TCPConnector | None = None
        self._idle: list[Http1Connection] = []
        """The one used last at the end, which is the next one to be used: the others grow old and go."""
        self._sweeping: asyncio.TimerHandle | None = None

    def idle(self) -> Http1Connection | None:
        """An open connection that nobody uses; None if there is none."""
        while self._idle:
            connection = self._idle.pop()
            if connection.reusable:
                return connection
            connection.close()
        return None

    async def open(self) -> Http1Connection:
        """A new connection. Raises `NoConnection`."""
        import aiohttp  # 100 ms: `turnout.upstream.prepare` has it done when a gateway listens

        loop = asyncio.get_running_loop()
        if self._connector is None:  # made on first use, since it belongs to the running event loop
            self._connector = aiohttp.TCPConnector(
                limit=0,
                ttl_dns_cache=DNS_SECONDS,
                ssl=True if self._context is None else self._context,
                force_close=True,
            )
        wanted = aiohttp.ClientRequest(
            "POST", self._url, proxy=self._proxy, proxy_headers=self._proxy_headers, loop=loop
        )
        timeout = aiohttp.ClientTimeout(total=None, connect=self._connect)
        try:
            below = await self._connector.connect(wanted, [], timeout)
        except (aiohttp.ClientError, OSError) as error:  # a `TimeoutError` is an `OSError`
            raise NoConnection(error) from None
        protocol, transport = below.protocol, below.transport
        if protocol is None or transport is None:
            below.close()
            raise NoConnection(ConnectionResetError("the connection was closed as soon as it was made"))

        def lost(reason: Exception | None) -> None:
            protocol.connection_lost(reason)  # aiohttp waits for the end of what it has opened
            below.close()

        connection = Http1Connection(transport, on_lost=lost)
        transport.set_protocol(connection)
        return connection

    def give_back(self, connection: Http1Connection) -> None:
        """The user is done with a connection: it is kept if it can be used again."""
        if not connection.reusable or self._connector is None:
            connection.close()
            return
        connection.used = time.monotonic()
        self._idle.append(connection)
        if self._sweeping is None:
            self._sweep_in(IDLE_SECONDS)

    def _sweep_in(self, seconds: float) -> None:
        self._sweeping = asyncio.get_running_loop().call_later(seconds, self._sweep)

    def _sweep(self) -> None:
        """Closes what has been idle for too long."""
        self._sweeping = None
        oldest = time.monotonic() - IDLE_SECONDS
        kept = []
        for connection in self._idle:
            if connection.reusable and connection.used > oldest:
                kept.append(connection)
            else:
                connection.close()
        self._idle = kept
        if kept:
            self._sweep_in(max(kept[0].used - oldest, 1.0))

    async def close(self) -> None:
        """Closes all connections, used ones as well. The pool may be used again."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._idle = []
        connector, self._connector = self._connector, None
        if connector is not None:
            await connector.close()
