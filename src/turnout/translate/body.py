"""A request's body in bytes: the fields, then ``input``, which is last, so that a body can be made to go on.

An answer may need several requests (`turnout.translate.continuation`): each has the body of the one before and more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OPEN = b"{"
_INPUT = b',"input":['
_COMMA = b","
_END = b"]}"
_UNFORCED = (b'"auto"', b'"none"')


class Beginning(msgspec.Struct, frozen=True):
    """How a request's body begins, and how one does that goes on with the same answer."""

    size: int
    """Bytes before the first item of ``input``."""
    next: bytes
    """The bytes in their place next time; empty if they are the same. A tool that the client forces is forced once."""

    @classmethod
    def of(cls, fields: Sequence[tuple[str, bytes]], head: bytes) -> Beginning:
        """The beginning that the `fields` make; `head` is what `joined` makes of them."""
        size = len(_OPEN) + len(head) + len(_INPUT)
        if dict(fields).get("tool_choice", _UNFORCED[0]) in _UNFORCED:
            return cls(size, b"")
        free = [(name, _UNFORCED[0] if name == "tool_choice" else value) for name, value in fields]
        return cls(size, _OPEN + joined(free) + _INPUT)

    def extended(self, body: bytes, items: Sequence[bytes]) -> bytes:
        """`body`, which begins so or was made by this, with further items of ``input``."""
        size = len(self.next) if self.next and body.startswith(self.next) else self.size
        start = self.next or body[:size]
        return b"".join((start, b",".join((body[size : -len(_END)], *items)), _END))


def joined(fields: Iterable[tuple[str, bytes]]) -> bytes:
    """The fields before ``input``, without brackets."""
    return b",".join([b'"%s":%s' % (name.encode(), value) for name, value in fields])


def whole_body(head: bytes, items: Iterable[bytes]) -> bytes:
    """A request's body: `head` is what `joined` makes of its fields, `items` are those of ``input``."""
    parts = [part for item in items for part in (item, _COMMA)]
    parts[-1:] = [_END]
    return b"".join((_OPEN, head, _INPUT, *parts))
