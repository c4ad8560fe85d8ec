"""The content of Chat Completions messages as content parts of the Responses API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import chat as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.reading import is_null, text_of
from turnout.translate.media import input_text, is_empty, output_text
from turnout.translate.pdf import UnreadablePdfError, pdf_text

if TYPE_CHECKING:
    from msgspec import Raw

    from turnout.translate.target import Target

_encode = msgspec.json.encode

_DETAILS = ("low", "high", "auto", "original")
_PDF = b"data:application/pdf;base64,"
_NO_IMAGE = b'"[An image stood here. This model cannot see images.]"'
_NO_FILE = b'"[A file stood here. This model cannot open it.]"'


class ChatContent:
    """Content as one upstream takes it."""

    def __init__(self, target: Target, notes: list[Note]) -> None:
        """`notes` gets what was approximated or left out."""
        self._notes = notes
        self._detail = target.image_detail
        self._takes_images = target.capabilities.images
        self._takes_files = target.capabilities.files

    def said_to_model(self, content: Raw, path: str) -> list[bytes]:
        """The parts of a user's, developer's or tool's content. Raises `TurnoutError` (`BAD_REQUEST`)."""
        if is_null(content):
            return []
        if bytes(memoryview(content)[:1]) != b"[":
            text = text_of(content, path)
            return [] if is_empty(text) else [input_text(text)]
        return [
            made
            for index, (part, raw) in enumerate(wire.decode_parts(content, path))
            if (made := self._part(part, raw, f"{path}[{index}]"))
        ]

    def said_by_model(self, content: Raw, path: str) -> list[bytes]:
        """The parts of an assistant's content. Raises `TurnoutError` (`BAD_REQUEST`)."""
        if is_null(content):
            return []
        if bytes(memoryview(content)[:1]) != b"[":
            text = text_of(content, path)
            return [] if is_empty(text) else [output_text(text)]
        parts = []
        for index, (part, _) in enumerate(wire.decode_parts(content, path)):
            place = f"{path}[{index}]"
            if part.type == "text":
                text = text_of(part.text, f"{place}.text")
                parts += [] if is_empty(text) else [output_text(text)]
            elif part.type == "refusal":
                parts.append(refusal(text_of(part.refusal, f"{place}.refusal")))
            else:
                self._notes.append(dropped(place, f"a part of the type {part.type!r} has no place in an answer"))
        return parts

    def _part(self, part: wire.Part, raw: Raw, path: str) -> bytes:
        match part.type:
            case "text":
                text = text_of(part.text, f"{path}.text")
                return b"" if is_empty(text) else input_text(text)
            case "image_url":
                return self._image(part.image_url, path)
            case "file":
                return self._file(part.file, path)
            case "input_audio":
                raise fail(
                    FailureKind.BAD_REQUEST,
                    f"{path}: audio cannot be sent to this upstream.",
                    "Send its transcript as text.",
                )
            case "refusal":
                return input_text(text_of(part.refusal, f"{path}.refusal"))
            case kind:
                self._notes.append(approximated(path, f"a part of the type {kind!r} was sent as its JSON text"))
                return input_text(_encode(bytes(raw).decode()))

    def _image(self, image: wire.ImageUrl | str | None, path: str) -> bytes:
        url: bytes | Raw = _encode(image) if isinstance(image, str) else b'""'
        detail = self._detail
        if isinstance(image, wire.ImageUrl):
            url = text_of(image.url, f"{path}.image_url.url")
            if image.detail and image.detail != "auto":
                detail = image.detail
        if is_empty(url):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.image_url.url: this field is required.")
        if detail not in _DETAILS:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.image_url.detail: expected {', '.join(_DETAILS)}.")
        if not self._takes_images:
            self._notes.append(dropped(path, "the upstream takes no images"))
            return input_text(_NO_IMAGE)
        return b'{"type":"input_image","image_url":%s,"detail":"%s"}' % (bytes(url), detail.encode())

    def _file(self, file: wire.File | None, path: str) -> bytes:
        place = f"{path}.file"
        if file is None or (is_null(file.file_data) and is_null(file.file_id)):
            raise fail(FailureKind.BAD_REQUEST, f"{place}: file_data or file_id is required.")
        if is_null(file.file_data):
            file_id = text_of(file.file_id, f"{place}.file_id")
            if self._takes_files:
                return b'{"type":"input_file","file_id":%s}' % bytes(file_id)
            self._notes.append(dropped(path, "the upstream takes no files"))
            return input_text(_NO_FILE)
        data = bytes(text_of(file.file_data, f"{place}.file_data"))[1:-1]
        if not data.startswith(b"data:"):
            data = _PDF + data  # bare base64, as some clients send it
        if not self._takes_files:
            return self._text_of_pdf(data, path)
        name = b'"document.pdf"' if is_null(file.filename) else bytes(text_of(file.filename, f"{place}.filename"))
        return b'{"type":"input_file","filename":%s,"file_data":"%s"}' % (name, data)

    def _text_of_pdf(self, data: bytes, path: str) -> bytes:
        """A PDF's text in place of the PDF, or the word that it could not be had."""
        try:
            if not data.startswith(_PDF):
                raise UnreadablePdfError("it is no PDF")
            text = pdf_text(data[len(_PDF) :])
        except UnreadablePdfError as error:
            self._notes.append(dropped(path, f"the upstream takes no files, and this one gave no text: {error}"))
            return input_text(_NO_FILE)
        self._notes.append(approximated(path, "the upstream takes no files: the PDF was sent as its text"))
        return input_text(_encode(f"[The text of a PDF; its pictures and layout are missing.]\n{text}"))


def refusal(text: bytes | Raw) -> bytes:
    """What the assistant said in place of an answer. `text` is a JSON string."""
    return b'{"type":"refusal","refusal":%s}' % bytes(text)
