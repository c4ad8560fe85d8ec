"""The Responses API's stream as typed records: only the fields that Turnout reads.

Fields follow the openai SDK's types; what servers leave out has a default (codex-backend.md 3.1).
"""

from __future__ import annotations

import msgspec
from msgspec import Raw


class TextDelta(msgspec.Struct):
    """``response.output_text.delta`` and ``response.refusal.delta``. The delta stays JSON."""

    delta: Raw
    output_index: int = 0
    content_index: int = 0


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


class ArgumentsDone(msgspec.Struct):
    """``response.function_call_arguments.done``."""

    arguments: str | None = None
    name: str | None = None
    output_index: int = 0


class Part(msgspec.Struct):
    """A part of a message (``output_text``, ``refusal``) or of reasoning (``summary_text``, ``reasoning_text``)."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None


class Item(msgspec.Struct):
    """An output item: ``message``, ``reasoning``, ``function_call`` and others."""

    type: str = ""
    id: str | None = None
    content: list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


class ItemAdded(msgspec.Struct):
    """``response.output_item.added``."""

    item: Item
    output_index: int = 0


class ItemDone(msgspec.Struct):
    """``response.output_item.done``: the whole item."""

    item: Item
    output_index: int = 0


class InputDetails(msgspec.Struct):
    """``usage.input_tokens_details``."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """``usage.output_tokens_details``."""

    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """Tokens of one answer; input includes cached, output includes reasoning (codex-backend.md 3.2)."""

    input_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens: int | None = None
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
    plan_type: str | None = None
    resets_at: float | None = None
    resets_in_seconds: float | None = None


class Response(msgspec.Struct):
    """The response object inside terminal events; ``output`` is empty on the Codex backend."""

    output: list[Item] | None = None
    usage: Usage | None = None
    incomplete_details: Incomplete | None = None
    error: Error | None = None
    model: str | None = None


class ResponseEvent(msgspec.Struct):
    """``response.completed``, ``response.incomplete``, ``response.failed``."""

    response: Response


class ErrorEvent(msgspec.Struct):
    """Top-level ``error``: fields at the top, or an ``error`` object, or both."""

    error: Error | None = None
    code: str | int | None = None
    message: str | None = None
    param: str | None = None
    status: int | None = None


class EventType(msgspec.Struct):
    """An event's own name for itself."""

    type: str = ""
