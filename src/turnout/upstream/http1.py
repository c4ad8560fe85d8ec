"""One HTTP/1.1 connection to an upstream: a request, its answer's bytes as they come, the next request.

Knows HTTP's framing and nothing of what the bytes mean; whoever opens and keeps connections is `turnout.upstream.pool`.

An upstream sends an event per HTTP chunk, hundreds of them in one read when it is fast. So nothing is done for a chunk
but to append it: httptools calls the list's own method, and the reader takes all of them at once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READ_AHEAD = 256 * 1024
"""Bytes of an answer that may wait to be read before the network is no longer read."""
WRITE_PIECE = 256 * 1024
"""Bytes of a body that are handed to the kernel at once."""
HEAD_LIMIT = 256 * 1024
"""Bytes that may come before an answer's headers are complete."""


class Disconnected(Exception):
    """The connection ended before the answer did. ``__cause__`` is the system's reason, if it gave one."""


class NotHttp(Exception):
    """What came is no HTTP answer."""


class Http1Connection(asyncio.Protocol):
    """A connection for one request at a time."""

    def __init__(self, transport: asyncio.Transport, *, on_lost: Callable[[Exception | None], object]) -> None:
        """``transport`` is connected already, and is given this protocol by the caller; ``on_lost`` is told its end."""
        self._transport = transport
        self._on_lost = on_lost
        self.used = 0.0
        """When it was last in use (`time.monotonic`), for its pool."""
        self.status = 0
        """Status of the answer; 0 until its headers are complete."""
        self.headers: Mapping[str, str] = {}
        """Its headers."""
        self.over = False
        """The answer has come to its end."""
        self._reusable = True
        self._until_end = False
        """The answer has no length of its own: it lasts as long as the connection."""
        self._fields: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        """Bytes that came since the last read, HTTP's framing among them."""
        self._reading = True
        self._writing = True
        self._broken: Exception | None = None
        self._change: asyncio.Future[None] | None = None
        self.on_body = self._pieces.append
        self._parser = HttpResponseParser(self)

    # The user's side

    @property
    def reusable(self) -> bool:
        """The last answer is complete, and another request may follow on this connection."""
        return self.over and self._reusable and self._broken is None

    @property
    def ended(self) -> bool:
        """The answer has been read to its end."""
        return self.over and not self._pieces

    async def ask(self, head: bytes, body: bytes) -> None:
        """Sends a request; returns once the headers of its answer are here: `status` and `headers`.

        ``head`` is complete with its empty line. Raises `Disconnected` and `NotHttp`.
        """
        self.status, self.headers, self.over, self._until_end = 0, {}, False, False
        self._waiting_bytes = 0
        if len(body) <= WRITE_PIECE:
            self._transport.writelines((head, body) if body else (head,))
        else:
            await self._send(head, memoryview(body))
        del body  # an answer may take minutes to begin
        while not self.status:
            await self._changed()

    async def _send(self, head: bytes, body: memoryview) -> None:
        """Sends a long body as fast as it is taken; an answer in the middle of it ends the sending."""
        self._transport.write(head)
        for start in range(0, len(body), WRITE_PIECE):
            self._transport.write(body[start : start + WRITE_PIECE])
            while not self._writing and not self.status:
                await self._changed()
            if self.status:
                self._reusable = False  # the other side does not know where the next request would begin
                return

    async def read(self) -> bytes:
        """The bytes that are here, at least one; ``b""`` at the end. Raises `Disconnected` and `NotHttp`."""
        pieces = self._pieces
        while not pieces:
            if self.over:
                return b""
            await self._changed()
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        pieces.clear()
        self._waiting_bytes = 0
        if not self._reading:
            self._reading = True
            self._transport.resume_reading()
        return data

    def close(self) -> None:
        """Closes the connection at once, whatever is under way. Harmless when called again."""
        self._reusable = False
        if self._transport.get_write_buffer_size():
            self._transport.abort()  # nobody is to get the rest of a request that is given up
        else:
            self._transport.close()

    async def _changed(self) -> None:
        """Waits until something has happened. Raises what is wrong with the connection, if anything is."""
        if self._broken is not None:
            raise self._broken
        self._change = asyncio.get_running_loop().create_future()
        try:
            await self._change
        finally:
            self._change = None

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)

    def _break(self, error: Exception) -> None:
        if self._broken is None:
            self._broken = error
        self._wake()

    # The event loop's side (asyncio.Protocol)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._break(NotHttp("another protocol, which nobody asked for"))
            self._transport.close()
            return
        except HttpParserError as error:
            self._break(NotHttp(str(error)))
            self._transport.close()
            return
        self._waiting_bytes += len(data)
        if not self.status and self._waiting_bytes > HEAD_LIMIT:
            self._break(NotHttp(f"more than {HEAD_LIMIT:,} bytes of headers"))
            self._transport.close()
        elif self._waiting_bytes > READ_AHEAD and self._reading and not self.over:
            self._reading = False
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        self._on_lost(exc)

    def _end(self, reason: Exception | None) -> None:
        if self._until_end and reason is None:
            self.over = True
        error = Disconnected()
        error.__cause__ = reason
        self._break(error)

    def pause_writing(self) -> None:
        self._writing = False

    def resume_writing(self) -> None:
        self._writing = True
        self._wake()

    # The parser's side (httptools)

    def on_message_begin(self) -> None:
        if self.over:
            raise NotHttp("an answer that nobody asked for")
        self._fields = []  # those behind the answer before are nobody's

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        fields, self._fields = self._fields, []
        status = self._parser.get_status_code()
        if status < 200:
            return  # an interim answer: the real one follows
        headers = CIMultiDict(
            [
                (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
                for name, value in fields
            ]
        )
        self._reusable = self._reusable and self._parser.should_keep_alive()
        self._until_end = "content-length" not in headers and "transfer-encoding" not in headers
        self.headers, self.status = headers, status

    def on_message_complete(self) -> None:
        if self.status:
            self.over = True
