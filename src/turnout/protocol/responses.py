"""The Responses API's stream as typed records: only the fields that Turnout reads.

Fields follow the openai SDK's types; what servers leave out has a default (codex-backend.md 3.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw

if TYPE_CHECKING:
    from collections.abc import Callable


class TextDelta(msgspec.Struct):
    """``response.output_text.delta`` and ``response.refusal.delta``. The delta stays JSON."""

    delta: Raw
    output_index: int = 0
    content_index: int = 0


class RefusalDelta(TextDelta):
    """``response.refusal.delta``, for those who tell it from text."""


class TextDone(msgspec.Struct):
    """``response.output_text.done`` and ``response.refusal.done``: the part's whole text."""

    text: Raw = Raw(b"null")
    refusal: Raw = Raw(b"null")
    output_index: int = 0
    content_index: int = 0


class SummaryDelta(msgspec.Struct):
    """``response.reasoning_summary_text.delta``."""

    delta: Raw
    output_index: int = 0
    summary_index: int = 0


class ReasoningDelta(msgspec.Struct):
    """``response.reasoning_text.delta``: raw reasoning, from open models only."""

    delta: Raw
    output_index: int = 0
    content_index: int = 0


class ArgumentsDelta(msgspec.Struct):
    """``response.function_call_arguments.delta``."""

    delta: str = ""
    output_index: int = 0


class InputDelta(ArgumentsDelta):
    """``response.custom_tool_call_input.delta``."""


class ArgumentsDone(msgspec.Struct):
    """``response.function_call_arguments.done``."""

    arguments: str | None = None
    name: str | None = None
    output_index: int = 0


class InputDone(msgspec.Struct):
    """``response.custom_tool_call_input.done``."""

    input: str | None = None
    output_index: int = 0


class AnnotationAdded(msgspec.Struct):
    """``response.output_text.annotation.added``."""

    annotation: Raw = Raw(b"null")
    """`turnout.protocol.web_search.decode_citation`."""
    output_index: int = 0
    content_index: int = 0


class Part(msgspec.Struct):
    """A part of a message (``output_text``, ``refusal``) or of reasoning (``summary_text``, ``reasoning_text``)."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: Raw = Raw(b"null")
    """`turnout.protocol.web_search.decode_citations`."""


ITEM_TYPES = frozenset({"message", "reasoning", "function_call", "custom_tool_call", "web_search_call"})
"""The items whose fields are read."""


class Item(msgspec.Struct):
    """An output item."""

    type: str = ""
    id: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    """What a custom tool is called with."""
    status: Raw = Raw(b"null")
    action: Raw = Raw(b"null")
    """What a web search did: `turnout.protocol.web_search.decode_action`."""


class ItemAdded(msgspec.Struct):
    """``response.output_item.added``."""

    item: Item
    output_index: int = 0


class ItemDone(msgspec.Struct):
    """``response.output_item.done``: the whole item."""

    item: Item
    output_index: int = 0


_Event = TypeVar("_Event", ItemAdded, ItemDone)


class _ItemEvent(msgspec.Struct):
    item: Raw
    output_index: int = 0


class _Kind(msgspec.Struct):
    type: str = ""


class _ToolSearchCall(msgspec.Struct):
    type: str
    call_id: str | None = None
    arguments: Raw = Raw(b"null")


_decode_item_event = msgspec.json.Decoder(_ItemEvent).decode
_decode_item_added = msgspec.json.Decoder(ItemAdded).decode
_decode_item_done = msgspec.json.Decoder(ItemDone).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode_tool_search = msgspec.json.Decoder(_ToolSearchCall).decode
_decode_whole_item = msgspec.json.Decoder(Item).decode


def decode_item(item: bytes | Raw) -> Item:
    """Reads an item. Of one that is not among `ITEM_TYPES` only the type is read: its fields may mean anything.

    Raises `msgspec.DecodeError`.
    """
    kind = _decode_kind(item).type
    if kind == "tool_search_call":
        # Its arguments are an object, or nothing while it is only announced; a function call's are text.
        call = _decode_tool_search(item)
        if not call.call_id:
            return Item(type=kind)  # upstream's own search, which the client has no part in
        arguments = bytes(call.arguments).decode()
        return Item(type=kind, call_id=call.call_id, arguments=None if arguments == "null" else arguments)
    return _decode_whole_item(item) if kind in ITEM_TYPES or not kind else Item(type=kind)


def decode_added(data: bytes) -> ItemAdded:
    """Reads ``response.output_item.added``. Raises `msgspec.DecodeError`."""
    return _decode_event(data, _decode_item_added, ItemAdded)


def decode_done(data: bytes) -> ItemDone:
    """Reads ``response.output_item.done``. Raises `msgspec.DecodeError`."""
    return _decode_event(data, _decode_item_done, ItemDone)


def _decode_event(data: bytes, decode: Callable[[bytes], _Event], make: Callable[[Item, int], _Event]) -> _Event:
    try:
        event = decode(data)
        if event.item.type in ITEM_TYPES:
            return event
    except msgspec.ValidationError:
        pass  # maybe by a field that means nothing here: of other items it is not read
    odd = _decode_item_event(data)
    return make(decode_item(odd.item), odd.output_index)


class InputDetails(msgspec.Struct):
    """``usage.input_tokens_details``."""

    cached_tokens: int | float | None = None
    cache_write_tokens: int | float | None = None


class OutputDetails(msgspec.Struct):
    """``usage.output_tokens_details``."""

    reasoning_tokens: int | float | None = None


class Usage(msgspec.Struct):
    """Tokens of one answer; input includes cached, output includes reasoning (codex-backend.md 3.2)."""

    input_tokens: int | float | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens: int | float | None = None
    output_tokens_details: OutputDetails | None = None


class Incomplete(msgspec.Struct):
    """``response.incomplete_details``."""

    reason: str | None = None


class Error(msgspec.Struct):
    """An error object of either family; also the top-level ``error`` event (codex-backend.md 2.4, 3.3)."""

    code: str | int | None = None
    type: str | None = None
    message: str | None = None
    param: str | None = None
    resets_at: float | None = None
    """Unix seconds."""
    resets_in_seconds: float | None = None


class Response(msgspec.Struct):
    """The response object of ``response.completed`` and ``response.incomplete``; on the Codex backend without output.

    What is only of use in some cases stays `Raw`, so that nothing odd in it can spoil an answer that is complete.
    """

    status: str | None = None
    output: list[Raw] | None = None
    usage: Raw = Raw(b"null")
    """`Usage`."""
    incomplete_details: Incomplete | None = None
    end_turn: Raw = Raw(b"null")
    """False: upstream has more to say, and wants to be asked again (codex-backend.md 3.2)."""
    error: Raw = Raw(b"null")
    """An error object, where a server calls completed what has failed."""


class ResponseEvent(msgspec.Struct):
    """``response.completed`` and ``response.incomplete``."""

    response: Response


class EventType(msgspec.Struct):
    """An event's own name for itself."""

    type: str = ""
