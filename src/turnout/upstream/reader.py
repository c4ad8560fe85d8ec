"""Reads an aiohttp answer in as few steps as its buffer allows. Knows aiohttp inside, and checks that knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


class _Chunkless(StreamReader):
    """aiohttp's buffer without its account of where HTTP chunks end, which only its own way of reading needs."""

    __slots__ = ()

    def begin_http_chunk_receiving(self) -> None:
        pass

    def end_http_chunk_receiving(self) -> None:
        pass


_KNOWN_BUFFER = (
    all(
        hasattr(StreamReader, name)
        for name in ("_buffer", "_cursor", "_eof", "_exception", "_http_chunk_splits", "_protocol", "_size", "_wait")
    )
    and all(hasattr(StreamReader, name) for name in vars(_Chunkless) if name.endswith("_receiving"))
    and hasattr(BaseProtocol, "_reading_paused")
)


def whole_reader(content: StreamReader) -> Callable[[], Awaitable[bytes]]:
    """``content.readany``, but for all pieces at once.

    aiohttp's own calls its parser for each HTTP chunk that it takes from its buffer, and an upstream sends a chunk an
    event: half of what a burst of events costs to receive. It is used all the same where aiohttp's buffer is not the
    one that is known here.
    """
    if type(content) is not StreamReader or not _KNOWN_BUFFER:
        return content.readany
    content.__class__ = _Chunkless
    buffer, protocol = content._buffer, content._protocol

    async def read() -> bytes:
        while not buffer:
            if content._exception is not None:
                raise content._exception
            if content._eof:
                return b""
            await content._wait("read")
        data = buffer[0] if len(buffer) == 1 else b"".join(buffer)
        buffer.clear()
        content._size = 0
        content._cursor += len(data)
        if content._http_chunk_splits:
            content._http_chunk_splits.clear()
        if protocol._reading_paused:
            protocol.resume_reading()
        return data

    return read
