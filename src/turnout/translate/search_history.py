"""Web searches of earlier answers in words.

Upstream keeps nothing of them (``store`` is false), and it is not known whether it takes back a search that it does not
keep; the words say what was searched for and which pages were found, which is all that the client has of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

import msgspec

from turnout.protocol import messages as wire
from turnout.protocol.fidelity import Note, approximated, mapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_encode = msgspec.json.encode

SEARCH_BLOCKS = frozenset({wire.ServerToolUseBlock, wire.WebSearchResultBlock})
_NAME = "web_search"


class _Input(msgspec.Struct):
    query: str = ""


class _Result(msgspec.Struct):
    title: str = ""
    url: str = ""


class _Error(msgspec.Struct):
    error_code: str = ""


def in_words(query: str, found: Iterable[tuple[str, str]] | None, trouble: str = "") -> str:
    """A search in words. `found` is titles and addresses, None if they are not known; `trouble` is why it failed."""
    about = f"Web search for {_encode(query).decode()}" if query else "Web search"
    if trouble:
        return f"[{about} failed: {trouble}]"
    if found is None:
        return f"[{about}]"
    lines = [f"- {title}: {url}" if title and title != url else f"- {url}" for title, url in found]
    return "\n".join((f"[{about} found:", *lines)) + "]" if lines else f"[{about} found nothing]"


_decode_input = msgspec.json.Decoder(_Input).decode
_decode_results = msgspec.json.Decoder(list[_Result]).decode
_decode_error = msgspec.json.Decoder(_Error).decode


class SearchHistory:
    """Puts the searches of a history into words, each where it was called for."""

    def __init__(self, notes: list[Note]) -> None:
        self._notes = notes

    def words(self, blocks: Sequence[wire.Block], block: wire.Block, path: str) -> list[bytes] | None:
        """The texts that stand for `block`, one of the `blocks` of a message, as JSON strings.

        None if it is no search's. A result stands at its call, and has no text of its own.
        """
        if type(block) is wire.WebSearchResultBlock:
            if any(type(one) is wire.ServerToolUseBlock and one.id == block.tool_use_id for one in blocks):
                return []
            self._notes.append(approximated(path, "a web search result without its call was sent as words"))
            return [_encode(_said("", block))]
        if type(block) is not wire.ServerToolUseBlock or block.name != _NAME:
            return None
        result = next((one for one in blocks if _is_result(one, block.id)), None)
        if result is None:
            self._notes.append(approximated(path, "a web search without a result was sent as words"))
        else:
            self._notes.append(mapped(path, "a web search of an earlier answer was sent as words"))
        return [_encode(_said(_query(block), result))]


def _is_result(block: wire.Block, call_id: str) -> TypeGuard[wire.WebSearchResultBlock]:
    return type(block) is wire.WebSearchResultBlock and block.tool_use_id == call_id


def _query(block: wire.ServerToolUseBlock) -> str:
    try:
        return _decode_input(block.input).query
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _said(query: str, result: wire.WebSearchResultBlock | None) -> str:
    if result is None:
        return in_words(query, None)
    try:
        if bytes(memoryview(result.content)[:1]) == b"[":
            return in_words(query, [(page.title, page.url) for page in _decode_results(result.content) if page.url])
        return in_words(query, None, _decode_error(result.content).error_code or "no reason is known")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return in_words(query, None)
