"""Tools and call ids on their way to the upstream and back.

The upstream wants names of at most 64 characters out of ``[A-Za-z0-9_-]`` and call ids of at most 64
(codex-backend.md 2.5); MCP servers make longer names (claude-code-wire.md 5). Short forms are pure functions of the
long ones, so definitions, history and forced choices agree without any state.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeAlias

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, dropped
from turnout.protocol.messages import Tool, WebSearchTool, decode_tools, decode_web_search
from turnout.protocol.reading import EMPTY_STRING, is_null, text_of
from turnout.translate.deferred import TOOL_SEARCH, hosted_search
from turnout.translate.schema import NullRemover, Parameters, ToolSchemaMode, parameters
from turnout.translate.schema.forms import is_object, is_string

if TYPE_CHECKING:
    from turnout.protocol.capabilities import Capabilities

_LEGAL_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]")
_PLACEHOLDER = "DeferredToolPlaceholder"
_WEB_SEARCH = "web_search"
"""What the type of the provider's web search begins with, whatever its date."""
_CACHE_BYTES = 16 * 1024 * 1024

NO_PARAMETERS = Raw(b'{"type":"object","properties":{}}')
_Terms: TypeAlias = tuple[ToolSchemaMode, int, frozenset[str], frozenset[str]]
"""What a translation depends on besides the tools."""

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
    """The function tools as JSON, without the array's brackets; without the ones that follow here."""
    full_names: dict[str, str]
    """Short name → full name, for names that had to change."""
    names: frozenset[str]
    """The client's names for them."""
    left_out: frozenset[str]
    """The client's names for tools that are not offered upstream."""
    notes: tuple[Note, ...]
    search: WebSearchTool | None = None
    """The provider's web search, if it is among them. It is no function: `turnout.translate.search` plans it."""
    late: dict[str, bytes] = {}
    """By the client's name, the tools that it loads while the conversation runs."""
    search_function: bytes = b""
    """The client's search for such tools, as a function."""
    search_hosted: bytes = b""
    """The same as upstream's own tool for it."""
    cleaners: dict[str, NullRemover] = {}
    """By the name used upstream, the tools whose calls have nulls to be taken out: their arguments can go to the client
    only once they are complete. Empty in faithful mode."""


NO_TOOLS = TranslatedTools(b"", {}, frozenset(), frozenset(), ())


class ToolsCache:
    """Translated tools by their bytes: a client sends the same 60 KB with each request of a session.

    Keyed by the bytes themselves, since hashing them well costs as much as translating them (performance.md 2).
    Bounded by the bytes it holds, not by entries.
    """

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._held = 0
        self._entries: OrderedDict[tuple[_Terms, bytes], TranslatedTools] = OrderedDict()
        self._latest: tuple[_Terms | None, bytes, TranslatedTools] = (None, b"", NO_TOOLS)

    def translate(self, tools: Raw, capabilities: Capabilities, mode: ToolSchemaMode) -> TranslatedTools:
        """The translated tools, from the cache if the same bytes came before on the same terms."""
        if is_null(tools):
            return NO_TOOLS
        raw = bytes(tools)
        terms: _Terms = (
            mode,
            capabilities.max_tool_name,
            capabilities.refused_schema_keywords,
            capabilities.refused_root_keywords,
        )
        terms_before, bytes_before, made_before = self._latest
        if terms_before == terms and bytes_before == raw:
            return made_before  # comparing costs a tenth of hashing
        key = (terms, raw)
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
            self._latest = (terms, raw, found)
            return found
        made = translate_tools(raw, capabilities, mode)
        self._entries[key] = made
        self._latest = (terms, raw, made)
        self._held += len(raw) + len(made.functions)
        while self._held > self._limit and self._entries:
            (_, oldest), old = self._entries.popitem(last=False)
            self._held -= len(oldest) + len(old.functions)
        return made


def translate_tools(tools: bytes, capabilities: Capabilities, mode: ToolSchemaMode) -> TranslatedTools:
    """Messages ``tools`` → Responses function tools. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    notes: list[Note] = []
    full_names: dict[str, str] = {}
    functions: list[bytes] = []
    late: dict[str, bytes] = {}
    search_function = search_hosted = b""
    search: WebSearchTool | None = None
    names: set[str] = set()
    left_out: set[str] = set()
    cleaners: dict[str, NullRemover] = {}
    try:
        if not tools.isascii():
            tools.decode()
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "tools: not valid UTF-8.") from None
    decoded = decode_tools(tools)
    for index, tool in enumerate(decoded):
        path = f"tools[{index}]"
        if tool.type is not None and tool.type.startswith(_WEB_SEARCH) and search is None:
            search = decode_web_search(tools, index)
            continue
        if tool.type not in (None, "custom"):
            notes.append(dropped(path, f"the server tool {tool.type} is not offered upstream"))
            left_out.add(tool.name)
            continue
        if not tool.name:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.name: this field is required.")
        if tool.name == _PLACEHOLDER and tool.defer_loading:
            left_out.add(tool.name)
            continue
        names.add(tool.name)
        name = short_name(tool.name, capabilities.max_tool_name)
        if name != tool.name:
            full_names[name] = tool.name
        made = parameters(_schema(tool, path), mode, capabilities, f"{path}.input_schema")
        notes += made.notes
        if made.nulls is not None:
            cleaners[name] = made.nulls
        description = _description(tool, path)
        function = function_tool(name, description, made)
        if tool.name == TOOL_SEARCH:
            search_function = function
            search_hosted = hosted_search(bytes(description), bytes(made.schema))
        elif tool.defer_loading:
            late[tool.name] = function
        else:
            functions.append(function)
    return TranslatedTools(
        b",".join(functions),
        full_names,
        frozenset(names),
        frozenset(left_out),
        tuple(notes),
        search,
        late,
        search_function,
        search_hosted,
        cleaners,
    )


def _description(tool: Tool, path: str) -> Raw:
    if is_string(tool.description):
        return tool.description
    return EMPTY_STRING if is_null(tool.description) else text_of(tool.description, f"{path}.description")


def function_tool(name: str, description: bytes | Raw, made: Parameters) -> bytes:
    """A function tool as the upstream takes it. `description` is a JSON string."""
    return b"".join(
        (
            b'{"type":"function","name":',
            _encode(name),
            b',"description":',
            description,
            b',"parameters":',
            made.schema,
            # It is always said: left out it means true, and the schema would be refused or changed (codex-backend.md
            # 2.5).
            b',"strict":true}' if made.strict else b',"strict":false}',
        )
    )


def _schema(tool: Tool, path: str) -> Raw:
    if is_object(tool.input_schema):
        return tool.input_schema
    if is_null(tool.input_schema):
        return NO_PARAMETERS
    raise fail(FailureKind.BAD_REQUEST, f"{path}.input_schema: expected a JSON schema object.")
