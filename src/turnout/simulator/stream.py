"""An answer as a sequence of steps: the response's envelope around its items (codex-backend.md 3.1).

Pure: everything that varies (ids, times, figures) comes in. Faults are put in afterwards, by faults.py.
"""

from collections.abc import Iterable, Iterator
from itertools import zip_longest

import msgspec

from turnout.simulator.items import Context, ItemEvents, events_of
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.request import Request
from turnout.simulator.scenario import (
    CustomToolCall,
    FunctionCall,
    Output,
    Pacing,
    RawEvent,
    Reasoning,
    Turn,
    Usage,
)
from turnout.simulator.steps import Emit, Pause, Step
from turnout.simulator.tokenizer import count_text

HIDDEN_REASONING_TOKENS = 64
"""Reasoning tokens of a thought beyond its summary, which is only the visible part."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of the response object that do not depend on what is said."""

    response_id: str
    created_at: int
    """Unix time, seconds."""
    input_tokens: int
    cached_tokens: int
    rate_limits: JsonObject | None = None
    """The content of a codex.rate_limits event to send first; None sends none."""
    unknown_event: bool = True
    """Send one event of a type that nobody knows, as a new server version might."""


def answer(turn: Turn, pacing: Pacing, context: Context, envelope: Envelope) -> Iterator[Step]:
    """The steps of one whole answer, from `response.created` to `response.completed`."""
    request = context.request
    base = response_object(request, envelope)
    if envelope.rate_limits is not None:
        yield Emit({"type": "codex.rate_limits", **envelope.rate_limits})
    yield Emit({"type": "response.created", "response": base})
    yield Emit({"type": "response.in_progress", "response": base})
    items: list[JsonObject] = []
    index = 0
    for group in _groups(turn.output, turn.interleave):
        parts: list[ItemEvents] = []
        for output in group:
            part = events_of(output, index, context)
            parts.append(part)
            if part.item is not None:
                items.append(part.item)
                index += 1
        yield from _paced(parts, pacing)
        if envelope.unknown_event and items:
            yield Emit({"type": "response.simulated_novelty.delta", "output_index": index - 1, "novelty": "unknown"})
            envelope = msgspec.structs.replace(envelope, unknown_event=False)
    completed: JsonObject = {
        **base,
        "status": "completed",
        # The Codex backend leaves this empty, since nothing is stored: clients must gather the items themselves.
        "output": [] if request.dialect == "codex" else items,
        "usage": usage(turn, envelope),
    }
    if turn.end_turn is not None:
        completed["end_turn"] = turn.end_turn
    yield Emit({"type": "response.completed", "response": completed})


def response_object(request: Request, envelope: Envelope) -> JsonObject:
    """The response as it stands at the start: the request's settings are echoed, instructions and tools included."""
    body = request.body
    reasoning = body.get("reasoning") or {}
    text = body.get("text") or {}
    return {
        "id": envelope.response_id,
        "object": "response",
        "created_at": envelope.created_at,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": request.model.slug,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "prompt_cache_key": body.get("prompt_cache_key"),
        "reasoning": {
            "effort": request.effort if request.model.reasons else None,
            "summary": reasoning.get("summary"),
        },
        "safety_identifier": body.get("safety_identifier"),
        "service_tier": body.get("service_tier", "auto"),
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity", "medium")},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_logprobs": 0,
        "top_p": body.get("top_p", 1.0),
        "truncation": body.get("truncation", "disabled"),
        "usage": None,
        "user": body.get("user"),
        "metadata": body.get("metadata") or {},
    }


def usage(turn: Turn, envelope: Envelope) -> JsonObject | None:
    """The usage object (codex-backend.md 3.2): counted, unless the turn says otherwise."""
    said = turn.usage or Usage()
    if said.absent:
        return None
    reasoning = said.reasoning_tokens
    if reasoning is None:
        reasoning = sum(_reasoning_tokens(output) for output in turn.output)
    output_tokens = said.output_tokens
    if output_tokens is None:
        output_tokens = reasoning + sum(_visible_tokens(output) for output in turn.output)
    input_tokens = envelope.input_tokens if said.input_tokens is None else said.input_tokens
    cached = envelope.cached_tokens if said.cached_tokens is None else said.cached_tokens
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached, "cache_write_tokens": said.cache_write_tokens or 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input_tokens + output_tokens,
    }


def _groups(outputs: list[Output], interleave: bool) -> Iterator[list[Output]]:
    """Outputs that are sent together: one by one, or neighbouring calls as one group."""
    group: list[Output] = []
    for output in outputs:
        joins = interleave and isinstance(output, FunctionCall | CustomToolCall)
        if group and not (joins and isinstance(group[-1], FunctionCall | CustomToolCall)):
            yield group
            group = []
        group.append(output)
    if group:
        yield group


def _paced(parts: list[ItemEvents], pacing: Pacing) -> Iterator[Step]:
    """A group's events: all openings, the growing parts in turns, all closings."""
    for part in parts:
        if pacing.item:
            yield Pause(pacing.item)
        yield from map(Emit, part.opening)
    for event in _in_turns(part.growing for part in parts):
        if pacing.delta and event["type"].endswith(".delta"):
            yield Pause(pacing.delta)
        yield Emit(event)
    for part in parts:
        yield from map(Emit, part.closing)


def _in_turns(lists: Iterable[list[JsonObject]]) -> Iterator[JsonObject]:
    for row in zip_longest(*lists):
        yield from (event for event in row if event is not None)


def _reasoning_tokens(output: Output) -> int:
    if not isinstance(output, Reasoning):
        return 0
    return HIDDEN_REASONING_TOKENS + sum(map(count_text, output.summary)) + count_text(output.text)


def _visible_tokens(output: Output) -> int:
    if isinstance(output, Reasoning | RawEvent):
        return 0
    return count_text(msgspec.json.encode(output).decode())
