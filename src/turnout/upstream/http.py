"""The HTTP transport that the upstreams share: requests to one address over pooled connections.

Sends a body, gives back the raw bytes of the answer, and says in `FailureKind` terms what went wrong. Knows nothing of
models, of accounts or of what the bytes mean; what an error answer means is read by `turnout.translate.errors`.
"""

from __future__ import annotations

import asyncio
import os
import time
import zlib
from typing import TYPE_CHECKING

from turnout.network import USUAL_WAY, Way, address, context_for, proxy_for, reason, unreachable
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.translate.errors import classify_http
from turnout.upstream.base import Refused
from turnout.upstream.http1 import Disconnected, NotHttp
from turnout.upstream.pool import NoConnection, Pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from multidict import CIMultiDict
    from yarl import URL

    from turnout.upstream.http1 import Http1Connection

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
GZIP_OR_DEFLATE = 32 + zlib.MAX_WBITS


class HttpStream:
    """An answer's bytes as they come. See `turnout.upstream.base.UpstreamStream`."""

    __slots__ = ("_connection", "_decode", "_name", "_pool", "headers")

    def __init__(self, name: str, connection: Http1Connection, pool: Pool | None) -> None:
        """``pool`` is where the connection goes afterwards; without one it is closed.

        Raises `TurnoutError` (`UPSTREAM_ERROR`) for an answer that is compressed in an unknown way.
        """
        self._name = name
        self._connection: Http1Connection | None = connection
        self._pool = pool
        self.headers = connection.headers
        self._decode = _decoder(name, self.headers.get("content-encoding", ""))

    @property
    def ended(self) -> bool:
        return self._connection is None or self._connection.ended

    async def read(self) -> bytes:
        if self._connection is None:
            return b""
        try:
            data = await self._connection.read()
            if self._decode is None:
                return data
            while data and not (plain := self._decode(data)):
                data = await self._connection.read()
            return plain if data else b""
        except Disconnected as error:
            raise fail(
                FailureKind.CUT, f"{self._name} broke the connection off in mid-answer ({_why(error)})."
            ) from None
        except (NotHttp, zlib.error) as error:
            raise _not_http(self._name, error) from None

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._pool is None:
            connection.close()
        else:
            self._pool.give_back(connection)


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
        self._stale_after = stale_after
        self._proxy, proxy_headers = proxy_for(self.url, way.proxy)
        context = context_for(environ, way) if self.url.scheme == "https" else None
        self._pool = Pool(self.url, connect=connect, context=context, proxy=self._proxy, proxy_headers=proxy_headers)
        # Without TLS there is no CONNECT to the proxy, which reads the request itself.
        self._through_proxy = self._proxy is not None and context is None
        self._proxy_headers = proxy_headers if self._through_proxy else None
        self._beginning = self._begin(self.url)
        self._no_streams = NO_PAGE if takes_json else NOT_A_STREAM

    async def post(
        self, headers: CIMultiDict[str], body: bytes, *, fresh: bool = False, url: URL | None = None
    ) -> HttpStream:
        """Sends ``body``; returns once the answer has begun with status 200 and may be an event stream.

        ``url`` is another one on the same server. ``fresh``: it goes over a new connection, which is not kept.

        Raises `TurnoutError`: `UNREACHABLE` without a connection, `CUT` when it ends before an answer, and what
        `classify_http` makes of any other answer. A pooled connection that the other side had already closed is
        replaced by a fresh one without a word, since upstream has not seen the request then.
        """
        if self._proxy_headers is not None:
            headers.update(self._proxy_headers)
        beginning = self._beginning if url is None else self._begin(url)
        connection = await self._ask(_head(beginning, headers, len(body)), body, fresh=fresh)
        try:
            stream = HttpStream(self.name, connection, None if fresh else self._pool)
        except TurnoutError:
            connection.close()
            raise
        media = stream.headers.get("content-type", "").partition(";")[0].strip().lower()
        if connection.status != 200 or media in self._no_streams:
            raise await _refusal(stream, connection.status)
        return stream

    async def _ask(self, head: bytes, body: bytes, *, fresh: bool) -> Http1Connection:
        """The connection on which the request's answer has begun."""
        while True:
            connection = None if fresh else self._pool.idle()
            idle = 0.0 if connection is None else time.monotonic() - connection.used
            if connection is None:
                connection = await self._open()
            try:
                await connection.ask(head, body)
            except Disconnected as error:
                connection.close()
                if idle < self._stale_after:
                    raise fail(
                        FailureKind.CUT, f"{self.name} closed the connection before it answered ({_why(error)})."
                    ) from None
            except NotHttp as error:
                connection.close()
                raise _not_http(self.name, error) from None
            except BaseException:
                connection.close()
                raise
            else:
                return connection

    async def _open(self) -> Http1Connection:
        try:
            return await self._pool.open()
        except NoConnection as error:
            raise unreachable(self.url, self._proxy, error.why) from None

    def _begin(self, url: URL) -> str:
        """The first two lines of requests for this address."""
        target = str(url) if self._through_proxy else url.raw_path_qs
        return f"POST {target} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"

    async def close(self) -> None:
        """Closes the pool. The transport may be used again: it makes new connections."""
        await self._pool.close()


def _head(beginning: str, headers: CIMultiDict[str], length: int) -> bytes:
    """The head of a request. Raises `ValueError` for a header that would be two."""
    fields = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if not fields.count("\n") == fields.count("\r") == len(headers) or "\0" in fields:
        raise ValueError("a header of the request has a line end in it")
    return f"{beginning}{fields}Content-Length: {length}\r\n\r\n".encode()


def _decoder(name: str, encoding: str) -> Callable[[bytes], bytes] | None:
    """What undoes an answer's compression, which nobody asked for; None if there is none."""
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(GZIP_OR_DEFLATE).decompress
        case other:
            raise fail(FailureKind.UPSTREAM_ERROR, f"{name} has compressed its answer with {other[:50]!r}, unasked.")


def _why(error: Disconnected) -> str:
    return reason(error.__cause__ or error)


def _not_http(name: str, error: Exception) -> TurnoutError:
    return fail(FailureKind.UPSTREAM_ERROR, f"{name} gave an answer that is not HTTP ({error}).")


async def _refusal(stream: HttpStream, status: int) -> TurnoutError:
    """The error for an answer that is no event stream. Reads as much of its body as helps to explain it."""
    body = b""
    try:
        async with asyncio.timeout(ERROR_SECONDS):
            while len(body) < ERROR_BODY and (piece := await stream.read()):
                body += piece
    except (TurnoutError, TimeoutError):
        pass  # the status and the part that came still say what happened
    finally:
        stream.close()
    headers = {name.lower(): value for name, value in stream.headers.items()}
    return Refused(classify_http(status, headers, body[:ERROR_BODY]), headers)
