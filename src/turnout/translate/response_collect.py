"""The one body that a client of the Responses API gets without streaming: its stream's last event has all of it."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.sse import blocks_of, parse

COMPACTION_TRIGGER = Raw(b'{"type":"compaction_trigger"}')
"""The item that asks for the conversation before it in short (codex-backend.md 2.8)."""

_encode = msgspec.json.encode


class _Last(msgspec.Struct):
    response: dict[str, Raw] = {}


_decode = msgspec.json.Decoder(_Last).decode


class ResponseCollector:
    """Gives the response."""

    def __init__(self) -> None:
        self._last = b""

    def feed(self, data: bytes) -> None:
        """The next bytes of the stream, in whole events."""
        self._last = data or self._last

    def message(self) -> bytes:
        """The response, once the stream has ended well."""
        return _encode(self._response())

    def _response(self) -> dict[str, Raw]:
        return _decode(parse(blocks_of(self._last)[-1])[1]).response


class CompactionCollector(ResponseCollector):
    """Gives what ``/responses/compact`` answers: what stands for the conversation from now on."""

    def message(self) -> bytes:
        response = self._response()
        kept = {name: response[name] for name in ("id", "created_at", "output", "usage")}
        return _encode({"object": "response.compaction"} | kept)
