"""Sizes of images and PDFs, and what they cost in tokens."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.models.media import (
    BUDGETS,
    PAGE_BYTES,
    PAGE_TOKENS,
    UNKNOWN_IMAGE,
    USUAL_BUDGET,
    file_tokens,
    image_tokens,
    pixels,
)


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height)


def jpeg(width: int, height: int) -> bytes:
    preview = b"\xff\xe1" + struct.pack(">H", 2 + 5000) + bytes(5000)
    frame = b"\xff\xc2" + struct.pack(">HBHH", 17, 8, height, width) + bytes(10)
    return b"\xff\xd8" + preview + frame


def webp(width: int, height: int, kind: bytes) -> bytes:
    if kind == b"VP8X":
        content = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        content = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    else:
        content = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return (
        b"RIFF" + struct.pack("<I", 4 + 8 + len(content)) + b"WEBP" + kind + struct.pack("<I", len(content)) + content
    )


def url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


IMAGES = [
    png(800, 600),
    gif(800, 600),
    jpeg(800, 600),
    webp(800, 600, b"VP8 "),
    webp(800, 600, b"VP8L"),
    webp(800, 600, b"VP8X"),
]


@pytest.mark.parametrize("data", IMAGES, ids=["png", "gif", "jpeg", "webp", "webp-lossless", "webp-extended"])
def test_the_size_is_read_from_the_first_bytes(data: bytes) -> None:
    assert pixels(data) == (800, 600)
    assert image_tokens(url(data), "auto") == 25 * 19


@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [
        ((1, 1), "auto", 1),
        ((1024, 1024), "high", 1024),
        ((1800, 2400), "auto", USUAL_BUDGET),
        ((1800, 2400), "original", 57 * 75),
        ((20_000, 20_000), "original", BUDGETS["original"]),
        ((1024, 1024), "low", BUDGETS["low"]),
    ],
)
def test_an_image_costs_its_patches_within_the_budget_of_its_detail(
    size: tuple[int, int], detail: str, tokens: int
) -> None:
    assert image_tokens(url(png(*size)), detail) == tokens


@pytest.mark.parametrize("address", ["https://example.com/a.png", "", "data:", url(b"no image"), "data:x,%%%%"])
def test_an_image_of_unknown_size_costs_a_flat_figure(address: str) -> None:
    assert image_tokens(address, "auto") == UNKNOWN_IMAGE


def test_a_pdf_costs_its_pages() -> None:
    shown = b"%PDF-1.4 /Type /Pages /Kids [] /Type /Page ... /Type/Page>> /Type /PageLabel"
    assert file_tokens(url(shown, "application/pdf")) == 2 * PAGE_TOKENS


def test_a_pdf_that_does_not_show_its_pages_costs_by_its_bytes() -> None:
    assert file_tokens(url(bytes(PAGE_BYTES + 1), "application/pdf")) == 2 * PAGE_TOKENS
    assert file_tokens("https://example.com/a.pdf") == PAGE_TOKENS


@given(st.binary(max_size=200), st.sampled_from([data[:30] for data in IMAGES] + [b""]))
def test_no_bytes_at_all_are_too_much(data: bytes, head: bytes) -> None:
    found = pixels(head + data)
    assert found is None or min(found) > 0
    assert 1 <= image_tokens(url(head + data), "auto") <= USUAL_BUDGET
    assert file_tokens(url(head + data, "application/pdf")) >= 0
