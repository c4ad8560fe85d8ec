"""The tools of a Chat Completions request, and the choice among them, as the Responses API has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import chat as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.reading import is_null, text_of
from turnout.translate.schema import NullRemover, Parameters, parameters
from turnout.translate.schema.conformance import conforms
from turnout.translate.tools import NO_PARAMETERS, TranslatedTools, function_tool, short_name

if TYPE_CHECKING:
    from msgspec import Raw

    from turnout.translate.target import Target

_encode = msgspec.json.encode

_MODES = ("auto", "none", "required")


def translate_tools(request: wire.ChatRequest, target: Target) -> TranslatedTools:
    """``tools`` and the older ``functions``. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    made = _Tools(target)
    for index, tool in enumerate(request.tools or ()):
        path = f"tools[{index}]"
        if tool.type == "function" and tool.function is not None:
            made.add_function(tool.function, f"{path}.function")
        elif tool.type == "custom" and tool.custom is not None:
            made.add_custom(tool.custom, f"{path}.custom")
        elif tool.type in ("function", "custom"):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.{tool.type}: this field is required.")
        else:
            made.notes.append(dropped(path, f"a tool of the type {tool.type!r} has no form upstream"))
    for index, function in enumerate(request.functions or ()):
        made.add_function(function, f"functions[{index}]")
    return TranslatedTools(
        b",".join(made.definitions),
        made.full_names,
        frozenset(made.names),
        frozenset(),
        tuple(made.notes),
        cleaners=made.cleaners,
    )


class _Tools:
    """Gathers the definitions."""

    def __init__(self, target: Target) -> None:
        self.definitions: list[bytes] = []
        self.full_names: dict[str, str] = {}
        self.names: set[str] = set()
        self.notes: list[Note] = []
        self.cleaners: dict[str, NullRemover] = {}
        self._target = target

    def add_function(self, function: wire.Function, path: str) -> None:
        name = self._name(function.name, path)
        made = self._parameters(function, path)
        self.notes += made.notes
        if made.nulls is not None:
            self.cleaners[name] = made.nulls
        self.definitions.append(function_tool(name, _description(function.description, path), made))

    def add_custom(self, tool: wire.CustomTool, path: str) -> None:
        name = self._name(tool.name, path)
        form = b""
        if not is_null(tool.format):
            read = wire.decode_format(tool.format, f"{path}.format")
            if read.type == "grammar" and read.grammar is not None:
                syntax = text_of(read.grammar.syntax, f"{path}.format.grammar.syntax")
                definition = text_of(read.grammar.definition, f"{path}.format.grammar.definition")
                form = b',"format":{"type":"grammar","syntax":%s,"definition":%s}' % (bytes(syntax), bytes(definition))
        words = _description(tool.description, path)
        self.definitions.append(b'{"type":"custom","name":%s,"description":%s%s}' % (_encode(name), words, form))

    def _name(self, full: str, path: str) -> str:
        if not full:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.name: this field is required.")
        self.names.add(full)
        name = short_name(full, self._target.capabilities.max_tool_name)
        if name != full:
            self.full_names[name] = full
        return name

    def _parameters(self, function: wire.Function, path: str) -> Parameters:
        """The client's own wish for ``strict`` counts where upstream would take it."""
        place = f"{path}.parameters"
        schema = NO_PARAMETERS if is_null(function.parameters) else function.parameters
        if bytes(memoryview(schema)[:1]) != b"{":
            raise fail(FailureKind.BAD_REQUEST, f"{place}: expected a JSON schema object.")
        if function.strict and conforms(schema):
            return Parameters(schema, True, (), None)
        made = parameters(schema, self._target.tool_schema_mode, self._target.capabilities, place)
        if function.strict and not made.strict:
            self.notes.append(approximated(path, "sent without strict: upstream's strict mode cannot say its schema"))
        return made


def tool_choice(request: wire.ChatRequest, tools: TranslatedTools, target: Target) -> bytes:
    """``tool_choice`` or the older ``function_call``, as JSON. Raises `TurnoutError` (`BAD_REQUEST`)."""
    choice = request.tool_choice
    if choice is None and request.function_call is not None:
        older = request.function_call
        choice = older if isinstance(older, str) else wire.ToolChoice(function=older)
    if choice is None:
        return b'"auto"'
    if isinstance(choice, str):
        if choice not in _MODES:
            raise fail(FailureKind.BAD_REQUEST, f"tool_choice: expected {', '.join(_MODES)} or an object.")
        return _encode(choice)
    if choice.type == "allowed_tools" and choice.allowed_tools is not None:
        allowed = [
            _reference(each, tools, target, f"tool_choice.allowed_tools.tools[{index}]")
            for index, each in enumerate(choice.allowed_tools.tools)
        ]
        mode = _encode(choice.allowed_tools.mode)
        return b'{"type":"allowed_tools","mode":%s,"tools":[%s]}' % (mode, b",".join(allowed))
    return _reference(choice, tools, target, "tool_choice")


def _reference(choice: wire.ToolReference, tools: TranslatedTools, target: Target, path: str) -> bytes:
    if choice.type not in ("function", "custom"):
        raise fail(FailureKind.BAD_REQUEST, f"{path}.type: expected function, custom or allowed_tools.")
    if choice.name not in tools.names:
        raise fail(FailureKind.BAD_REQUEST, f"{path}: there is no tool {choice.name!r} in tools.")
    return _encode({"type": choice.type, "name": short_name(choice.name, target.capabilities.max_tool_name)})


def _description(raw: Raw, path: str) -> bytes:
    return b'""' if is_null(raw) else bytes(text_of(raw, f"{path}.description"))
