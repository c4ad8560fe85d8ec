"""Counts tokens as the simulated service bills them: texts by the real vocabulary, the rest by published rules.

Its own view of a prompt, independent of the code that it tests. That the newest models have this vocabulary is assumed.
"""

import base64
import binascii
import io
import math
import struct
from collections.abc import Callable, Iterator
from functools import lru_cache

import msgspec
from splintr import AnyTokenizer, Tokenizer

from turnout.simulator.jsontypes import JsonObject

PER_ITEM = 4
"""Tokens around each item: its author, its beginning and end."""
PER_TOOL = 8
PER_ANSWER = 3
"""Tokens that open the answer."""
IMAGE_TOKENS = 1_024
"""An image whose size the simulator does not read: it reads PNG only."""
PATCH_LIMITS = {"low": 256, "original": 10_000, "high": 1_536, "auto": 1_536}
"""Patches of 32 × 32 pixels that an image is scaled down to, by its detail."""
PAGE_TOKENS = 1_500
"""A page of a PDF, which the model gets as text and as picture."""

FIRST = "naïve 列车 🚂 12 don't\n"
"""A text that has the library build all that it builds at a first use: a half of that is for letters beyond ASCII."""

_PNG = b"\x89PNG\r\n\x1a\n"
_NOT_READ = frozenset({"type", "id", "call_id", "role", "status", "phase", "detail", "execution", "strict"})
"""Fields that the model does not read as text."""

Reveal = Callable[[str], str]
"""Gives the thought inside encrypted reasoning."""


@lru_cache(maxsize=1)
def load() -> AnyTokenizer:
    """The vocabulary; the first call takes a few tenths of a second."""
    tokenizer = Tokenizer.from_pretrained("o200k_base")
    tokenizer.encode_ordinary(FIRST)
    return tokenizer


def count_text(text: str) -> int:
    """Tokens of a text; 0 only for the empty one."""
    return len(load().encode_ordinary(text)) if text else 0


def count_item(item: JsonObject, reveal: Reveal) -> int:
    """Tokens of an input item."""
    tools = item.get("tools")
    offered = sum(map(count_tool, tools)) if isinstance(tools, list) else 0
    rest = {name: value for name, value in item.items() if name != "tools"}
    return PER_ITEM + offered + sum(_count_value(name, value, reveal) for name, value in _fields(rest))


def count_tool(tool: object) -> int:
    """Tokens of a tool: its definition, written down."""
    if isinstance(tool, dict) and tool.get("type") == "namespace":
        return PER_TOOL + sum(map(count_tool, tool.get("tools", [])))
    if not isinstance(tool, dict):
        return PER_TOOL + count_text(str(tool))
    read = {name: value for name, value in tool.items() if name not in ("strict", "type", "defer_loading")}
    return PER_TOOL + count_text(msgspec.json.encode(read).decode())


def _fields(value: JsonObject) -> Iterator[tuple[str, object]]:
    """What the model reads of an object: its fields, and those of the objects in it."""
    if str(value.get("type")) == "input_image":
        yield "image", value
    elif str(value.get("type")) == "input_file":
        yield "file", value
    else:
        yield from ((name, inner) for name, inner in value.items() if name not in _NOT_READ)


def _count_value(name: str, value: object, reveal: Reveal) -> int:
    if name == "image" and isinstance(value, dict):
        return _count_image(str(value.get("image_url") or ""), str(value.get("detail") or "auto"))
    if name == "file" and isinstance(value, dict):
        return _count_file(str(value.get("file_data") or "")) + count_text(str(value.get("filename") or ""))
    if name == "encrypted_content":
        return count_text(reveal(str(value)))
    if isinstance(value, str):
        return count_text(value)
    if isinstance(value, list):
        return sum(_count_value("", inner, reveal) for inner in value)
    if isinstance(value, dict):
        return sum(_count_value(inner, content, reveal) for inner, content in _fields(value))
    return 0 if value is None else count_text(str(value))


def _count_image(address: str, detail: str) -> int:
    limit = PATCH_LIMITS.get(detail, IMAGE_TOKENS)
    head = _decoded(address)[:24]
    if not head.startswith(_PNG) or len(head) < 24:
        return min(limit, IMAGE_TOKENS)
    width, height = struct.unpack(">II", head[16:24])
    return int(min(limit, math.ceil(width / 32) * math.ceil(height / 32)))


def _count_file(address: str) -> int:
    from pypdf import PdfReader  # only the few who need it wait for the import
    from pypdf.errors import PyPdfError

    try:
        return PAGE_TOKENS * len(PdfReader(io.BytesIO(_decoded(address))).pages)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OSError):
        return PAGE_TOKENS  # a damaged file makes the library fail in many ways; the service has one page's worth of it


def _decoded(address: str) -> bytes:
    try:
        return base64.b64decode(address.partition(",")[2])
    except binascii.Error:
        return b""
