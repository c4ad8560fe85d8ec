"""Output items as events: what is sent when one opens, while it grows, when it is done (codex-backend.md 3.1).

Pure: a scripted item and its place go in, events without sequence numbers come out.
"""

import re
from collections.abc import Callable
from functools import singledispatch

import msgspec

from turnout.simulator.ids import CODEX_ID_LENGTH, OPENAI_ID_LENGTH, Ids
from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.request import Request
from turnout.simulator.scenario import (
    Citation,
    Compaction,
    CustomToolCall,
    FunctionCall,
    ImageGeneration,
    Message,
    Output,
    RawEvent,
    Reasoning,
    WebSearch,
)

_WORDS = re.compile(r"\s*\S{1,24}|\s+")
_ARGUMENT_BYTES = re.compile(r".{1,12}", re.DOTALL)


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What every item of one answer needs to know."""

    request: Request
    ids: Ids
    seal: Callable[[str], str]
    """Encrypts a thought for this request's account and model."""


class ItemEvents(msgspec.Struct, frozen=True, kw_only=True):
    """One item's events in three phases; `item` is its finished form, None for what is no item."""

    item: JsonObject | None
    opening: list[JsonObject] = []
    growing: list[JsonObject] = []
    closing: list[JsonObject] = []


def words(text: str) -> list[str]:
    """A text in the pieces in which it is streamed; joined they give the text."""
    return _WORDS.findall(text)


@singledispatch
def events_of(output: Output, index: int, context: Context) -> ItemEvents:
    """The events of one scripted output at `output_index` `index`."""
    raise TypeError(f"no events are known for {type(output).__name__}")


@events_of.register
def _reasoning(output: Reasoning, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("reasoning", context)
    shown = output.summary if context.request.shows_summary else []
    growing: list[JsonObject] = []
    for number, part in enumerate(shown):
        place = {"item_id": identifier, "output_index": index, "summary_index": number}
        kind = "response.reasoning_summary"
        whole = {"type": "summary_text", "text": part}
        growing.append({"type": f"{kind}_part.added", **place, "part": {"type": "summary_text", "text": ""}})
        growing += [_delta(f"{kind}_text.delta", place, piece, context) for piece in words(part)]
        growing.append({"type": f"{kind}_text.done", **place, "text": part})
        growing.append({"type": f"{kind}_part.done", **place, "part": whole})
    if output.text:
        place = {"item_id": identifier, "output_index": index, "content_index": 0}
        growing += [_delta("response.reasoning_text.delta", place, piece, context) for piece in words(output.text)]
        growing.append({"type": "response.reasoning_text.done", **place, "text": output.text})
    opened: JsonObject = {"id": identifier, "type": "reasoning", "summary": []}
    item: JsonObject = {**opened, "summary": [{"type": "summary_text", "text": part} for part in shown]}
    if output.text:
        item["content"] = [{"type": "reasoning_text", "text": output.text}]
    if output.encrypted and context.request.wants_encrypted_reasoning:
        item["encrypted_content"] = context.seal(" ".join(output.summary) or output.text)
    return _item_events(index, opened, item, growing=growing)


@events_of.register
def _message(output: Message, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("message", context)
    place = {"item_id": identifier, "output_index": index, "content_index": 0}
    kind, field = ("refusal", "refusal") if output.refusal else ("output_text", "text")
    logprobs: JsonObject = {} if output.refusal else {"logprobs": []}
    extra: JsonObject = {} if output.refusal else {"annotations": [], **logprobs}
    annotations = [_citation(cited, output.text) for cited in output.citations]
    due = list(enumerate(annotations))
    growing: list[JsonObject] = []
    said = 0
    for piece in words(output.text):
        growing.append(_delta(f"response.{kind}.delta", place, piece, context, **logprobs))
        said += len(piece)
        while due and due[0][1]["end_index"] <= said:
            number, annotation = due.pop(0)
            added = {"type": "response.output_text.annotation.added", **place, "annotation_index": number}
            growing.append({**added, "annotation": annotation})
    part = {"type": kind, **extra, field: output.text}
    if annotations:
        part["annotations"] = annotations
    opened: JsonObject = {
        "id": identifier,
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }
    if output.phase:
        opened["phase"] = output.phase
    item = {**opened, "status": "completed", "content": [part]}
    first_part = {"type": "response.content_part.added", **place, "part": {"type": kind, **extra, field: ""}}
    finish: list[JsonObject] = [
        {"type": f"response.{kind}.done", **place, field: output.text, **logprobs},
        {"type": "response.content_part.done", **place, "part": part},
    ]
    return _item_events(index, opened, item, opening=[first_part], growing=growing, closing=finish)


@events_of.register
def _function_call(output: FunctionCall, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("function_call", context)
    place = {"item_id": identifier, "output_index": index}
    text = output.arguments if isinstance(output.arguments, str) else msgspec.json.encode(output.arguments).decode()
    opened: JsonObject = {
        "id": identifier,
        "type": "function_call",
        "status": "in_progress",
        "arguments": "",
        "call_id": output.call_id or context.ids.call(),
        "name": output.name,
    }
    item = {**opened, "status": "completed", "arguments": text}
    for tool in context.request.tools:
        if tool.get("name") == output.name and "namespace" in tool:
            opened["namespace"] = item["namespace"] = tool["namespace"]
    if output.late_name:
        del opened["name"]
    growing: list[JsonObject] = []
    closing: list[JsonObject] = []
    kind = "response.function_call_arguments"
    if output.arguments_in == "deltas":
        growing = [_delta(f"{kind}.delta", place, piece, context) for piece in _ARGUMENT_BYTES.findall(text)]
    if output.arguments_in != "item":
        closing = [{"type": f"{kind}.done", **place, "arguments": text}]
    return _item_events(index, opened, item, growing=growing, closing=closing)


@events_of.register
def _custom_tool_call(output: CustomToolCall, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("custom_tool_call", context)
    place = {"item_id": identifier, "output_index": index}
    kind = "response.custom_tool_call_input"
    opened: JsonObject = {
        "id": identifier,
        "type": "custom_tool_call",
        "status": "in_progress",
        "call_id": output.call_id or context.ids.call(),
        "name": output.name,
        "input": "",
    }
    item = {**opened, "status": "completed", "input": output.input}
    growing = [_delta(f"{kind}.delta", place, piece, context) for piece in _ARGUMENT_BYTES.findall(output.input)]
    closing: list[JsonObject] = [{"type": f"{kind}.done", **place, "input": output.input}]
    return _item_events(index, opened, item, growing=growing, closing=closing)


@events_of.register
def _web_search(output: WebSearch, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("web_search_call", context)
    place = {"item_id": identifier, "output_index": index}
    opened: JsonObject = {"id": identifier, "type": "web_search_call", "status": "in_progress"}
    action: JsonObject = {"type": output.action}
    if output.action == "search":
        queries = output.queries or [output.query]
        action |= {"query": output.query or queries[0], "queries": queries}
        if "web_search_call.action.sources" in (context.request.body.get("include") or []):
            action["sources"] = [{"type": "url", "url": url} for url in output.sources]
    else:
        action["url"] = output.url
    if output.action == "find_in_page":
        action["pattern"] = output.pattern
    item = {**opened, "status": "failed" if output.failed else "completed", "action": action}
    stages = ("in_progress", "searching") if output.failed else ("in_progress", "searching", "completed")
    growing: list[JsonObject] = [{"type": f"response.web_search_call.{stage}", **place} for stage in stages]
    return _item_events(index, opened, item, growing=growing)


@events_of.register
def _image_generation(output: ImageGeneration, index: int, context: Context) -> ItemEvents:
    identifier = _item_id("image_generation_call", context)
    place = {"item_id": identifier, "output_index": index}
    opened: JsonObject = {"id": identifier, "type": "image_generation_call", "status": "in_progress"}
    item = {
        **opened,
        "status": "completed",
        "result": output.result,
        "revised_prompt": output.revised_prompt,
        "output_format": "png",
        "size": "1024x1024",
    }
    stages = ("in_progress", "generating", "completed")
    growing: list[JsonObject] = [{"type": f"response.image_generation_call.{stage}", **place} for stage in stages]
    return _item_events(index, opened, item, growing=growing)


@events_of.register
def _compaction(output: Compaction, index: int, context: Context) -> ItemEvents:
    opened: JsonObject = {"id": _item_id("compaction", context), "type": "compaction"}
    return _item_events(index, opened, {**opened, "encrypted_content": context.seal(output.summary)})


@events_of.register
def _raw_event(output: RawEvent, index: int, context: Context) -> ItemEvents:
    return ItemEvents(item=None, growing=[output.event])


def _item_events(
    index: int,
    opened: JsonObject,
    item: JsonObject,
    *,
    opening: list[JsonObject] | None = None,
    growing: list[JsonObject] | None = None,
    closing: list[JsonObject] | None = None,
) -> ItemEvents:
    """Wrap an item's own events in output_item.added and output_item.done."""
    added: JsonObject = {"type": "response.output_item.added", "output_index": index, "item": opened}
    done: JsonObject = {"type": "response.output_item.done", "output_index": index, "item": item}
    return ItemEvents(
        item=item, opening=[added, *(opening or [])], growing=growing or [], closing=[*(closing or []), done]
    )


def _item_id(kind: str, context: Context) -> str:
    return context.ids.item(kind, CODEX_ID_LENGTH if context.request.dialect == "codex" else OPENAI_ID_LENGTH)


def _delta(kind: str, place: JsonObject, piece: str, context: Context, **extra: object) -> JsonObject:
    return {"type": kind, **place, "delta": piece, **extra, "obfuscation": context.ids.obfuscation(piece)}


def _citation(cited: str | Citation, text: str) -> JsonObject:
    page = Citation(url=cited) if isinstance(cited, str) else cited
    host = page.url.split("//", 1)[-1].split("/", 1)[0]
    start = max(0, text.find(page.at))
    end = start + len(page.at) if page.at else len(text)
    place = {"start_index": start, "end_index": end}
    return {"type": "url_citation", "url": page.url, "title": page.title or host, **place}
