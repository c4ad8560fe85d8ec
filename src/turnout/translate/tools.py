"""Tools and call ids on their way to the upstream and back.

The upstream wants names of at most 64 characters out of ``[A-Za-z0-9_-]`` and call ids of at most 64
(codex-backend.md 2.5); MCP servers make longer names (claude-code-wire.md 5). Short forms are pure functions of the
long ones, so definitions, history and forced choices agree without any state.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, dropped
from turnout.protocol.messages import NULL, Tool, WebSearchTool, decode_tools, decode_web_search, is_null, text_of

_LEGAL_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_PLACEHOLDER = "DeferredToolPlaceholder"
_WEB_SEARCH = "web_search"
"""What the type of the provider's web search begins with, whatever its date."""
_CACHE_BYTES = 16 * 1024 * 1024

_encode = msgspec.json.encode


def short_name(name: str, limit: int) -> str:
    """The name to use upstream: `name` itself where it is legal, else a readable beginning and a hash."""
    if len(name) <= limit and _LEGAL_NAME.fullmatch(name):
        return name
    mark = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{_ILLEGAL.sub('_', name)[: limit - 11]}_{mark}"


def short_call_id(call_id: str, limit: int) -> str:
    """The call id to use upstream. Ids that share a beginning stay apart: the short form is a hash of all of it."""
    if 0 < len(call_id) <= limit:
        return call_id
    return "call_" + hashlib.sha256(call_id.encode()).hexdigest()[: limit - 5]


class TranslatedTools(msgspec.Struct, frozen=True):
    """A ``tools`` array for the upstream. Holds no reference to the request it came from."""

    functions: bytes
    """The function tools as JSON, without the array's brackets; empty if there are none."""
    full_names: dict[str, str]
    """Short name → full name, for names that had to change."""
    names: frozenset[str]
    """The client's names for them."""
    left_out: frozenset[str]
    """The client's names for tools that are not offered upstream."""
    notes: tuple[Note, ...]
    search: WebSearchTool | None = None
    """The provider's web search, if it is among them. It is no function: `turnout.translate.search` plans it."""


NO_TOOLS = TranslatedTools(b"", {}, frozenset(), frozenset(), ())


class ToolsCache:
    """Translated tools by their bytes: a client sends the same 60 KB with each request of a session.

    Keyed by the bytes themselves, since hashing them well costs as much as translating them (performance.md 2).
    Bounded by the bytes it holds, not by entries.
    """

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._held = 0
        self._entries: OrderedDict[tuple[int, bytes], TranslatedTools] = OrderedDict()
        self._latest: tuple[int, bytes, TranslatedTools] = (0, b"", NO_TOOLS)

    def translate(self, tools: Raw, name_limit: int) -> TranslatedTools:
        """The translated tools, from the cache if the same bytes came before."""
        if is_null(tools):
            return NO_TOOLS
        raw = bytes(tools)
        limit, bytes_before, made_before = self._latest
        if limit == name_limit and bytes_before == raw:
            return made_before  # comparing costs a tenth of hashing
        key = (name_limit, raw)
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
            self._latest = (name_limit, raw, found)
            return found
        made = translate_tools(key[1], name_limit)
        self._entries[key] = made
        self._latest = (name_limit, raw, made)
        self._held += len(key[1]) + len(made.functions)
        while self._held > self._limit and self._entries:
            (_, oldest), old = self._entries.popitem(last=False)
            self._held -= len(oldest) + len(old.functions)
        return made


def translate_tools(tools: bytes, name_limit: int) -> TranslatedTools:
    """Messages ``tools`` → Responses function tools. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    notes: list[Note] = []
    full_names: dict[str, str] = {}
    first: list[bytes] = []
    late: list[bytes] = []
    search: WebSearchTool | None = None
    names: set[str] = set()
    left_out: set[str] = set()
    try:
        tools.decode()
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "tools: not valid UTF-8.") from None
    decoded = decode_tools(tools)
    for index, tool in enumerate(decoded):
        if tool.type is not None and tool.type.startswith(_WEB_SEARCH) and search is None:
            search = decode_web_search(tools, index)
            continue
        if tool.type not in (None, "custom"):
            notes.append(dropped(f"tools[{index}]", f"the server tool {tool.type} is not offered upstream"))
            left_out.add(tool.name)
            continue
        if not tool.name:
            raise fail(FailureKind.BAD_REQUEST, f"tools[{index}].name: this field is required.")
        if tool.name == _PLACEHOLDER and tool.defer_loading:
            left_out.add(tool.name)
            continue
        names.add(tool.name)
        name = short_name(tool.name, name_limit)
        if name != tool.name:
            full_names[name] = tool.name
        # Deferred tools are inserted in the middle of the client's list when they are loaded. Behind the others they
        # leave the prefix of the upstream's prompt as it was (claude-code-wire.md 2, Deferred tools).
        (late if tool.defer_loading else first).append(_function(name, tool, f"tools[{index}]"))
    return TranslatedTools(
        b",".join(first + late), full_names, frozenset(names), frozenset(left_out), tuple(notes), search
    )


def _function(name: str, tool: Tool, path: str) -> bytes:
    # strict is always said: left out it means true, and the schema would be refused or changed (codex-backend.md 2.5).
    return b"".join(
        (
            b'{"type":"function","name":',
            _encode(name),
            b',"description":',
            b'""' if is_null(tool.description) else text_of(tool.description, f"{path}.description"),
            b',"parameters":',
            _parameters(tool.input_schema, path),
            b',"strict":false}',
        )
    )


class _Head(msgspec.Struct):
    """The top level of a JSON schema, as far as the upstream insists on it."""

    type: Raw = NULL
    properties: Raw = NULL
    schema: Raw = msgspec.field(default=NULL, name="$schema")
    id: Raw = msgspec.field(default=NULL, name="$id")


_decode_head = msgspec.json.Decoder(_Head).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def _parameters(schema: Raw, path: str) -> bytes | Raw:
    """The schema as it is, unless its top level is one that the upstream refuses."""
    if is_null(schema):
        return b'{"type":"object","properties":{}}'
    try:
        head = _decode_head(schema)
        untouched = (
            bytes(head.type) == b'"object"'
            and not is_null(head.properties)
            and is_null(head.schema)
            and is_null(head.id)
        )
        if untouched:
            return schema
        fields = _decode_fields(schema)
    except (msgspec.DecodeError, RecursionError):
        raise fail(FailureKind.BAD_REQUEST, f"{path}.input_schema: expected a JSON schema object.") from None
    fields.pop("$schema", None)
    fields.pop("$id", None)
    if is_null(fields.get("properties", NULL)):
        fields["properties"] = Raw(b"{}")
    fields["type"] = Raw(b'"object"')
    return _encode(fields)
