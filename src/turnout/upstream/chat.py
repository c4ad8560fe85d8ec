"""A stream of Chat Completions read as one of Responses events, so that all behind it sees the pivot."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.translate.chat_stream_to_responses import ResponsesFromChat
    from turnout.upstream.base import UpstreamStream

ALIVE = b": alive\n\n"
"""A comment, as many servers send while their model thinks: whoever waits for a dead server waits on."""


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
        """Events, or a comment where the server's bytes say nothing that the pivot knows: it is alive all the same."""
        if self._closed:
            return b""
        data = await self._stream.read()
        if data:
            return self._machine.feed(data) or ALIVE
        self._closed = True
        return self._machine.close()

    def close(self) -> None:
        self._stream.close()
