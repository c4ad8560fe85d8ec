"""A stream of Chat Completions read as one of Responses events, so that all behind it sees the pivot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.translate.chat_stream_to_responses import ResponsesFromChat
    from turnout.upstream.base import UpstreamStream


class ChatStream:
    """See `turnout.upstream.base.UpstreamStream`."""

    def __init__(self, stream: UpstreamStream, machine: ResponsesFromChat) -> None:
        self._stream = stream
        self._machine = machine
        self._closed = False

    @property
    def headers(self) -> Mapping[str, str]:
        return self._stream.headers

    @property
    def ended(self) -> bool:
        return self._stream.ended

    async def read(self) -> bytes:
        """Events as soon as there are any: a chunk of the server's may say nothing that the pivot knows."""
        while not self._closed:
            data = await self._stream.read()
            if not data:
                self._closed = True
                return self._machine.close()
            if out := self._machine.feed(data):
                return out
        return b""

    def close(self) -> None:
        self._stream.close()
