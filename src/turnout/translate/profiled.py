"""Applies a profile to a translated request, whichever door it came through: the prompt, the tools, what is told. Pure.

A request whose profile changes nothing is not looked at. Each change is described in docs/profiles.md.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol.fidelity import Note, approximated, ignored, mapped
from turnout.protocol.reading import NULL, is_null
from turnout.translate.body import Beginning, joined, whole_body
from turnout.translate.profile import FIELD
from turnout.translate.schema.conformance import conforms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from turnout.translate.target import Target
    from turnout.translate.translation import Translation

SUMMARY_LIMIT = 200
"""Characters of a tool's description in a summary."""
PROMPT_ROLES = ("developer", "system")


class _Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    content: Raw = NULL
    tools: list[Raw] | None = None


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None


class _Kind(msgspec.Struct):
    type: str = ""


class _Tool(msgspec.Struct):
    type: str = ""
    name: str = ""
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None
    tools: list[Raw] | None = None


_encode = msgspec.json.encode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_items = msgspec.json.Decoder(list[Raw]).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_tool = msgspec.json.Decoder(_Tool).decode
_decode_kind = msgspec.json.Decoder(_Kind).decode
_MESSAGE = b'{"type":"message","role":"%s","content":[{"type":"input_text","text":%s}]}'


def applied(translation: Translation, target: Target) -> Translation:
    """The request as the target's profile wants it."""
    profile = target.profile
    notes = [*translation.notes, *profile.notes]
    if not profile.rewrites:
        return msgspec.structs.replace(translation, notes=tuple(notes)) if profile.notes else translation
    request = _Request(translation, notes)
    if profile.tool_schema_mode in ("codex_default", "strict"):
        request.change_tools(_in_codex_form if profile.tool_schema_mode == "codex_default" else _held_to_its_schema)
    if profile.tool_schema_mode == "codex_default":
        notes.append(
            ignored(f"{FIELD}.tool_schema_mode", "the Codex CLI's own tools are not added: the client has not got them")
        )
    if profile.prompt_mode != "custom_only":
        request.put_before(target.instructions, target.model, merged=profile.prompt_mode == "merge_custom")
    if profile.tool_text_format != "none" and (tools := list(request.tools())):
        write = _summary if profile.tool_text_format == "summary" else _xml
        request.tell("developer", write(tools))
    if profile.include_environment_context and target.surroundings:
        request.tell("user", target.surroundings)
        reason = "it tells of the gateway's machine, without a folder: the client's are not known"
        notes.append(approximated(f"{FIELD}.include_environment_context", reason))
    fields = request.in_wire_order()
    head = joined(fields)
    return msgspec.structs.replace(
        translation,
        body=whole_body(head, request.items),
        notes=tuple(notes),
        beginning=Beginning.of(fields, head),
    )


class _Request:
    """A translated request, taken apart."""

    def __init__(self, translation: Translation, notes: list[Note]) -> None:
        self._fields = _decode_fields(translation.body)
        self.items = [bytes(item) for item in _decode_items(self._fields.pop("input"))]
        self._lite = translation.framing == "lite"
        self._notes = notes

    def in_wire_order(self) -> list[tuple[str, bytes]]:
        """Every field but ``input``: ``instructions``, if new, is the second one."""
        first = {name: self._fields[name] for name in ("model", "instructions") if name in self._fields}
        return [(name, bytes(value)) for name, value in (first | self._fields).items()]

    # Tools: a field of their own, or in lite framing an item (codex-backend.md 2.3)

    def tools(self) -> Iterator[_Tool]:
        """The tools that are offered, those of namespaces each by itself."""
        for listed in self._lists():
            yield from _flat(listed)

    def change_tools(self, change: Callable[[Raw, _Tool, str, list[Note]], Raw]) -> None:
        """Has each function replaced by what ``change`` makes of it."""
        if "tools" in self._fields:
            self._fields["tools"] = Raw(self._changed(_decode_items(self._fields["tools"]), change, "tools"))
        for index, item in enumerate(self.items[:2]):
            read = _read(item)
            if read.type == "additional_tools" and read.tools:
                fields = _decode_fields(item)
                fields["tools"] = Raw(self._changed(read.tools, change, "tools"))
                self.items[index] = _encode(fields)

    def _changed(self, tools: list[Raw], change: Callable[[Raw, _Tool, str, list[Note]], Raw], path: str) -> bytes:
        made: list[bytes] = []
        for index, raw in enumerate(tools):
            tool, place = _tool(raw), f"{path}[{index}]"
            if tool.type == "function":
                made.append(bytes(change(raw, tool, place, self._notes)))
            elif tool.tools:
                inner = Raw(self._changed(tool.tools, change, f"{place}.tools"))
                made.append(_encode(_decode_fields(raw) | {"tools": inner}))
            else:
                made.append(bytes(raw))
        return b"[%s]" % b",".join(made)

    def _lists(self) -> Iterator[list[Raw]]:
        if "tools" in self._fields:
            yield _decode_items(self._fields["tools"])
        for item in self.items[:2]:
            read = _read(item)
            if read.type == "additional_tools" and read.tools:
                yield read.tools

    # The prompt

    def put_before(self, template: str, model: str, *, merged: bool) -> None:
        """The backend's own instructions, before the client's or in one with them."""
        if not template:
            reason = f"the backend's catalogue has told no instructions for {model}: only the client's own are sent"
            self._notes.append(approximated(f"{FIELD}.prompt_mode", reason))
            return
        if self._lite:
            # There is no field for them: they are the first message behind the tools (codex-backend.md 2.3).
            behind = sum(1 for item in self.items[:1] if _read(item).type == "additional_tools")
            self.items.insert(behind, _message("developer", template))
            if merged:
                reason = "the client's instructions follow as messages of their own: lite framing has no instructions"
                self._notes.append(mapped(f"{FIELD}.prompt_mode", reason))
            return
        given = self._fields.get("instructions", NULL)
        own = "" if is_null(given) else msgspec.json.decode(given, type=str)
        if merged:
            template = "\n\n".join(filter(None, (template, own, *self._taken_prompt())))
        elif own:
            self.items.insert(0, _message("developer", own))
        self._fields["instructions"] = Raw(_encode(template))

    def _taken_prompt(self) -> list[str]:
        """The text of the instructions at the beginning, taken out of the items. What is more than text stays."""
        texts: list[str] = []
        while self.items and (text := _prompt_text(_read(self.items[0]))) is not None and len(self.items) > 1:
            texts.append(text)
            del self.items[0]
        return texts

    def tell(self, role: str, text: str) -> None:
        """A message behind the instructions at the beginning, before the conversation."""
        behind = 0
        while behind < len(self.items) and _is_beginning(_read(self.items[behind])):
            behind += 1
        self.items.insert(behind, _message(role, text))


def _read(item: bytes) -> _Item:
    """An item, as far as it counts here; one that uses the names for other things says nothing."""
    try:
        return _decode_item(item)
    except msgspec.ValidationError:
        return _Item(type="")


def _is_beginning(item: _Item) -> bool:
    return item.type == "additional_tools" or (item.type == "message" and item.role in PROMPT_ROLES)


def _prompt_text(item: _Item) -> str | None:
    if item.type != "message" or item.role not in PROMPT_ROLES:
        return None
    if bytes(memoryview(item.content)[:1]) == b'"':
        return msgspec.json.decode(item.content, type=str)
    try:
        parts = msgspec.json.decode(item.content, type=list[_Part])
    except msgspec.ValidationError:
        return None
    if any(part.type != "input_text" or part.text is None for part in parts):
        return None
    return "\n\n".join(part.text or "" for part in parts)


def _message(role: str, text: str) -> bytes:
    return _MESSAGE % (role.encode(), _encode(text))


# Tools


def _tool(raw: Raw) -> _Tool:
    """A tool; of one that uses the names for other things, only its type."""
    try:
        return _decode_tool(raw)
    except msgspec.ValidationError:
        return _Tool(type=_decode_kind(raw).type)


def _flat(tools: Iterable[Raw]) -> Iterator[_Tool]:
    for raw in tools:
        tool = _tool(raw)
        if tool.tools:
            yield from _flat(tool.tools)
        else:
            yield tool


def _in_codex_form(raw: Raw, tool: _Tool, place: str, notes: list[Note]) -> Raw:
    """The Codex CLI always sends ``strict: false`` (codex-backend.md 2.5)."""
    if tool.strict is False:
        return raw
    if tool.strict:
        notes.append(approximated(place, "its calls are not held to its schema, as with the Codex CLI's own tools"))
    return _with_strict(raw, strict=False)


def _held_to_its_schema(raw: Raw, tool: _Tool, place: str, notes: list[Note]) -> Raw:
    if tool.strict:
        return raw
    if conforms(tool.parameters):
        return _with_strict(raw, strict=True)
    notes.append(approximated(place, "sent without strict: upstream's strict mode cannot say its schema"))
    return raw


def _with_strict(raw: Raw, *, strict: bool) -> Raw:
    return Raw(_encode(_decode_fields(raw) | {"strict": Raw(b"true" if strict else b"false")}))


def _summary(tools: Iterable[_Tool]) -> str:
    lines = ["You can call these tools:"]
    for tool in tools:
        words = " ".join((tool.description or "").split())
        short = words if len(words) <= SUMMARY_LIMIT else f"{words[:SUMMARY_LIMIT].rstrip()}…"
        lines.append(f"- {tool.name or tool.type}{': ' if short else ''}{short}")
    return "\n".join(lines)


def _xml(tools: Iterable[_Tool]) -> str:
    lines = ["<tools>"]
    for tool in tools:
        lines.append(f'<tool name="{escape(tool.name or tool.type)}" type="{escape(tool.type)}">')
        if tool.description:
            lines.append(f"<description>{escape(tool.description, quote=False)}</description>")
        if not is_null(tool.parameters):
            lines.append(f"<parameters>{escape(bytes(tool.parameters).decode(), quote=False)}</parameters>")
        lines.append("</tool>")
    return "\n".join([*lines, "</tools>"])
