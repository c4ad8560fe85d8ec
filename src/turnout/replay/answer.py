"""What an answer amounted to, read from its events or its body as they were traced. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.ledger.trace import Answered, TracedExchange, Whole
from turnout.protocol.sse import SseSplitter, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.ledger.record import RequestRecord


class Gist(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What of an answer can be compared with another one. Texts cannot: no model says the same twice."""

    status: int = 0
    stop_reason: str | None = None
    tools: tuple[str, ...] = ()
    """Names of the tools called, in order."""
    text_length: int = 0
    """Characters of text."""
    input_tokens: int = 0
    """All of the input, cached or not."""
    cached_tokens: int = 0
    output_tokens: int = 0
    error: str = ""
    """Type and message, if it was or ended in one."""
    notes: tuple[str, ...] = ()
    """What the translation had to say, without the words of it: ``dropped tools[2]``."""


def of_trace(exchange: TracedExchange) -> Gist:
    """What the recorded answer amounted to."""
    status = next((step.status for step in exchange.steps if isinstance(step, Answered)), 0)
    told = exchange.answer
    whole = [step for step in told if isinstance(step, Whole)]
    if whole:
        gist = of_body(status, whole[-1].data)
    else:
        gist = of_events(status, (msgspec.json.decode(step.data) for step in told))
    return with_record(gist, exchange.record)


def of_answer(status: int, content_type: str, body: bytes) -> Gist:
    """What an answer as it came over HTTP amounted to."""
    if not content_type.startswith("text/event-stream"):
        return of_body(status, body)
    contents = (parse(block)[1] for block in SseSplitter().feed(body))
    return of_events(status, (msgspec.json.decode(each) for each in contents if each.startswith(b"{")))


def with_record(gist: Gist, record: RequestRecord | None) -> Gist:
    """The same, with the notes of the record."""
    if record is not None:
        gist.notes = tuple(sorted({f"{note.action} {note.place}".strip() for note in record.notes}))
    return gist


def of_body(status: int, body: bytes) -> Gist:
    """What a JSON answer amounted to."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        content = None
    if not isinstance(content, dict):
        return Gist(status=status, error="an answer that is no JSON")
    gist = Gist(status=status)
    if content.get("type") == "error" or isinstance(content.get("error"), dict):
        gist.error = _error(content)
        return gist
    if "choices" in content:
        _add_chunk(gist, content)
        return gist
    gist.stop_reason = content.get("stop_reason")
    for block in content.get("content") or ():
        _add_block(gist, block)
        gist.text_length += len(block.get("text") or "")
    _add_usage(gist, content.get("usage") or {})
    return gist


def of_events(status: int, events: Iterable[Any]) -> Gist:
    """What a stream amounted to."""
    gist = Gist(status=status)
    for event in events:
        match event:
            case {"type": "content_block_start", "content_block": dict(block)}:
                _add_block(gist, block)
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                gist.text_length += len(text)
            case {"type": "message_delta", "delta": dict(delta)}:
                gist.stop_reason = delta.get("stop_reason")
                _add_usage(gist, event.get("usage") or {})
            case {"choices": list()}:
                _add_chunk(gist, event)
            case {"type": "error"} | {"error": dict()}:
                gist.error = _error(event)
    return gist


def _add_chunk(gist: Gist, chunk: dict[str, Any]) -> None:
    """A chunk of Chat Completions, or a whole answer."""
    for choice in chunk["choices"]:
        said = choice.get("delta") or choice.get("message") or {}
        gist.text_length += len(said.get("content") or "")
        gist.stop_reason = choice.get("finish_reason") or gist.stop_reason
        called = [call.get("function") or call.get("custom") or {} for call in said.get("tool_calls") or ()]
        called.append(said.get("function_call") or {})
        gist.tools += tuple(str(each["name"]) for each in called if each.get("name"))
    if usage := chunk.get("usage"):
        gist.input_tokens = usage.get("prompt_tokens") or 0
        gist.cached_tokens = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        gist.output_tokens = usage.get("completion_tokens") or 0


def _add_block(gist: Gist, block: dict[str, Any]) -> None:
    if block.get("type") in ("tool_use", "server_tool_use"):
        gist.tools += (str(block.get("name")),)


def _add_usage(gist: Gist, usage: dict[str, Any]) -> None:
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    gist.input_tokens = (usage.get("input_tokens") or 0) + cached + written
    gist.cached_tokens = cached
    gist.output_tokens = usage.get("output_tokens") or 0


def _error(content: dict[str, Any]) -> str:
    error = content.get("error")
    return f"{error.get('type')}: {error.get('message')}" if isinstance(error, dict) else "an error without words"
