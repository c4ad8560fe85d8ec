"""Small HTTP calls beside the model requests: tokens, quota, the test of a key.

They go the same way as the model requests (`turnout.network`: proxy, certificates). Knows nothing of what is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from turnout.network import Way

ANSWER_SECONDS = 30.0
"""Seconds that an answer may take once there is a connection."""
ANSWER_BYTES = 1024 * 1024
"""Bytes of an answer that are read where nobody says otherwise: few small calls have more."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.body)} bytes)"  # the body may hold tokens


class Calls:
    """Makes small calls, each over a connection of its own: with a pooled one it would not be known, when it breaks,
    whether the other side has done what was asked."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        connect: float,
        seconds: float = ANSWER_SECONDS,
        limit: int = ANSWER_BYTES,
        way: Way | None = None,
    ) -> None:
        """``connect`` and ``seconds`` (for the answer) are times in seconds, ``limit`` the bytes of an answer that are
        read; ``environ`` is asked for certificates. ``way`` is what is special about the way to an upstream."""
        self._way = way
        self._environ = environ
        self._connect = connect
        self._seconds = seconds
        self._limit = limit
        self._context: ssl.SSLContext | None = None

    def prepare(self) -> None:
        """Does beforehand what takes a while and is the same for every call. Raises `SettingsError`."""
        import aiohttp  # noqa: F401 (150 ms, which only those pay who call)

        from turnout import network

        self._context = self._context or network.context_for(self._environ, self._way or network.USUAL_WAY)

    async def call(
        self, name: str, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer:
        """Asks once; redirects are not followed. ``name`` says in messages who is asked ("The sign-in service").

        Raises `TurnoutError`: `UNREACHABLE` (nothing was sent), `UPSTREAM_TIMEOUT`, `CUT`, `UPSTREAM_ERROR` (an answer
        that is not HTTP); and `SettingsError` for an address, a proxy or certificates that cannot be used.
        """
        self.prepare()
        import asyncio  # as slow to load as it is needless where nobody is called

        import aiohttp

        from turnout import network

        target = network.address(name, url)
        proxy, proxy_headers = network.proxy_for(target, self._way.proxy if self._way else "")
        connector = aiohttp.TCPConnector(force_close=True, ssl=self._context or True)
        timeout = aiohttp.ClientTimeout(total=None, connect=self._connect)
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                asyncio.timeout(self._connect + self._seconds),
                session.request(
                    method,
                    target,
                    headers={"User-Agent": network.user_agent(), **(headers or {})},
                    data=body,
                    allow_redirects=False,
                    proxy=proxy,
                    proxy_headers=proxy_headers,
                ) as response,
            ):
                content = b""
                while len(content) < self._limit and (piece := await response.content.readany()):
                    content += piece
        except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError, aiohttp.ClientHttpProxyError) as error:
            raise network.unreachable(target, proxy, error) from None
        except TimeoutError:
            raise fail(
                FailureKind.UPSTREAM_TIMEOUT, f"{name} ({target.host}) has not answered for {self._seconds:g} seconds."
            ) from None
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            raise fail(
                FailureKind.CUT, f"{name} ({target.host}) broke the connection off ({network.reason(error)})."
            ) from None
        except aiohttp.ClientError as error:
            raise fail(
                FailureKind.UPSTREAM_ERROR, f"{name} ({target.host}) gave no proper answer ({network.reason(error)})."
            ) from None
        headers_in = {key.lower(): value for key, value in response.headers.items()}
        return Answer(status=response.status, headers=headers_in, body=content)
