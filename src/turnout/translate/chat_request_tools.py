"""The tools of a Responses request as those of a Chat Completions request, and how their calls are told apart again.

Such servers know functions only: a custom tool becomes a function with one text, a namespace a beginning of its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import response_requests as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped, mapped
from turnout.protocol.reading import is_null
from turnout.translate.tools import NO_PARAMETERS, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.protocol.chat_capabilities import ChatCapabilities

_encode = msgspec.json.encode

CUSTOM_INPUT = "input"
"""The one parameter of the function that stands for a custom tool."""
_CUSTOM_PARAMETERS = b'{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}'
PLAIN_NAMESPACE = "functions"
"""The namespace whose tools go by their bare names (codex-backend.md 2.3)."""


class Called(msgspec.Struct, frozen=True):
    """What a function's name stands for in the Responses API."""

    name: str
    custom: bool = False
    namespace: str | None = None


class ChatTools:
    """The functions of one request."""

    def __init__(self, capabilities: ChatCapabilities, notes: list[Note]) -> None:
        """`notes` gets what was approximated or left out."""
        self.called: dict[str, Called] = {}
        """By a function's name, what it stands for; only those that do not stand for themselves."""
        self._capabilities = capabilities
        self._notes = notes
        self._definitions: dict[str, bytes] = {}

    def add(self, tools: Iterable[wire.Tool], path: str, namespace: str | None = None) -> None:
        """Adds tools. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
        for index, tool in enumerate(tools):
            place = f"{path}[{index}]"
            if tool.type == "namespace":
                self.add(tool.tools or (), f"{place}.tools", tool.name)
            elif tool.type in ("function", "custom"):
                self._add(tool, place, None if namespace == PLAIN_NAMESPACE else namespace)
            else:
                self._notes.append(dropped(place, f"the server has no tool of the type {tool.type!r}"))

    def name(self, name: str, namespace: str | None = None, *, custom: bool = False) -> str:
        """The function's name for this tool."""
        plain = namespace in (None, PLAIN_NAMESPACE)
        short = short_name(name if plain else f"{namespace}__{name}", self._capabilities.max_tool_name)
        if short != name or custom:
            self.called[short] = Called(name, custom, None if plain else namespace)
        return short

    def fields(self, request: wire.ResponsesRequest) -> Iterable[tuple[str, bytes]]:
        """``tools`` and what goes with them."""
        if not self._definitions:
            return
        if not self._capabilities.tools:
            self._notes.append(dropped("tools", "the server calls no functions"))
            return
        offered = self._definitions
        choice = request.tool_choice
        mode = choice if isinstance(choice, str) else "auto"
        named = b""
        if isinstance(choice, wire.NamedTool) and choice.type == "allowed_tools":
            mode = choice.mode
            allowed = {self.name(tool.name, custom=tool.type == "custom") for tool in choice.tools}
            offered = {name: made for name, made in offered.items() if name in allowed} or offered
            self._notes.append(mapped("tool_choice", "only the allowed tools were sent"))
        elif isinstance(choice, wire.NamedTool):
            named = self._named(choice)
        yield "tools", b"[%s]" % b",".join(offered.values())
        if named:
            yield "tool_choice", named
        elif mode not in self._capabilities.tool_choices:
            self._notes.append(approximated("tool_choice", f"{mode} was not passed on: the server does not take it"))
        elif mode != "auto":
            yield "tool_choice", _encode(mode)
        if request.parallel_tool_calls is False:
            if self._capabilities.parallel_tool_calls:
                yield "parallel_tool_calls", b"false"
            else:
                why = "that calls come one by one was not passed on: the server does not take it"
                self._notes.append(approximated("parallel_tool_calls", why))

    def _named(self, choice: wire.NamedTool) -> bytes:
        name = self.name(choice.name, custom=choice.type == "custom")
        if name not in self._definitions or "named" not in self._capabilities.tool_choices:
            self._notes.append(approximated("tool_choice", f"{choice.name or choice.type} cannot be forced here"))
            return b""
        return _encode({"type": "function", "function": {"name": name}})

    def _add(self, tool: wire.Tool, path: str, namespace: str | None) -> None:
        if not tool.name:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.name: this field is required.")
        custom = tool.type == "custom"
        name = self.name(tool.name, namespace, custom=custom)
        about = b'""' if is_null(tool.description) else bytes(tool.description)
        parameters = bytes(NO_PARAMETERS if is_null(tool.parameters) else tool.parameters)
        strict = b',"strict":true' if tool.strict and self._capabilities.strict else b""
        if custom:
            parameters, strict = _CUSTOM_PARAMETERS, b""
            about = self._about_custom(tool, about, path)
        self._definitions[name] = b'{"type":"function","function":{"name":%s,"description":%s,"parameters":%s%s}}' % (
            _encode(name),
            about,
            parameters,
            strict,
        )

    def _about_custom(self, tool: wire.Tool, about: bytes, path: str) -> bytes:
        """A custom tool's description, with the form that its input must have: the server cannot be held to it."""
        self._notes.append(approximated(path, "a custom tool was sent as a function with one text"))
        if is_null(tool.format):
            return about
        words = msgspec.json.decode(about, type=str)
        return _encode(f"{words}\n\nThe input has this form: {bytes(tool.format).decode()}".strip())
