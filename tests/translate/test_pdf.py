"""The text of PDFs."""

from __future__ import annotations

import base64

import pytest

from turnout.translate.pdf import UnreadablePdfError, pdf_text


def make_pdf(*pages: str) -> bytes:
    """A small PDF, written by hand, with one line of text on each page."""
    kids = " ".join(f"{3 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
    ]
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    for index, text in enumerate(pages):
        content = f"BT /F1 24 Tf 72 700 Td ({text}) Tj ET" if text else ""
        page = f"/MediaBox [0 0 612 792] /Contents {4 + 2 * index} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R /Resources {font} {page} >>")
        objects.append(f"<< /Length {len(content)} >>\nstream\n{content}\nendstream")
    out = b"%PDF-1.4\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    start = len(out)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    size = len(objects) + 1
    end = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R >>\n"
    return out + f"{end}startxref\n{start}\n%%EOF\n".encode()


def test_each_page_has_its_text_under_its_number() -> None:
    data = base64.b64encode(make_pdf("Trains pass here", "Second track"))
    assert pdf_text(data) == "[Page 1]\nTrains pass here\n\n[Page 2]\nSecond track"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"!!!", "could not be read"),
        (base64.b64encode(b"no pdf at all"), "could not be read"),
        (base64.b64encode(make_pdf("half a file")[:120]), "could not be read"),
        (base64.b64encode(make_pdf("", "")), "no text"),
        (b"abcde", "not base64"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePdfError, match=reason):
        pdf_text(data)
