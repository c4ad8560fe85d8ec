"""Texts, images and documents of the Messages API as content parts of the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire
from turnout.protocol import reading
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped, mapped
from turnout.translate.pdf import UnreadablePdfError, pdf_text

if TYPE_CHECKING:
    from msgspec import Raw

    from turnout.translate.target import Target

_encode = msgspec.json.encode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode

IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
DOCUMENT_TYPES = ("application/pdf", "text/plain")


def input_text(text: bytes | Raw) -> bytes:
    """A user's, tool's or developer's text. `text` is a JSON string."""
    return b"".join((b'{"type":"input_text","text":', text, b"}"))


def output_text(text: bytes | Raw) -> bytes:
    """The assistant's own text. `text` is a JSON string."""
    return b"".join((b'{"type":"output_text","text":', text, b"}"))


def message_item(role: bytes, parts: list[bytes]) -> bytes:
    """A message of these content parts."""
    return b"".join((b'{"type":"message","role":"', role, b'","content":[', b",".join(parts), b"]}"))


def is_empty(text: bytes | Raw) -> bool:
    """Whether a JSON string is the empty one."""
    return len(text) <= 2


def kind_of(block: wire.Block) -> str:
    """The block's ``type``."""
    return block.type if isinstance(block, wire.UnknownBlock) else str(block.__struct_config__.tag)


class ContentParts:
    """Blocks of user messages and tool results as content parts, as one upstream takes them."""

    def __init__(self, target: Target, notes: list[Note]) -> None:
        """`notes` gets what was approximated or left out."""
        self._notes = notes
        self._detail = target.image_detail.encode()
        self._takes_images = target.capabilities.images
        self._takes_files = target.capabilities.files

    def of(self, block: wire.Block, path: str) -> list[bytes]:
        """The block's parts. Raises `TurnoutError` (`BAD_REQUEST`) naming the place in the body."""
        match block:
            case wire.TextBlock():
                text = reading.text_of(block.text, f"{path}.text")
                return [] if is_empty(text) else [input_text(text)]
            case wire.ImageBlock():
                return [self._image(block.source, path)]
            case wire.DocumentBlock():
                return self._document(block, path)
            case wire.UnknownBlock():
                self._notes.append(approximated(path, f"a {block.type} block was sent as its JSON text"))
                return [input_text(_encode(_json_text(block.raw)))]
            case _:
                self._notes.append(dropped(path, f"a {kind_of(block)} block has no place here"))
                return []

    def _image(self, source: wire.Source, path: str) -> bytes:
        address = _address(source, path, IMAGE_TYPES)
        if not self._takes_images:
            self._notes.append(dropped(path, "the upstream takes no images"))
            return input_text(b'"[An image stood here. This model cannot see images.]"')
        return b'{"type":"input_image","image_url":%s,"detail":"%s"}' % (address, self._detail)

    def _document(self, block: wire.DocumentBlock, path: str) -> list[bytes]:
        source = block.source
        # Title and context belong to the document and are not part of its data.
        about = [f"{word}: {text}" for word, text in (("Document", block.title), ("Context", block.context)) if text]
        parts = [input_text(_encode("\n".join(about)))] if about else []
        if source.type == "text":
            text = reading.text_of(source.data, f"{path}.source.data")
            return parts if is_empty(text) else [*parts, input_text(text)]
        if source.type == "content":
            return parts + self._content_source(source, f"{path}.source.content")
        if source.type == "base64" and source.media_type == "text/plain":
            return [*parts, input_text(_encode(_decode_text(source, f"{path}.source.data")))]
        address = _address(source, path, DOCUMENT_TYPES)
        if not self._takes_files:
            return [*parts, self._text_of_file(source, path)]
        if source.type == "url":
            return [*parts, b'{"type":"input_file","file_url":%s}' % address]
        name = _encode(_file_name(block.title))
        return [*parts, b'{"type":"input_file","filename":%s,"file_data":%s}' % (name, address)]

    def _content_source(self, source: wire.Source, path: str) -> list[bytes]:
        if bytes(memoryview(source.content)[:1]) == b'"':
            return [] if is_empty(source.content) else [input_text(source.content)]
        inner = wire.decode_blocks(source.content, path)
        return [part for index, one in enumerate(inner) for part in self.of(one, f"{path}[{index}]")]

    def _text_of_file(self, source: wire.Source, path: str) -> bytes:
        """A PDF's text in place of the PDF, or the word that it could not be had."""
        if source.type == "url":
            self._notes.append(dropped(path, "the upstream takes no files, and Turnout fetches none"))
            return input_text(b'"[A document stood here by its address. This model cannot open it.]"')
        try:
            text = pdf_text(bytes(source.data)[1:-1])
        except UnreadablePdfError as error:
            self._notes.append(dropped(path, f"the upstream takes no files, and the PDF gave no text: {error}"))
            return input_text(_encode(f"[A PDF stood here. Its text could not be extracted: {error}.]"))
        self._notes.append(approximated(path, "the upstream takes no files: the PDF was sent as its text"))
        return input_text(_encode(f"[The text of a PDF; its pictures and layout are missing.]\n{text}"))


def _json_text(raw: Raw) -> str:
    """A block as JSON text, without the mark that moves from block to block though nothing is meant by it."""
    fields = _decode_fields(raw)
    fields.pop("cache_control", None)
    return _encode(fields).decode()


def loaded_tool(name: str, path: str, notes: list[Note]) -> bytes:
    """Word that a deferred tool is there from now on, by the `name` that it has upstream."""
    notes.append(mapped(path, "a loaded tool was named in words"))
    return input_text(_encode(f"The tool {name} is available now."))


def _address(source: wire.Source, path: str, types: tuple[str, ...]) -> bytes:
    """The JSON string that upstream takes for a medium: a URL as it is, base64 data as a data URL."""
    if source.type == "url":
        url = reading.text_of(source.url, f"{path}.source.url")
        if is_empty(url):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.source.url: must not be empty.")
        return bytes(url)
    if source.type != "base64":
        raise fail(
            FailureKind.BAD_REQUEST, f"{path}.source.type: {source.type!r} cannot be sent upstream; base64 and url can."
        )
    data = reading.text_of(source.data, f"{path}.source.data")
    if is_empty(data):
        raise fail(FailureKind.BAD_REQUEST, f"{path}.source.data: must not be empty.")
    media_type = source.media_type.lower().replace("image/jpg", "image/jpeg")
    if media_type not in types:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"{path}.source.media_type: {source.media_type!r} cannot be sent; {', '.join(types)} can.",
        )
    return b'"data:%s;base64,%s' % (media_type.encode(), bytes(data)[1:])


def _decode_text(source: wire.Source, path: str) -> str:
    import base64

    try:
        return base64.b64decode(reading.decode_text(source.data, path), validate=True).decode()
    except ValueError:
        raise fail(FailureKind.BAD_REQUEST, f"{path}: expected base64 of a UTF-8 text.") from None


def _file_name(title: str | None) -> str:
    """A file name for upstream, which wants one that ends as the file's type does."""
    name = title or "document"
    return name if name.lower().endswith(".pdf") else f"{name}.pdf"
