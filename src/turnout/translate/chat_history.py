"""A Chat Completions conversation as the flat ``input`` list of the Responses API.

What upstream would refuse is mended here, as for Messages (`turnout.translate.history`): it wants each call with its
output behind it, legal names and ids, no empty messages (codex-backend.md 2.5).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import chat as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.reading import is_null, text_of
from turnout.translate import reasoning
from turnout.translate.chat_media import ChatContent, refusal
from turnout.translate.media import input_text, is_empty
from turnout.translate.tools import short_call_id, short_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from turnout.translate.target import Target

    Place = tuple[int, int]
    """Index of a message, and of a call in it."""

_encode = msgspec.json.encode

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
REASONING = "reasoning.encrypted"
"""The kind of entry in ``reasoning_details`` that carries an envelope of ours (`turnout.translate.reasoning`)."""

_OLDER = -1
"""The place of a call in the older form, which a message has one of at most."""
_NO_RESULT = b'"The tool call was interrupted: there is no result."'
_ORPHAN = input_text(b'"Result of an earlier tool call:"')


class Pairs(msgspec.Struct, frozen=True):
    """Which result answers which call."""

    calls: dict[Place, str]
    """The id of each call: unique in the conversation."""
    results: dict[int, tuple[str, bool]]
    """By a result's message: the call's id, and whether that is of a custom tool. Results of unknown calls are not
    there."""
    unanswered: frozenset[Place]
    """Calls that no result follows."""


def pair(messages: Sequence[wire.Message]) -> Pairs:
    """Pairs calls with results, in order. A call in the older form is known by its function's name alone."""
    calls: dict[Place, str] = {}
    results: dict[int, tuple[str, bool]] = {}
    waiting: dict[str, list[tuple[Place, bool]]] = {}
    used: set[str] = set()
    for index, message in enumerate(messages):
        if message.role == "assistant":
            for place, call in enumerate(message.tool_calls or ()):
                calls[index, place] = _unused(call.id, used)
                waiting.setdefault(f"id {call.id}", []).append(((index, place), call.custom is not None))
            if message.function_call is not None:
                calls[index, _OLDER] = _unused(f"call_function_{index}", used)
                waiting.setdefault(f"name {message.function_call.name}", []).append(((index, _OLDER), False))
        elif message.role in ("tool", "function"):
            key = f"id {message.tool_call_id or ''}" if message.role == "tool" else f"name {message.name or ''}"
            if open_calls := waiting.get(key):
                answered, custom = open_calls.pop(0)
                results[index] = (calls[answered], custom)
    return Pairs(calls, results, frozenset(place for each in waiting.values() for place, _ in each))


def _unused(call_id: str, used: set[str]) -> str:
    """`call_id`, or what stands for it where another call has it already; from now on it is used."""
    names = itertools.chain((call_id,), (f"{call_id}#{number}" for number in itertools.count(2)))
    found = next(name for name in names if name not in used)
    used.add(found)
    return found


class ChatHistory:
    """Builds the list, item by item."""

    def __init__(self, target: Target) -> None:
        self.items: list[bytes] = []
        self.full_names: dict[str, str] = {}
        """Names of called tools that had to change: short → full."""
        self.notes: list[Note] = []
        self._target = target
        self._content = ChatContent(target, self.notes)

    def add(self, messages: Sequence[wire.Message]) -> None:
        """All messages in order. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
        pairs = pair(messages)
        for index, message in enumerate(messages):
            start = len(self.items)
            path = f"messages[{index}]"
            match message.role:
                case "system" | "developer":
                    self._add_message(b"developer", self._content.said_to_model(message.content, f"{path}.content"))
                case "user":
                    self._add_message(b"user", self._content.said_to_model(message.content, f"{path}.content"))
                case "assistant":
                    self._add_assistant(message, index, pairs)
                case "tool" | "function":
                    self._add_result(message, index, pairs)
                case role:
                    raise fail(
                        FailureKind.BAD_REQUEST, f"{path}.role: {role!r} is none of the roles {', '.join(ROLES)}."
                    )
            if message.name and message.role != "function":
                self.notes.append(dropped(f"{path}.name", "upstream knows no names of who speaks"))
            self._check(start, path)

    def _check(self, start: int, path: str) -> None:
        """Texts are copied without being decoded; this is where they are held to be UTF-8."""
        try:
            for item in self.items[start:]:
                if not item.isascii():
                    item.decode()
        except UnicodeDecodeError:
            raise fail(FailureKind.BAD_REQUEST, f"{path} is not valid UTF-8.") from None

    def _add_message(self, role: bytes, parts: list[bytes]) -> None:
        if parts:
            self.items.append(b'{"type":"message","role":"%s","content":[%s]}' % (role, b",".join(parts)))

    def _add_assistant(self, message: wire.Message, index: int, pairs: Pairs) -> None:
        path = f"messages[{index}]"
        self._add_reasoning(message.reasoning_details, path)
        parts = self._content.said_by_model(message.content, f"{path}.content")
        if not is_null(message.refusal) and not is_empty(text_of(message.refusal, f"{path}.refusal")):
            parts.append(refusal(message.refusal))
        self._add_message(b"assistant", parts)
        places = list(range(len(message.tool_calls or ())))
        for place in places:
            self._add_call((message.tool_calls or [])[place], pairs.calls[index, place], f"{path}.tool_calls[{place}]")
        if message.function_call is not None:
            places.append(_OLDER)
            call = wire.ToolCall(function=message.function_call)
            self._add_call(call, pairs.calls[index, _OLDER], f"{path}.function_call")
        for place in places:
            if (index, place) in pairs.unanswered:
                custom = place != _OLDER and (message.tool_calls or [])[place].custom is not None
                self.notes.append(approximated(path, "a call without a result was given an empty one"))
                self._add_output(pairs.calls[index, place], _NO_RESULT, custom=custom)

    def _add_reasoning(self, details: Raw, path: str) -> None:
        """What is no envelope of ours is another server's reasoning, and left alone."""
        target = self._target
        if is_null(details) or not target.capabilities.encrypted_reasoning:
            return
        for detail in wire.decode_details(details):
            sealed = reasoning.unseal(bytes(detail.data)[1:-1]) if detail.type == REASONING else None
            if sealed is None:
                continue
            if target.replay_reasoning and (sealed.account, sealed.model) == (target.account, target.model):
                self.items.append(sealed.item)
            else:
                why = "reasoning of another account or model cannot be read"
                self.notes.append(dropped(f"{path}.reasoning_details", why))

    def _add_call(self, call: wire.ToolCall, call_id: str, path: str) -> None:
        called = call.custom or call.function
        if called is None or not called.name:
            raise fail(FailureKind.BAD_REQUEST, f"{path}: a call needs a function with a name.")
        name = short_name(called.name, self._target.capabilities.max_tool_name)
        if name != called.name:
            self.full_names[name] = called.name
        if isinstance(called, wire.CustomCall):
            given = bytes(text_of(called.input, f"{path}.custom.input"))
            form = b'{"type":"custom_tool_call","call_id":%s,"name":%s,"input":%s}'
        else:
            given = _arguments(called.arguments, f"{path}.arguments")
            form = b'{"type":"function_call","call_id":%s,"name":%s,"arguments":%s}'
        self.items.append(form % (self._call_id(call_id), _encode(name), given))

    def _add_result(self, message: wire.Message, index: int, pairs: Pairs) -> None:
        path = f"messages[{index}].content"
        content = message.content
        if index not in pairs.results:
            # Its call is gone, as after a compaction: refused as a result, still of use to the model as text.
            self.notes.append(approximated(f"messages[{index}]", "the result of an unknown call was sent as text"))
            self._add_message(b"user", [_ORPHAN, *self._content.said_to_model(content, path)])
            return
        call_id, custom = pairs.results[index]
        if bytes(memoryview(content)[:1]) == b'"':
            output = bytes(content)
        else:
            parts = self._content.said_to_model(content, path)
            output = b"[%s]" % b",".join(parts) if parts else b'""'
        self._add_output(call_id, output, custom=custom)

    def _add_output(self, call_id: str, output: bytes, *, custom: bool) -> None:
        kind = b"custom_tool_call_output" if custom else b"function_call_output"
        self.items.append(b'{"type":"%s","call_id":%s,"output":%s}' % (kind, self._call_id(call_id), output))

    def _call_id(self, call_id: str) -> bytes:
        return _encode(short_call_id(call_id, self._target.capabilities.max_call_id))


def _arguments(arguments: Raw, path: str) -> bytes:
    """A call's arguments as the JSON string that they are; some clients send the object itself."""
    if is_null(arguments):
        return b'"{}"'
    if bytes(memoryview(arguments)[:1]) == b"{":
        try:
            return _encode(bytes(arguments).decode())
        except UnicodeDecodeError:
            raise fail(FailureKind.BAD_REQUEST, f"{path} is not valid UTF-8.") from None
    text = bytes(text_of(arguments, path))
    return text if len(text) > 2 else b'"{}"'
