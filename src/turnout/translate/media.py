"""Texts, images and documents of the Messages API as content parts of the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped

if TYPE_CHECKING:
    from msgspec import Raw

_encode = msgspec.json.encode


def input_text(text: bytes | Raw) -> bytes:
    """A user's, tool's or developer's text. `text` is a JSON string."""
    return b"".join((b'{"type":"input_text","text":', text, b"}"))


def output_text(text: bytes | Raw) -> bytes:
    """The assistant's own text. `text` is a JSON string."""
    return b"".join((b'{"type":"output_text","text":', text, b"}"))


def is_empty(text: bytes | Raw) -> bool:
    """Whether a JSON string is the empty one."""
    return len(text) <= 2


def content_parts(block: wire.Block, path: str, notes: list[Note]) -> list[bytes]:
    """A block of a user message or of a tool result as content parts; `notes` gets what was approximated.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the place in the body.
    """
    match block:
        case wire.TextBlock():
            text = wire.text_of(block.text, f"{path}.text")
            return [] if is_empty(text) else [input_text(text)]
        case wire.ImageBlock():
            return [b'{"type":"input_image","image_url":%s,"detail":"auto"}' % _address(block.source, path, "image")]
        case wire.DocumentBlock():
            return _document(block, path, notes)
        case wire.UnknownBlock():
            notes.append(approximated(path, f"a {block.type} block was sent as its JSON text"))
            return [input_text(_encode(str(memoryview(block.raw), "utf-8")))]
        case _:
            notes.append(dropped(path, f"a {kind_of(block)} block has no place here"))
            return []


def kind_of(block: wire.Block) -> str:
    """The block's ``type``."""
    return block.type if isinstance(block, wire.UnknownBlock) else str(block.__struct_config__.tag)


def _document(block: wire.DocumentBlock, path: str, notes: list[Note]) -> list[bytes]:
    source = block.source
    if source.type == "text":
        return [input_text(wire.text_of(source.data, f"{path}.source.data"))]
    if source.type == "content":
        place = f"{path}.source.content"
        if bytes(memoryview(source.content)[:1]) == b'"':
            return [input_text(source.content)]
        inner = wire.decode_blocks(source.content, place)
        return [part for index, one in enumerate(inner) for part in content_parts(one, f"{place}[{index}]", notes)]
    address = _address(source, path, "document")
    if source.type == "url":
        return [b'{"type":"input_file","file_url":%s}' % address]
    name = _encode(block.title or "document.pdf")
    return [b'{"type":"input_file","filename":%s,"file_data":%s}' % (name, address)]


def _address(source: wire.Source, path: str, what: str) -> bytes:
    """The JSON string that upstream takes for a medium: a URL as it is, base64 data as a data URL."""
    if source.type == "url" and not is_empty(source.url):
        return bytes(wire.text_of(source.url, f"{path}.source.url"))
    if source.type == "base64":
        data = wire.text_of(source.data, f"{path}.source.data")
        if is_empty(data):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.source.data: must not be empty.")
        if not source.media_type:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.source.media_type: this field is required.")
        return b'"data:%s;base64,%s' % (_encode(source.media_type)[1:-1], bytes(data)[1:])
    raise fail(
        FailureKind.BAD_REQUEST, f"{path}.source: the {what} source type {source.type!r} cannot be sent upstream."
    )
