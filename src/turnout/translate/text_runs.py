"""Reads many text deltas at once: a burst of events that differ in nothing but their text and their number.

An event that was read once shows what its followers look like; a regular expression made from it finds their texts in
one go. It matches nothing that is not the same event with another legal JSON string, so what it takes needs no reading.
"""

from __future__ import annotations

import re
from functools import lru_cache

_STRING = rb'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_WORD = rb'"[^"\\\x00-\x1f]*+"'
_VARIES = re.compile(rb'"(delta|item_id|obfuscation)":' + _STRING + rb'|"(sequence_number)":\d+')
"""What differs from delta to delta, or from answer to answer without a meaning here. Everything else must be equal: the
place of the text (``output_index``, ``content_index``) among it."""


_TEXT = b'"delta":\0'


class TextRun:
    """The followers of one text delta."""

    __slots__ = ("_split",)

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._split = pattern.split

    def texts(self, blocks: bytes) -> list[bytes] | None:
        """The deltas, as JSON strings, of event blocks that each end in a blank line. None if any is something else."""
        # What the pattern leaves over stands at the even places: nothing but the last blank line.
        parts: list[bytes] = self._split(b"\n\n" + blocks)
        if len(parts) < 2 or parts.pop() != b"\n\n" or any(parts[::2]):
            return None
        if not blocks.isascii():
            try:
                blocks.decode()
            except UnicodeDecodeError:
                return None
        return parts[1::2]


def run_of(block: bytes, delta: bytes) -> TextRun | None:
    """What continues the text delta `block` (without its blank line), in which `delta` was read as the JSON string.

    None where its followers cannot be told so simply.
    """
    pattern = _pattern(_VARIES.sub(_placeholder, block))
    if pattern is None:
        return None
    found = pattern.match(b"\n\n" + block + b"\n\n")
    return TextRun(pattern) if found is not None and found[1] == delta else None


def _placeholder(found: re.Match[bytes]) -> bytes:
    return b'"%s":\0' % (found[1] or found[2])  # a zero byte stands in no event: JSON escapes it


@lru_cache(maxsize=64)
def _pattern(shape: bytes) -> re.Pattern[bytes] | None:
    """For all blocks that look like this one. Compiled once: the answers of one upstream differ in few numbers."""
    if shape.count(_TEXT) != 1:
        return None
    literal = re.escape(shape).replace(_TEXT, b'"delta":(' + _STRING + b")")
    for name, value in ((b"item_id", _WORD), (b"obfuscation", _WORD), (b"sequence_number", rb"\d++")):
        literal = literal.replace(b'"%s":\0' % name, b'"%s":' % name + value)
    # It begins with the end of the block before: a constant beginning is what makes the search fast.
    return re.compile(rb"\n\n" + literal + rb"(?=\n\n)")
