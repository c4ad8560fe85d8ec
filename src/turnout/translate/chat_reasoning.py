"""Reasoning of servers that have only Chat Completions, in the form in which the pivot carries it: encrypted content.

Such servers show their reasoning and some want it back word for word while tools are called. Carried as the opaque
``encrypted_content`` of a reasoning item, it comes back through every door that brings such content back, bound to
account and model as any other (`turnout.translate.reasoning`).

Layout: ``chat1.`` and base64 of zlib of a JSON object: the fields of an assistant's message.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Mapping

_PREFIX = "chat1."
_LARGEST = 16 * 1024 * 1024
"""Bytes that an envelope may unfold to."""
FIELDS = frozenset({"reasoning_content", "reasoning", "reasoning_details"})
"""What may be in it."""

_decode = msgspec.json.Decoder(dict[str, Raw]).decode


def pack(fields: Mapping[str, object]) -> str:
    """The content for these fields of a message."""
    return _PREFIX + base64.b64encode(zlib.compress(msgspec.json.encode(fields), 1)).decode()


def unpack(content: str) -> dict[str, Raw]:
    """The fields of a message; none if the content is not of this kind, or is damaged."""
    if not content.startswith(_PREFIX):
        return {}
    unfolding = zlib.decompressobj()
    try:
        found = _decode(unfolding.decompress(base64.b64decode(content[len(_PREFIX) :], validate=True), _LARGEST))
    except (binascii.Error, zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return {}
    return {name: value for name, value in found.items() if name in FIELDS}
