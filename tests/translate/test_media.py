"""Images and documents: what upstream is sent for each, and what it is told when it cannot take one."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from tests.translate.test_pdf import make_pdf
from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.protocol.fidelity import Note
from turnout.protocol.messages import decode_blocks
from turnout.translate.media import ContentParts
from turnout.translate.target import Target

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
PDF = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(make_pdf("Track plan")).decode()}


def parts(block: dict[str, Any], notes: list[Note] | None = None, **capabilities: bool) -> list[dict[str, Any]]:
    target = Target(
        model="m", effort=None, account="a", capabilities=Capabilities(**capabilities), image_detail="original"
    )
    made = ContentParts(target, [] if notes is None else notes)
    blocks = decode_blocks(msgspec.Raw(json.dumps([block]).encode()), "messages[0].content")
    return [json.loads(part) for part in made.of(blocks[0], "messages[0].content[0]")]


def document(source: dict[str, Any], **fields: str) -> dict[str, Any]:
    return {"type": "document", "source": source, **fields}


def test_an_image_becomes_a_data_url_with_the_models_detail() -> None:
    assert parts({"type": "image", "source": PNG}) == [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "original"}
    ]


def test_an_image_by_url_keeps_its_url() -> None:
    block = {"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}
    assert parts(block)[0]["image_url"] == "https://x.test/a.png"


def test_the_common_misnomer_of_jpeg_is_mended() -> None:
    block = {"type": "image", "source": {**PNG, "media_type": "image/jpg"}}
    assert parts(block)[0]["image_url"].startswith("data:image/jpeg;")


def test_a_pdf_becomes_a_file() -> None:
    assert parts(document(PDF, title="plan")) == [
        {"type": "input_text", "text": "Document: plan"},
        {"type": "input_file", "filename": "plan.pdf", "file_data": f"data:application/pdf;base64,{PDF['data']}"},
    ]


def test_a_pdf_by_url_keeps_its_url() -> None:
    block = document({"type": "url", "url": "https://x.test/a.pdf"})
    assert parts(block) == [{"type": "input_file", "file_url": "https://x.test/a.pdf"}]


@pytest.mark.parametrize(
    "source",
    [
        {"type": "text", "media_type": "text/plain", "data": "words"},
        {"type": "base64", "media_type": "text/plain", "data": base64.b64encode(b"words").decode()},
        {"type": "content", "content": "words"},
        {"type": "content", "content": [{"type": "text", "text": "words"}]},
    ],
)
def test_text_documents_become_text_with_title_and_context(source: dict[str, Any]) -> None:
    texts = [part["text"] for part in parts(document(source, title="Plan", context="of the yard"))]
    assert texts == ["Document: Plan\nContext: of the yard", "words"]


def test_images_inside_a_content_source_are_carried() -> None:
    block = document({"type": "content", "content": [{"type": "image", "source": PNG}]})
    assert parts(block)[0]["type"] == "input_image"


def test_an_upstream_without_files_gets_the_pdfs_text_and_the_note_says_so() -> None:
    notes: list[Note] = []
    (part,) = parts(document(PDF), notes, files=False)
    assert "Track plan" in part["text"]
    assert [note.action for note in notes] == ["approximated"]


@pytest.mark.parametrize(
    "source",
    [{"type": "url", "url": "https://x.test/a.pdf"}, {**PDF, "data": base64.b64encode(b"no pdf").decode()}],
)
def test_a_pdf_without_text_is_told_to_the_model_and_noted_as_dropped(source: dict[str, Any]) -> None:
    notes: list[Note] = []
    (part,) = parts(document(source), notes, files=False)
    assert part["type"] == "input_text"
    assert [note.action for note in notes] == ["dropped"]


def test_an_upstream_without_images_is_told_that_there_was_one() -> None:
    notes: list[Note] = []
    (part,) = parts({"type": "image", "source": PNG}, notes, images=False)
    assert "cannot see images" in part["text"]
    assert [note.action for note in notes] == ["dropped"]


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"type": "image", "source": {**PNG, "media_type": "image/tiff"}}, "source.media_type: 'image/tiff'"),
        (document({**PDF, "media_type": "application/msword"}), "source.media_type: 'application/msword'"),
        ({"type": "image", "source": {**PNG, "media_type": ""}}, "source.media_type"),
        ({"type": "image", "source": {**PNG, "data": ""}}, "source.data: must not be empty"),
        ({"type": "image", "source": {**PNG, "data": 5}}, "source.data: expected a string"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "source.type: 'file'"),
        (document({"type": "base64", "media_type": "text/plain", "data": "!"}), "source.data"),
        (document({"type": "content", "content": [{"type": "image", "source": 3}]}), "source.content[0].source"),
    ],
)
def test_what_cannot_be_sent_is_refused_by_its_place(block: dict[str, Any], place: str) -> None:
    with pytest.raises(TurnoutError) as caught:
        parts(block)
    assert f"messages[0].content[0].{place}" in str(caught.value)
