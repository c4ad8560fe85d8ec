"""Reads many text deltas at once: a burst of events that differ in nothing but their text and their number.

An event that was read once shows what its followers look like; a regular expression made from it finds their texts in
one go. It matches nothing that is not the same event with another legal JSON string, so what it takes needs no reading.
"""

from __future__ import annotations

import re
from functools import lru_cache

_STRING = rb'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_VARIES = re.compile(rb'"(delta|item_id|obfuscation)":' + _STRING + rb'|"(sequence_number)":\d+')
"""What differs from delta to delta, or from answer to answer without a meaning here. Everything else must be equal: the
place of the text (``output_index``, ``content_index``) among it."""


_TEXT = b'"delta":\0'


class TextRun:
    """The followers of one text delta."""

    __slots__ = ("_texts",)

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._texts = pattern.findall

    def texts(self, blocks: bytes) -> list[bytes] | None:
        """The deltas, as JSON strings, of event blocks that each end in a blank line. None if any is something else."""
        texts: list[bytes] = self._texts(blocks)
        if not texts or len(texts) != blocks.count(b"\n\n"):
            return None
        if not blocks.isascii():
            try:
                blocks.decode()
            except UnicodeDecodeError:
                return None
        return texts


def run_of(block: bytes, delta: bytes) -> TextRun | None:
    """What continues the text delta `block` (without its blank line), in which `delta` was read as the JSON string.

    None where its followers cannot be told so simply.
    """
    pattern = _pattern(_VARIES.sub(_placeholder, block))
    if pattern is None:
        return None
    found = pattern.fullmatch(block + b"\n\n")
    return TextRun(pattern) if found is not None and found[1] == delta else None


def _placeholder(found: re.Match[bytes]) -> bytes:
    return b'"%s":\0' % (found[1] or found[2])  # a zero byte stands in no event: JSON escapes it


@lru_cache(maxsize=64)
def _pattern(shape: bytes) -> re.Pattern[bytes] | None:
    """For all blocks that look like this one. Compiled once: the answers of one upstream differ in few numbers."""
    if shape.count(_TEXT) != 1:
        return None
    literal = re.escape(shape).replace(_TEXT, b'"delta":(' + _STRING + b")")
    for name, value in ((b"item_id", _STRING), (b"obfuscation", _STRING), (b"sequence_number", rb"\d+")):
        literal = literal.replace(b'"%s":\0' % name, b'"%s":' % name + value)
    return re.compile(rb"(?:\A|(?<=\n\n))" + literal + rb"\n\n")
