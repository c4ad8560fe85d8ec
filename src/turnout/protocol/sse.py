"""Server-sent events as bytes: splitting a stream into events, and writing one.

Sans-I/O. Knows nothing of what the events mean. Source: the WHATWG specification of event streams, 9.2.
"""

from __future__ import annotations

_MAX_PENDING = 64 * 1024 * 1024
_LINE_END, _RETURN = 0x0A, 0x0D
"""Bytes are searched several times as fast for a number as for bytes."""


class SseOverflowError(Exception):
    """One event is longer than 64 MiB: no server of this kind sends that."""


class SseSplitter:
    """Cuts a byte stream into event blocks, wherever the network cut the bytes.

    A block is the bytes of one event's lines, joined by ``\\n``, without the blank line that ends it. Blocks that are
    empty (repeated blank lines) are not given out.
    """

    __slots__ = ("_pending", "_size")

    def __init__(self) -> None:
        # Pieces of a block whose end has not come. Kept as pieces: the real API echoes instructions of 80 KB in one
        # event, and joining at each read would copy them again and again (performance.md 2).
        self._pending: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The blocks that `data` completes. Raises `SseOverflowError`."""
        return blocks_of(self.complete(data))

    def complete(self, data: bytes) -> bytes:
        """The same in one piece, each block with the blank line that ends it. Raises `SseOverflowError`."""
        pending = self._pending
        if not pending and data.endswith(b"\n\n") and _RETURN not in data:
            return data  # whole events, as they mostly come
        if pending:
            # A line end may be cut in two ("\n" | "\n", "\r" | "\n"): only then can the seam itself hold an end.
            if pending[-1].endswith((b"\n", b"\r")) or b"\n\n" in data or _RETURN in data or data.startswith(b"\n"):
                pending.append(data)
                data = b"".join(pending)
                pending.clear()
            else:
                self._size += len(data)
                if self._size > _MAX_PENDING:
                    raise SseOverflowError
                pending.append(data)
                return b""
        held = b""
        if _RETURN in data:
            # Inside JSON a carriage return is always escaped, so every raw one is a line end.
            if data.endswith(b"\r"):
                data, held = data[:-1], b"\r"
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n\n") + 1
        end += end > 0
        rest = data[end:] + held if held else data[end:]
        self._size = len(rest)
        if rest:
            if self._size > _MAX_PENDING:
                raise SseOverflowError
            pending.append(rest)
        return data[:end] if rest else data

    def close(self) -> list[bytes]:
        """What is left when the stream ends: a last event whose blank line never came."""
        rest = b"".join(self._pending).replace(b"\r\n", b"\n").strip(b"\r\n")
        self._pending.clear()
        return [rest] if rest else []


def blocks_of(complete: bytes) -> list[bytes]:
    """The blocks in what `SseSplitter.complete` gave."""
    blocks = complete.split(b"\n\n")
    blocks.pop()
    return blocks if all(blocks) else [block for block in blocks if block]


def parse(block: bytes) -> tuple[bytes, bytes]:
    """A block's event name and data (both maybe empty); several ``data`` lines are joined by ``\\n``."""
    line, _, content = block.partition(b"\ndata: ")
    if content and _LINE_END not in content and line.startswith(b"event: ") and _LINE_END not in line:
        return line[7:], content  # a line with each, as nearly all servers write them
    name = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return name, data[0] if len(data) == 1 else b"\n".join(data)


def event(name: bytes, data: bytes) -> bytes:
    """One event, ready to be sent. `data` holds no line end (JSON as msgspec writes it never does)."""
    return b"event: " + name + b"\ndata: " + data + b"\n\n"
