"""A Chat Completions request → a Responses request, as bytes.

As for Messages, ``input`` is last and only grows, so that a conversation's requests share the longest possible prefix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import chat as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped, ignored, mapped
from turnout.protocol.reading import is_null
from turnout.translate.body import Beginning, joined, whole_body
from turnout.translate.chat_history import ChatHistory
from turnout.translate.chat_tools import tool_choice, translate_tools
from turnout.translate.schema import parameters
from turnout.translate.schema.conformance import conforms
from turnout.translate.translation import Translation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.translate.target import Target
    from turnout.translate.tools import TranslatedTools

_encode = msgspec.json.encode

_MIN_OUTPUT_TOKENS = 16
"""The least that the Responses API takes as ``max_output_tokens``."""
_VERBOSITIES = ("low", "medium", "high")
_LITE_TOOLS = (
    b'{"type":"additional_tools","role":"developer",'
    b'"tools":[{"type":"namespace","name":"functions","description":"","tools":[%s]}]}'
)
"""Tools in lite framing are the first item (codex-backend.md 2.3)."""
_WEB_SEARCH = b'{"type":"web_search"%s}'


def translate(request: wire.ChatRequest, target: Target) -> Translation:
    """The request as `target` wants it. Pure.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    _refuse_what_cannot_be(request)
    tools = translate_tools(request, target)
    history = ChatHistory(target)
    history.add(request.messages)
    if not history.items:
        raise fail(FailureKind.BAD_REQUEST, "messages: there is nothing in them to send.")
    notes = [*tools.notes, *history.notes]
    searches = _web_search(request, target, notes)
    if searches and target.framing == "lite":
        # Only plain framing has hosted tools (codex-backend.md 2.3).
        target = msgspec.structs.replace(target, framing="plain")
        notes.append(mapped("web_search_options", "sent in plain framing, since only that has upstream's web search"))
    offered = b",".join(filter(None, (searches, tools.functions)))
    allowed = target.capabilities.fields
    fields = [(name, value) for name, value in _fields(request, target, tools, offered, notes) if name in allowed]
    head = joined(fields)
    items = history.items
    if target.framing == "lite" and offered:
        items.insert(0, _LITE_TOOLS % offered)
    return Translation(
        body=whole_body(head, items),
        full_names={**tools.full_names, **history.full_names},
        stop_sequences=request.stops,
        notes=tuple(notes),
        framing=target.framing,
        tier=target.tier if "service_tier" in allowed else None,
        cleaners=tools.cleaners,
        search=None,
        beginning=Beginning.of(fields, head),
    )


def _refuse_what_cannot_be(request: wire.ChatRequest) -> None:
    """Refuses what has no form in the Responses API, and would be missed in the answer."""
    if request.n is not None and request.n != 1:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"n: {request.n} answers to one request cannot be had here; one can.",
            "Leave n out, and send the request several times.",
        )
    if request.logprobs or request.top_logprobs:
        name = "logprobs" if request.logprobs else "top_logprobs"
        raise fail(
            FailureKind.BAD_REQUEST,
            f"{name}: the upstream's models give no log probabilities.",
            f"Leave {name} out.",
        )
    if "audio" in (request.modalities or ()) or not is_null(request.audio):
        raise fail(
            FailureKind.BAD_REQUEST, "modalities: answers cannot be spoken here.", "Ask for text, and leave audio out."
        )
    if (request.tools and request.functions) or (request.tools and request.function_call is not None):
        raise fail(
            FailureKind.BAD_REQUEST,
            "functions: either tools or the older functions and function_call can be used, not both.",
        )


def _fields(
    request: wire.ChatRequest, target: Target, tools: TranslatedTools, offered: bytes, notes: list[Note]
) -> Iterable[tuple[str, bytes]]:
    """Every field but ``input``, in wire order; the caller drops those that the upstream does not take."""
    plain = target.framing == "plain"
    yield "model", _encode(target.model)
    if plain and target.capabilities.instructions_required:
        # System messages travel as developer messages, in their place (codex-backend.md 0.1).
        yield "instructions", b'""'
    if offered:
        if plain:
            yield "tools", b"[%s]" % offered
        yield "tool_choice", tool_choice(request, tools, target)
        parallel = plain and request.parallel_tool_calls is not False and not request.functions
        yield "parallel_tool_calls", b"true" if parallel else b"false"
    yield "reasoning", _reasoning(request, target)
    yield "store", b"false"
    yield "stream", b"true"
    if target.capabilities.encrypted_reasoning:
        yield "include", b'["reasoning.encrypted_content"]'
    if target.session:
        yield "prompt_cache_key", _encode(target.session)
    if text := _text(request, target, notes):
        yield "text", text
    if target.tier is not None:
        yield "service_tier", _encode(target.tier)
    yield from _limits(request, target, notes)
    _note_the_rest(request, notes)


def _limits(request: wire.ChatRequest, target: Target, notes: list[Note]) -> Iterable[tuple[str, bytes]]:
    """What bounds and shapes the sampling, where the upstream takes it."""
    allowed = target.capabilities.fields
    most = request.max_completion_tokens if request.max_completion_tokens is not None else request.max_tokens
    if most is not None and most > 0:
        if "max_output_tokens" not in allowed:
            notes.append(approximated("max_completion_tokens", "was not passed on: the upstream does not take it"))
        else:
            yield "max_output_tokens", b"%d" % max(most, _MIN_OUTPUT_TOKENS)
    for name, value in (("temperature", request.temperature), ("top_p", request.top_p)):
        if value is not None and name in allowed:
            yield name, _encode(value)
        elif value is not None and value != 1:
            notes.append(dropped(name, f"{value:g} was not passed on: the upstream does not take it"))
    for name, raw in (
        ("metadata", request.metadata),
        ("safety_identifier", request.safety_identifier),
        ("user", request.user),
        ("prompt_cache_retention", request.prompt_cache_retention),
    ):
        if is_null(raw):
            continue
        if name not in allowed:
            notes.append(ignored(name, "the upstream does not take it"))
        else:
            yield name, bytes(raw)


def _note_the_rest(request: wire.ChatRequest, notes: list[Note]) -> None:
    """Fields that the Responses API does not have."""
    for name, penalty in (
        ("presence_penalty", request.presence_penalty),
        ("frequency_penalty", request.frequency_penalty),
    ):
        if penalty:
            notes.append(dropped(name, f"{penalty:g} was not passed on: upstream has no such thing"))
    if bytes(request.logit_bias) not in (b"null", b"{}"):
        notes.append(dropped("logit_bias", "was not passed on: upstream has no such thing"))
    if request.seed is not None:
        notes.append(ignored("seed", "upstream has no such thing: equal requests may have different answers"))
    if not is_null(request.prediction):
        notes.append(ignored("prediction", "upstream has no such thing: the answer only takes longer"))
    if request.store:
        notes.append(ignored("store", "nothing is stored"))


def _reasoning(request: wire.ChatRequest, target: Target) -> bytes:
    fields: dict[str, str] = {}
    if target.effort:
        fields["effort"] = target.effort
    if not (request.reasoning and request.reasoning.exclude):
        fields["summary"] = "auto"  # without it no reasoning text is streamed (codex-backend.md 2.2)
    if target.framing == "lite":
        fields["context"] = "all_turns"
    return _encode(fields)


def _text(request: wire.ChatRequest, target: Target, notes: list[Note]) -> bytes:
    """``text``: the answer's format, and how wordy it is. Empty if nothing is to be said."""
    fields: list[tuple[str, bytes]] = []
    if request.response_format is not None and (form := _format(request.response_format, target, notes)):
        fields.append(("format", form))
    if request.verbosity is not None:
        if request.verbosity not in _VERBOSITIES:
            raise fail(FailureKind.BAD_REQUEST, f"verbosity: expected {', '.join(_VERBOSITIES)}.")
        fields.append(("verbosity", _encode(request.verbosity)))
    return b"{%s}" % joined(fields) if fields else b""


def _format(wanted: wire.ResponseFormat, target: Target, notes: list[Note]) -> bytes:
    if wanted.type == "text":
        return b""
    if wanted.type == "json_object":
        return b'{"type":"json_object"}'
    given = wanted.json_schema
    if wanted.type != "json_schema":
        raise fail(FailureKind.BAD_REQUEST, "response_format.type: expected text, json_object or json_schema.")
    place = "response_format.json_schema"
    if given is None or bytes(memoryview(given.schema)[:1]) != b"{":
        raise fail(FailureKind.BAD_REQUEST, f"{place}.schema: expected a JSON schema object.")
    strict, schema = bool(given.strict), given.schema
    if strict and not conforms(schema):
        strict = False
        notes.append(approximated(place, "held to its schema at best effort: strict mode cannot say it"))
    if not strict:
        made = parameters(schema, "faithful", target.capabilities, f"{place}.schema")
        notes += made.notes
        schema = made.schema
    about = b"" if is_null(given.description) else b',"description":%s' % bytes(given.description)
    form = b'{"type":"json_schema","name":%s%s,"strict":%s,"schema":%s}'
    return form % (_encode(given.name), about, b"true" if strict else b"false", bytes(schema))


def _web_search(request: wire.ChatRequest, target: Target, notes: list[Note]) -> bytes:
    """The hosted web search that ``web_search_options`` ask for; empty without."""
    if is_null(request.web_search_options):
        return b""
    if not (target.capabilities.hosted_search and target.hosted_search):
        notes.append(dropped("web_search_options", "the upstream does not search the web"))
        return b""
    options = wire.decode_search_options(request.web_search_options, "web_search_options")
    said = b""
    if options.search_context_size:
        said += b',"search_context_size":%s' % _encode(options.search_context_size)
    if options.user_location is not None and bytes(memoryview(options.user_location.approximate)[:1]) == b"{":
        where = bytes(options.user_location.approximate)[1:]
        said += b',"user_location":{"type":"approximate"%s%s' % (b"," if where.strip() != b"}" else b"", where)
    return _WEB_SEARCH % said
