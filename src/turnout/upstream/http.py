"""The HTTP transport that the upstreams share: one pooled aiohttp session for one address.

Sends a body, gives back the raw bytes of the answer, and says in `FailureKind` terms what went wrong. Knows nothing of
models, of accounts or of what the bytes mean; what an error answer means is read by `turnout.translate.errors`.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import hdrs
from aiohttp.payload import Payload
from multidict import CIMultiDict

from turnout.network import USUAL_WAY, Way, address, context_for, proxy_for, reason, unreachable
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.translate.errors import classify_http
from turnout.upstream.base import Refused
from turnout.upstream.reader import whole_reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.client_proto import ResponseHandler
    from yarl import URL

READ_BUFFER = 128 * 1024
"""Bytes of an answer that may wait to be read (aiohttp stops reading from the network at twice this)."""
WRITE_PIECE = 256 * 1024
"""Bytes of a body that are handed to the kernel at once."""
POOL_SECONDS = 90.0
"""How long an idle connection is kept: about the pause between two turns of a person."""
STALE_SECONDS = 2.0
"""Idle time after which a pooled connection may have been closed by the other side just as we use it."""
ERROR_BODY = 64 * 1024
"""Bytes of an error answer that are looked at."""
ERROR_SECONDS = 10.0
"""Seconds that an error answer's body may take."""
NOT_A_STREAM = ("application/json", "application/problem+json", "text/html")
"""Content types that cannot be an event stream; any other one is read as a stream, since many servers mislabel it."""
NO_PAGE = ("text/html",)
"""The same where a JSON body is an answer too."""


class _Body(Payload):
    """A request body that lets go of its bytes once it is sent, and remembers the connection it went out on.

    aiohttp's own payload for bytes keeps them, and warns of bodies over 1 MiB; long sessions have them.
    """

    _default_content_type = "application/json"
    _value: bytes
    connection: ResponseHandler | None = None
    idle: float | None = None
    """Seconds that the connection had not been used; None if it is new."""

    def __init__(self, value: bytes) -> None:
        super().__init__(value)
        self._size = len(value)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return self._value.decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        value = self._value
        if len(value) <= WRITE_PIECE:
            await writer.write(value)
            return
        view = memoryview(value)
        for start in range(0, len(value), WRITE_PIECE):
            await writer.write(view[start : start + WRITE_PIECE])

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        await self.write(writer)

    async def close(self) -> None:
        self._value = b""


class _Connector(aiohttp.TCPConnector):
    """A connector that tells a request's `_Body` for how long its connection had been idle."""

    def __init__(self, context: ssl.SSLContext | bool, *, pooled: bool) -> None:
        """``pooled``: connections are kept and used again; else each request has one of its own."""
        kept: dict[str, Any] = {"keepalive_timeout": POOL_SECONDS} if pooled else {"force_close": True}
        super().__init__(limit=0, ttl_dns_cache=300, ssl=context, **kept)
        self.last_used: WeakKeyDictionary[ResponseHandler, float] = WeakKeyDictionary()

    async def connect(self, req: Any, traces: Any, timeout: aiohttp.ClientTimeout) -> Any:  # noqa: ASYNC109
        connection = await super().connect(req, traces, timeout)
        body, protocol = req.body, connection.protocol
        if isinstance(body, _Body) and protocol is not None:
            now, last = time.monotonic(), self.last_used.get(protocol)
            body.connection = protocol
            body.idle = None if last is None else now - last
            self.last_used[protocol] = now
        return connection


class HttpStream:
    """An answer's bytes as they come. See `turnout.upstream.base.UpstreamStream`."""

    __slots__ = ("_connection", "_connector", "_content", "_name", "_read", "_response")

    def __init__(
        self, name: str, response: aiohttp.ClientResponse, connector: _Connector, connection: ResponseHandler | None
    ) -> None:
        self._name = name
        self._response = response
        self._content = response.content
        self._read = whole_reader(response.content)
        self._connector = connector
        self._connection = connection

    @property
    def headers(self) -> Mapping[str, str]:
        return self._response.headers

    @property
    def ended(self) -> bool:
        return self._content.at_eof()

    async def read(self) -> bytes:
        try:
            return await self._read()
        except (aiohttp.ClientError, OSError) as error:
            raise fail(
                FailureKind.CUT, f"{self._name} broke the connection off in mid-answer ({reason(error)})."
            ) from None

    def close(self) -> None:
        if self._connection is not None and self.ended:
            self._connector.last_used[self._connection] = time.monotonic()
        self._connection = None
        self._response.close()


class Transport:
    """Sends POST requests to one address over pooled connections."""

    def __init__(
        self,
        name: str,
        url: str,
        *,
        connect: float,
        environ: Mapping[str, str] = os.environ,
        stale_after: float = STALE_SECONDS,
        way: Way = USUAL_WAY,
        takes_json: bool = False,
    ) -> None:
        """``name`` is for messages; ``connect`` is in seconds. ``environ`` is asked for a proxy and certificates.

        ``way`` is what is special about the way there. ``takes_json``: an answer may be one JSON body as well.
        Raises `SettingsError` for an address, a proxy or a certificate file that cannot be used.
        """
        self.name = name
        self.url = address(name, url)
        self._timeout = aiohttp.ClientTimeout(total=None, connect=connect)
        self._stale_after = stale_after
        self._proxy, self._proxy_headers = proxy_for(self.url, way.proxy)
        self._context = context_for(environ, way) if self.url.scheme == "https" else True
        self._no_streams = NO_PAGE if takes_json else NOT_A_STREAM
        self._pools: dict[bool, tuple[aiohttp.ClientSession, _Connector]] = {}

    def _pool(self, *, pooled: bool) -> tuple[aiohttp.ClientSession, _Connector]:
        """The session, made on first use since it belongs to the running event loop."""
        if pooled not in self._pools:
            connector = _Connector(self._context, pooled=pooled)
            session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                read_bufsize=READ_BUFFER,
                skip_auto_headers=(hdrs.USER_AGENT, hdrs.ACCEPT_ENCODING, hdrs.ACCEPT),
            )
            self._pools[pooled] = (session, connector)
        return self._pools[pooled]

    async def post(
        self, headers: CIMultiDict[str], body: bytes, *, fresh: bool = False, url: URL | None = None
    ) -> HttpStream:
        """Sends ``body``; returns once the answer has begun with status 200 and may be an event stream.

        ``url`` is another one on the same server. ``fresh``: it goes over a new connection, which is not kept.

        Raises `TurnoutError`: `UNREACHABLE` without a connection, `CUT` when it ends before an answer, and what
        `classify_http` makes of any other answer. A pooled connection that the other side had already closed is
        replaced by a fresh one without a word, since upstream has not seen the request then.
        """
        session, connector = self._pool(pooled=not fresh)
        if self._proxy_headers is not None and self.url.scheme == "http":
            headers.update(self._proxy_headers)  # there is no CONNECT that could carry them
        payload = _Body(body)
        while True:
            try:
                response = await session.post(
                    url or self.url,
                    data=payload,
                    headers=headers,
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                )
                break
            except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError, aiohttp.ClientHttpProxyError) as error:
                raise unreachable(self.url, self._proxy, error) from None
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if payload.idle is None or payload.idle < self._stale_after:
                    raise fail(
                        FailureKind.CUT, f"{self.name} closed the connection before it answered ({reason(error)})."
                    ) from None
                payload = _Body(body)
            except aiohttp.ClientError as error:
                raise fail(
                    FailureKind.UPSTREAM_ERROR, f"{self.name} gave an answer that is not HTTP ({reason(error)})."
                ) from None
        if response.status != 200 or response.content_type in self._no_streams:
            raise await _refusal(response)
        return HttpStream(self.name, response, connector, payload.connection)

    async def close(self) -> None:
        """Closes the pool. The transport may be used again: it makes a new one."""
        pools, self._pools = self._pools, {}
        for session, _ in pools.values():
            await session.close()


async def _refusal(response: aiohttp.ClientResponse) -> TurnoutError:
    """The error for an answer that is no event stream. Reads as much of its body as helps to explain it."""
    body = b""
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            while len(body) < ERROR_BODY and (piece := await response.content.readany()):
                body += piece
    except (aiohttp.ClientError, OSError):
        pass  # the status and the part that came still say what happened
    finally:
        if response.content.at_eof():
            response.release()
        else:
            response.close()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Refused(classify_http(response.status, headers, body[:ERROR_BODY]), headers)
