"""Web search in the Responses API as typed records, and what a search gives in terms of neither protocol.

Sources: codex-backend.md 3.1 (items and annotations) and the openai SDK's types.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

ErrorCode = Literal[
    "invalid_tool_input", "unavailable", "max_uses_exceeded", "too_many_requests", "query_too_long", "request_too_large"
]
"""Why a search gave nothing, in the words of the Messages API."""


class Link(msgspec.Struct, frozen=True):
    """A page that a search found."""

    url: str
    title: str
    excerpt: str = ""
    """Text of the page or about it, as far as the search gave any."""
    age: str | None = None
    """When the page was published, in whatever form the search said it."""


class Found(msgspec.Struct, frozen=True):
    """A search that was made, and what it found."""

    links: tuple[Link, ...]


class Refused(msgspec.Struct, frozen=True):
    """A search that could not be made."""

    code: ErrorCode
    reason: str
    """What happened, as a sentence for the model and the record."""


Outcome = Found | Refused


class Source(msgspec.Struct):
    """A page that a hosted search looked at. Some sources are services without an address."""

    url: str | None = None
    title: str | None = None


class Action(msgspec.Struct):
    """What a ``web_search_call`` did: ``search``, ``open_page``, ``find_in_page`` (``find`` in older servers)."""

    type: str = ""
    query: str | None = None
    queries: list[str] | None = None
    sources: list[Source] | None = None
    url: str | None = None
    pattern: str | None = None


class Citation(msgspec.Struct):
    """An annotation of a text; only those of the type ``url_citation`` have an address."""

    type: str = ""
    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


_decode_action = msgspec.json.Decoder(Action).decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_citation = msgspec.json.Decoder(Citation).decode


def decode_action(action: Raw) -> Action:
    """Reads a call's action; an empty one in place of one that cannot be read, for the answer does not hang on it."""
    try:
        return _decode_action(action)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Action()


def decode_citation(annotation: Raw) -> Citation | None:
    """Reads a citation of a page; None for every other annotation."""
    try:
        citation = _decode_citation(annotation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return citation if citation.type == "url_citation" and citation.url else None


def decode_citations(annotations: Raw) -> list[Citation]:
    """Reads the citations among a text's annotations; what is none is left out."""
    try:
        each = _decode_raws(annotations)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    return [citation for one in each if (citation := decode_citation(one)) is not None]
