"""The text of a PDF, for upstreams that take no files. Pure: bytes in, text out."""

from __future__ import annotations

import binascii
import io
import logging

_MAX_CHARACTERS = 1_000_000


class UnreadablePdfError(Exception):
    """Not a PDF, a damaged one, or one without text (scanned pages)."""


def pdf_text(data: bytes) -> str:
    """The text of all pages, each under a line with its number; at most a million characters.

    `data` is base64, as it stands in the request. Raises `UnreadablePdfError` with the reason in words.
    """
    from pypdf import PdfReader  # only the few who need it pay for the import
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports each flaw of a file to the log
    try:
        raw = binascii.a2b_base64(data)
    except binascii.Error:
        raise UnreadablePdfError("its data is not base64") from None
    try:
        reader = PdfReader(io.BytesIO(raw))
        pages = [page.extract_text().strip() for page in reader.pages]
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OSError) as error:
        # A damaged file makes the library fail in many ways.
        raise UnreadablePdfError(f"it could not be read ({type(error).__name__})") from None
    if not any(pages):
        raise UnreadablePdfError("it has no text, only pictures")
    return "\n\n".join(f"[Page {number}]\n{text}" for number, text in enumerate(pages, 1))[:_MAX_CHARACTERS]
