"""The tools of a Responses client, as an upstream takes them: what need not change stays as it is. Pure."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.fidelity import Note, approximated, mapped
from turnout.protocol.reading import NULL, refuse
from turnout.translate.schema import parameters
from turnout.translate.schema.conformance import conforms

_PREVIEW = "web_search_preview"
"""How older clients call the web search (codex-backend.md 2.5)."""
CLIENTS_OWN = frozenset({"function", "custom", "namespace", "tool_search"})
"""Tools that clients run themselves; every other type is the upstream's to run, which lite framing has not
(codex-backend.md 2.3)."""

_encode = msgspec.json.encode


class _Tool(msgspec.Struct):
    type: str = ""
    parameters: Raw = NULL
    strict: bool | None = None


class ClientTools(msgspec.Struct, frozen=True):
    """Tools for the upstream."""

    tools: tuple[bytes, ...]
    """JSON, one each."""
    notes: tuple[Note, ...]
    hosted: bool
    """At least one of them is for the upstream to run."""


_NONE = ClientTools((), (), False)
_decode_tool = msgspec.json.Decoder(_Tool).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def client_tools(tools: list[Raw] | None, capabilities: Capabilities) -> ClientTools:
    """The tools as the upstream takes them. Raises `TurnoutError` (`BAD_REQUEST`) naming what is no tool."""
    if not tools:
        return _NONE
    made: list[bytes] = []
    notes: list[Note] = []
    hosted = False
    for index, tool in enumerate(tools):
        place = f"tools[{index}]"
        try:
            head = _decode_tool(tool)
        except (msgspec.DecodeError, RecursionError) as error:
            refuse(error, place)
        hosted |= head.type not in CLIENTS_OWN
        if head.type == "function" and head.strict is not True:
            made.append(_function(tool, head, place, capabilities, notes))
        elif head.type.startswith(_PREVIEW):
            made.append(_encode(_decode_fields(tool) | {"type": Raw(b'"web_search"')}))
            notes.append(mapped(place, f"{head.type} is called web_search now"))
        else:
            made.append(bytes(tool))
    return ClientTools(tuple(made), tuple(notes), hosted)


def _function(tool: Raw, head: _Tool, place: str, capabilities: Capabilities, notes: list[Note]) -> bytes:
    """A function that need not be held to its schema; one that says nothing of that is, if its schema allows it: the
    Responses API takes a missing ``strict`` for true (codex-backend.md 2.5)."""
    if head.strict is None and conforms(head.parameters):
        return bytes(tool)
    made = parameters(head.parameters, "faithful", capabilities, f"{place}.parameters")
    notes += made.notes
    changes = {} if made.schema is head.parameters else {"parameters": made.schema}
    if head.strict is None:
        notes.append(approximated(place, "its calls are not held to its schema: strict mode cannot say it"))
        changes["strict"] = Raw(b"false")
    return _encode(_decode_fields(tool) | changes) if changes else bytes(tool)


def echoed_tools(tools: list[Raw] | None) -> Raw:
    """The tools as a response repeats them: functions with all the fields that they have there.

    Raises `TurnoutError` (`BAD_REQUEST`) naming what is no tool.
    """
    made: list[Raw] = []
    for index, tool in enumerate(tools or ()):
        try:
            fields = _decode_fields(tool)
        except (msgspec.DecodeError, RecursionError) as error:
            refuse(error, f"tools[{index}]")
        if bytes(fields.get("type", NULL)) == b'"function"':
            fields = {"description": NULL, "parameters": NULL, "strict": NULL} | fields
        made.append(Raw(_encode(fields)))
    return Raw(_encode(made))
