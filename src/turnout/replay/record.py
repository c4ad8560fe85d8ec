"""Has a running gateway record a trace, and takes its lines: a gateway writes no file because a client says so."""

from __future__ import annotations

import contextlib
import http.client
import socket
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import msgspec

from turnout.gateway.doors import TRACE
from turnout.ledger.trace import VERSION
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

CONNECT_SECONDS = 10.0


class _Error(msgspec.Struct, frozen=True):
    message: str = ""


class _Refusal(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class RemoteTrace:
    """The lines of a trace that a gateway records for as long as this is open."""

    def __init__(self, base_url: str, token: str, session: str = "") -> None:
        """``session`` is a session's id or short name; without one the first that comes is recorded."""
        self._url = base_url
        self._token = token
        self._session = session
        self._connection: http.client.HTTPConnection | None = None
        self._response: http.client.HTTPResponse | None = None
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        """Begins. Raises `TurnoutError` if there is no gateway, or it refuses."""
        address = urlsplit(self._url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.netloc, timeout=CONNECT_SECONDS)
        try:
            self._connection.request(
                "POST",
                f"{address.path.rstrip('/')}{TRACE}",
                msgspec.json.encode({"session": self._session, "version": VERSION}),
                {"authorization": f"Bearer {self._token}", "content-type": "application/json"},
            )
            self._socket = self._connection.sock
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise fail(
                FailureKind.UNREACHABLE,
                f"No gateway answers at {self._url}: {error or type(error).__name__}.",
                "Start one with `turnout serve`, or name its address with --url.",
            ) from None
        if self._response.status != 200:
            status, body = self._response.status, self._response.read()
            self._connection.close()
            raise fail(FailureKind.REJECTED, f"The gateway at {self._url} refuses ({status}): {_words(body)}")
        if self._socket is not None:
            self._socket.settimeout(None)  # nobody knows when the next request comes
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Ends the recording."""
        if self._connection is not None:
            self._connection.close()

    def stop(self) -> None:
        """Ends the lines, from whatever thread."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def __iter__(self) -> Iterator[bytes]:
        """The lines as they come, until the gateway stops."""
        while self._response is not None:
            try:
                line = self._response.readline()
            except (OSError, http.client.HTTPException):
                return
            if not line:
                return
            yield line


def _words(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).error.message
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "it does not say why."
