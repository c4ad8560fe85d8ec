"""What of a Messages request is not its messages, as a Responses request has it: every field but ``input``, and the
system prompt. All of it repeats from turn to turn, so that a session's requests can share it.
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
from turnout.translate.body import Beginning, joined
from turnout.translate.media import input_text, is_empty, message_item
from turnout.translate.schema import parameters
from turnout.translate.schema.conformance import conforms
from turnout.translate.target import Target
from turnout.translate.tools import ToolsCache, TranslatedTools, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_encode = msgspec.json.encode

_MIN_OUTPUT_TOKENS = 4096
"""A smaller ``max_tokens`` is not passed on: upstream counts hidden reasoning into it and would cut the answer."""
_FORMAT = b'{"format":{"type":"json_schema","name":"answer","strict":%s,"schema":%s}}'
_ATTRIBUTION = "x-anthropic-billing-header:"
_ATTRIBUTION_BYTES = b'"' + _ATTRIBUTION.encode()


class Head(msgspec.Struct, frozen=True):
    """The fields of a request, for the tools that it offers."""

    functions: bytes
    """The tools."""
    fields: bytes
    """All but ``input``, as `joined` makes them."""
    beginning: Beginning
    notes: tuple[Note, ...]


class Opening(msgspec.Struct, frozen=True):
    """What a request is for one target, but for its messages. Holds no reference to the request that it was made of."""

    asked: Target
    """The target it was asked for."""
    target: Target
    """The target as the request's web search wants it."""
    tools: TranslatedTools
    web_search: search.Search | None
    system: bytes
    """The system prompt as the first developer message; empty if there is none."""
    words: bytes
    """What is said of the web search, as a developer message; empty if nothing is."""
    head: Head | None = None
    """The fields as they were last time."""

    @property
    def items(self) -> list[bytes]:
        """What stands before the messages."""
        return [item for item in (self.system, self.words) if item]

    @property
    def size(self) -> int:
        """Bytes held."""
        head = len(self.head.fields) + len(self.head.functions) if self.head is not None else 0
        return len(self.system) + len(self.words) + head

    def head_of(self, request: wire.MessagesRequest, functions: bytes) -> Head:
        """The fields for the tools that are offered, which loaded ones may have joined."""
        if self.head is not None and self.head.functions == functions:
            return self.head
        return _head(request, self, functions)

    def with_head(self, head: Head) -> Opening:
        """The same with these fields to begin with next time."""
        return self if self.head is head else msgspec.structs.replace(self, head=head)


def opening(request: wire.MessagesRequest, target: Target, cache: ToolsCache) -> Opening:
    """What `request` is for `target`, but for its messages and its fields.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body, and `UnicodeDecodeError`.
    """
    tools = cache.translate(request.tools, target.capabilities, target.tool_schema_mode)
    web_search = search.plan(tools.search, target) if tools.search is not None else None
    if web_search is None:
        return Opening(target, target, tools, None, _developer(_system(request.system)), b"")
    tools, found = _with_search(tools, web_search, target)
    words = _developer(_system(web_search.words))
    return Opening(target, found, tools, web_search, _developer(_system(request.system)), words)


def _developer(texts: list[bytes | Raw]) -> bytes:
    """A developer message. Raises `UnicodeDecodeError`: the client's texts are copied without being decoded."""
    parts = [input_text(text) for text in texts if not is_empty(text)]
    if not parts:
        return b""
    item = message_item(b"developer", parts)
    item.decode()
    return item


def _system(system: str | list[wire.SystemBlock] | None) -> list[bytes | Raw]:
    """The texts of the system prompt, as JSON strings, without the client's attribution line."""
    if not system:
        return []
    if isinstance(system, str):
        return [_encode(_without_attribution(system))]
    texts: list[bytes | Raw] = [
        reading.text_of(block.text, f"system[{index}].text") for index, block in enumerate(system)
    ]
    if bytes(memoryview(texts[0])[: len(_ATTRIBUTION_BYTES)]) == _ATTRIBUTION_BYTES:
        texts[0] = _encode(_without_attribution(reading.decode_text(system[0].text, "system[0].text")))
    return texts


def _without_attribution(text: str) -> str:
    """`text` without the client's attribution line, which differs between equal conversations."""
    if not text.startswith(_ATTRIBUTION):
        return text
    return text.partition("\n")[2].lstrip("\n")


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


def _head(request: wire.MessagesRequest, opening: Opening, functions: bytes) -> Head:
    allowed = opening.target.capabilities.fields
    notes: list[Note] = []
    fields = [(name, value) for name, value in _fields(request, opening, functions, notes) if name in allowed]
    made = joined(fields)
    return Head(functions, made, Beginning.of(fields, made), tuple(notes))


def _fields(
    request: wire.MessagesRequest, opening: Opening, functions: bytes, notes: list[Note]
) -> Iterable[tuple[str, bytes]]:
    """Every field but ``input``, in wire order; the caller drops those that the upstream does not take."""
    target, tools, web_search = opening.target, opening.tools, opening.web_search
    plain = target.framing == "plain"
    yield "model", _encode(target.model)
    if plain and target.capabilities.instructions_required:
        # The system prompt travels as the first developer message, as the Codex CLI sends it (codex-backend.md 0.1).
        yield "instructions", b'""'
    if functions:
        if plain:
            yield "tools", b"[%s]" % functions
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


_decode_edits = msgspec.json.Decoder(_Edits).decode


def _clears_context(context_management: Raw) -> bool:
    """Whether the client wants something left out. Its standing wish is to keep all, which is what upstream does."""
    if reading.is_null(context_management):
        return False
    try:
        edits = _decode_edits(context_management).edits
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
