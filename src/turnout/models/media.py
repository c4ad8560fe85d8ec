"""Estimates of what images and PDFs cost in tokens, from their sizes. Pure: bytes in, numbers out.

Images follow OpenAI's published rule for its newer models: one token for each patch of 32 × 32 pixels that covers the
image, which is scaled down until the patches are within a budget that its ``detail`` sets. PDFs are sent to the model
as the text and a picture of each page; that is not published as a number, so a page counts as what both usually are.
"""

from __future__ import annotations

import binascii
import math
import re

PATCH = 32
"""Pixels of a patch's side; each patch is a token."""
BUDGETS = {"low": 256, "original": 10_000}
"""Patches that an image may have, by its ``detail``."""
USUAL_BUDGET = 1_536
"""The same for ``auto`` and ``high``."""
UNKNOWN_IMAGE = 1_024
"""Tokens of an image whose size is not known: one that is named by an address, or is of an unknown format."""

PAGE_TOKENS = 1_500
"""Tokens of a PDF's page: some 600 of text, and its picture."""
PAGE_BYTES = 50_000
"""Bytes of a page in a PDF that does not show its pages: in newer files they are compressed."""

_PAGE = re.compile(rb"/Type\s*/Page(?![a-zA-Z])")
_HEAD = 64 * 1024
"""Characters of base64 in which an image tells its size; photographs may have a preview before it."""
_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of segments that hold the size."""


def image_tokens(address: str, detail: str) -> int:
    """The tokens of an image: `address` is a data URL or any other one, `detail` as in the request."""
    found = pixels(_data(address, _HEAD))
    budget = BUDGETS.get(detail, USUAL_BUDGET)
    if found is None:
        return min(UNKNOWN_IMAGE, budget)
    width, height = found
    return max(1, min(budget, math.ceil(width / PATCH) * math.ceil(height / PATCH)))


def file_tokens(address: str) -> int:
    """The tokens of a file, which is a PDF: `address` is a data URL; any other one counts as a page."""
    data = _data(address, len(address))
    if not data:
        return PAGE_TOKENS
    pages = len(_PAGE.findall(data)) or math.ceil(len(data) / PAGE_BYTES)
    return pages * PAGE_TOKENS


def pixels(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, WebP or JPEG image from its first bytes; None if they do not tell."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        found = _big(data, 16, 4), _big(data, 20, 4)
    elif data[:6] in (b"GIF87a", b"GIF89a"):
        found = _little(data, 6, 2), _little(data, 8, 2)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        found = _webp(data)
    elif data.startswith(b"\xff\xd8"):
        found = _jpeg(data)
    else:
        return None
    return found if min(found) > 0 else None


def _webp(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if kind == b"VP8L":
        packed = _little(data, 21, 4)
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF


def _jpeg(data: bytes) -> tuple[int, int]:
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _START_OF_FRAME:
            return _big(data, place + 7, 2), _big(data, place + 5, 2)
        place += 2 + max(2, _big(data, place + 2, 2))
    return 0, 0


def _big(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "big")


def _little(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "little")


def _data(address: str, limit: int) -> bytes:
    """The bytes of a data URL, as far as `limit` characters of base64 hold them; empty for anything else."""
    if not address.startswith("data:"):
        return b""
    start = address.find(",") + 1
    encoded = address[start : start + limit // 4 * 4].encode("ascii", "replace")
    try:
        return binascii.a2b_base64(encoded)
    except binascii.Error:
        return b""
