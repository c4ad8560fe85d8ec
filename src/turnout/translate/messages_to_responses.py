"""A Messages request → a Responses request, as bytes.

The body is written so that a session's requests share the longest possible prefix: ``input`` is last and only grows,
every message has one canonical form whatever form the client gave it this time, and what changes from turn to turn
(the attribution line, ``cache_control``, per-message settings) is not sent (claude-code-wire.md 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol import messages as wire
from turnout.protocol import reading
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped, ignored, mapped
from turnout.translate import search
from turnout.translate.body import Beginning, joined, whole_body
from turnout.translate.deferred import Deferred
from turnout.translate.history import History
from turnout.translate.memory import Conversation, SessionMemory
from turnout.translate.schema import parameters
from turnout.translate.schema.conformance import conforms
from turnout.translate.tools import ToolsCache, TranslatedTools, short_name
from turnout.translate.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.translate.target import Target

_encode = msgspec.json.encode

_MIN_OUTPUT_TOKENS = 4096
"""A smaller ``max_tokens`` is not passed on: upstream counts hidden reasoning into it and would cut the answer."""
_FORMAT = b'{"format":{"type":"json_schema","name":"answer","strict":%s,"schema":%s}}'
_LITE_TOOLS = (
    b'{"type":"additional_tools","role":"developer",'
    b'"tools":[{"type":"namespace","name":"functions","description":"","tools":[%s]}]}'
)
"""Tools in lite framing are the first item (codex-backend.md 2.3)."""


class Caches(msgspec.Struct, frozen=True):
    """What is kept from one request to the next. It changes what a translation costs, never what it gives."""

    tools: ToolsCache
    sessions: SessionMemory


def translate(
    request: wire.MessagesRequest,
    target: Target,
    caches: Caches | None = None,
    conversation: Conversation | None = None,
) -> Translation:
    """The request as `target` wants it. `conversation` has its messages, if they were not read with it.

    Pure but for `caches`, which only save work. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    caches = caches or Caches(ToolsCache(0), SessionMemory(0))
    tools = caches.tools.translate(request.tools, target.capabilities, target.tool_schema_mode)
    web_search = search.plan(tools.search, target) if tools.search is not None else None
    if web_search is not None:
        tools, target = _with_search(tools, web_search, target)
    deferred = Deferred(tools, native=target.tool_search and target.capabilities.tool_search)
    history = History(target, deferred)
    try:
        history.add_system(request.system)
        if web_search is not None:
            history.add_system(web_search.words)
        before = len(history.items)
        for item in history.items:
            item.decode()
        if conversation is not None:
            history.add_conversation(conversation, caches.sessions)
        else:
            history.add_messages(request.messages)  # type: ignore[arg-type]
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "The request body is not valid UTF-8.") from None
    if len(history.items) == before:
        raise fail(FailureKind.BAD_REQUEST, "messages: there is nothing in them to send.")
    tools = msgspec.structs.replace(tools, functions=deferred.offered())
    notes = [*tools.notes, *history.notes]
    allowed = target.capabilities.fields
    fields = [(name, value) for name, value in _fields(request, target, tools, web_search, notes) if name in allowed]
    head = joined(fields)
    items = history.items
    if target.framing == "lite" and tools.functions:
        items.insert(0, _LITE_TOOLS % tools.functions)
    stops = tuple(sequence for sequence in request.stop_sequences or () if sequence)
    return Translation(
        body=whole_body(head, items),
        full_names={**tools.full_names, **history.full_names},
        stop_sequences=stops,
        notes=tuple(notes),
        framing=target.framing,
        tier=target.tier if "service_tier" in allowed else None,
        cleaners=tools.cleaners,
        search=web_search,
        beginning=Beginning.of(fields, head),
    )


def _with_search(tools: TranslatedTools, web_search: search.Search, target: Target) -> tuple[TranslatedTools, Target]:
    """The tools and the target of a request that may search the web."""
    notes = [*tools.notes, *web_search.notes]
    if web_search.hosted and target.framing == "lite":
        # Only plain framing has hosted tools (codex-backend.md 2.3).
        target = msgspec.structs.replace(target, framing="plain")
        notes.append(mapped("tools", "sent in plain framing, since only that has upstream's own web search"))
    # It stands first: there it leaves the prefix of the prompt as it is when further tools are loaded.
    offered = b",".join(filter(None, (web_search.definition, tools.functions)))
    names = tools.names if web_search.hosted else tools.names | {web_search.name}
    return msgspec.structs.replace(tools, functions=offered, names=names, notes=tuple(notes)), target


def _fields(
    request: wire.MessagesRequest,
    target: Target,
    tools: TranslatedTools,
    web_search: search.Search | None,
    notes: list[Note],
) -> Iterable[tuple[str, bytes]]:
    """Every field but ``input``, in wire order; the caller drops those that the upstream does not take."""
    plain = target.framing == "plain"
    yield "model", _encode(target.model)
    if plain and target.capabilities.instructions_required:
        # The system prompt travels as the first developer message, as the Codex CLI sends it (codex-backend.md 0.1).
        yield "instructions", b'""'
    if tools.functions:
        if plain:
            yield "tools", b"[%s]" % tools.functions
        yield "tool_choice", _tool_choice(request.tool_choice, tools, web_search, target)
        choice = request.tool_choice
        parallel = plain and not (choice and choice.disable_parallel_tool_use)
        yield "parallel_tool_calls", b"true" if parallel else b"false"
    yield "reasoning", _reasoning(request, target)
    yield "store", b"false"
    yield "stream", b"true"
    if included := _included(target, web_search):
        yield "include", _encode(included)
    if web_search is not None and web_search.hosted and web_search.max_uses is not None:
        yield "max_tool_calls", b"%d" % web_search.max_uses
    if target.session:
        yield "prompt_cache_key", _encode(target.session)
    if text := _text(request, target, notes):
        yield "text", text
    if target.tier is not None:
        yield "service_tier", _encode(target.tier)
    if _clears_context(request.context_management):
        notes.append(ignored("context_management", "the upstream has no such edits: the whole history is sent"))
    if not reading.is_null(request.safeguards):
        # The verdict is the provider's to give; none is made up here (claude-code-wire.md 9, Auto mode).
        notes.append(ignored("safeguards", "the upstream gives no verdicts on tool calls"))
    if request.max_tokens is not None and "max_output_tokens" in target.capabilities.fields:
        if request.max_tokens >= _MIN_OUTPUT_TOKENS:
            yield "max_output_tokens", b"%d" % request.max_tokens
        else:
            reason = f"{request.max_tokens} was not passed on: upstream would count hidden reasoning into it"
            notes.append(approximated("max_tokens", reason))
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None and name in target.capabilities.fields:
            yield name, _encode(value)
        elif value is not None and value != 1:
            notes.append(dropped(name, f"{value:g} was not passed on: the upstream does not take it"))


class _Edit(msgspec.Struct):
    keep: Raw = reading.NULL


class _Edits(msgspec.Struct):
    edits: list[_Edit] = []


def _clears_context(context_management: Raw) -> bool:
    """Whether the client wants something left out. Its standing wish is to keep all, which is what upstream does."""
    if reading.is_null(context_management):
        return False
    try:
        edits = msgspec.json.decode(context_management, type=_Edits).edits
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
    return any(bytes(edit.keep) != b'"all"' for edit in edits)


def _reasoning(request: wire.MessagesRequest, target: Target) -> bytes:
    fields: dict[str, str] = {}
    if target.effort:
        fields["effort"] = target.effort
    if not (request.thinking and request.thinking.type == "disabled"):
        fields["summary"] = "auto"  # without it no reasoning text is streamed (codex-backend.md 2.2)
    if target.framing == "lite":
        fields["context"] = "all_turns"
    return _encode(fields)


def _included(target: Target, web_search: search.Search | None) -> list[str]:
    included = ["reasoning.encrypted_content"] if target.capabilities.encrypted_reasoning else []
    if web_search is not None and web_search.hosted and target.capabilities.search_sources:
        included.append("web_search_call.action.sources")
    return included


def _tool_choice(
    choice: wire.ToolChoice | None, tools: TranslatedTools, web_search: search.Search | None, target: Target
) -> bytes:
    if choice is None or choice.type == "auto":
        return b'"auto"'
    if choice.type == "any":
        return b'"required"'
    if choice.type == "none":
        return b'"none"'
    if choice.type == "tool" and web_search is not None and web_search.hosted and choice.name == web_search.name:
        return b'{"type":"web_search"}'
    if choice.type == "tool" and choice.name in tools.names:
        return _encode({"type": "function", "name": short_name(choice.name, target.capabilities.max_tool_name)})
    if choice.type == "tool" and choice.name in tools.left_out:
        return b'"auto"'  # the note on the tool says why it cannot be forced
    if choice.type == "tool":
        raise fail(FailureKind.BAD_REQUEST, f"tool_choice.name: there is no tool {choice.name!r} in tools.")
    raise fail(FailureKind.BAD_REQUEST, "tool_choice.type: expected auto, any, none or tool.")


class _Format(msgspec.Struct):
    type: str = ""
    schema: Raw = reading.NULL


def _text(request: wire.MessagesRequest, target: Target, notes: list[Note]) -> bytes:
    config = request.output_config
    if config is None or reading.is_null(config.format):
        return b""
    try:
        bytes(config.format).decode()
        wanted = msgspec.json.decode(config.format, type=_Format)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise fail(FailureKind.BAD_REQUEST, "output_config.format: expected an object with a type.") from None
    if wanted.type != "json_schema" or reading.is_null(wanted.schema):
        notes.append(dropped("output_config.format", f"the type {wanted.type!r} is not known"))
        return b""
    if bytes(memoryview(wanted.schema)[:1]) != b"{":
        raise fail(FailureKind.BAD_REQUEST, "output_config.format.schema: expected a JSON schema object.")
    if conforms(wanted.schema):
        return _FORMAT % (b"true", bytes(wanted.schema))
    made = parameters(wanted.schema, "faithful", target.capabilities, "output_config.format.schema")
    notes += made.notes
    notes.append(approximated("output_config.format", "held to its schema at best effort: strict mode cannot say it"))
    return _FORMAT % (b"false", bytes(made.schema))
