"""Events as bytes: server-sent events in every style a server might use, cut at any place.

Pure: the style goes in, bytes come out.
"""

from collections.abc import Iterator

import msgspec

from turnout.simulator.jsontypes import JsonObject


class WireStyle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the stream looks on the wire; every style is legal and says the same."""

    crlf: bool = False
    """End lines with CR LF."""
    data_only: bool = False
    """Leave out the `event:` lines."""
    comments: bool = False
    """Put a comment line before each event."""
    split: int = 0
    """Send pieces of this many bytes, which cuts lines and UTF-8 characters; 0 sends whole events."""


class Framer:
    """Numbers the events of one response and turns them into bytes."""

    def __init__(self, style: WireStyle) -> None:
        self._style = style
        self._line_end = "\r\n" if style.crlf else "\n"
        self._next = 0

    def frame(self, event: JsonObject) -> bytes:
        """One event with the next sequence number."""
        data = msgspec.json.encode({**event, "sequence_number": self._next}).decode()
        self._next += 1
        lines = [": simulated"] if self._style.comments else []
        if not self._style.data_only:
            lines.append(f"event: {event['type']}")
        lines.append(f"data: {data}")
        return (self._line_end.join(lines) + 2 * self._line_end).encode()

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """The bytes as they are to be written, one write each."""
        return pieces(data, self._style.split)


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """The bytes in pieces of `size`, which is 0 for all at once."""
    size = size or len(data)
    for start in range(0, len(data), size):
        yield data[start : start + size]
