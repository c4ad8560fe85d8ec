"""The items of a Responses request as the messages of a Chat Completions request.

The order that such servers want is stricter than the pivot's: behind the calls of one message come their results and
nothing else, so what stands between a call and its result is moved behind the results. Text and calls of one answer
are one message, whose text goes first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Raw

from turnout.protocol import response_requests as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped, mapped
from turnout.protocol.reading import is_null, text_of
from turnout.translate import chat_reasoning
from turnout.translate.chat_request_tools import CUSTOM_INPUT
from turnout.translate.tools import short_call_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.protocol.chat_capabilities import ChatCapabilities
    from turnout.translate.chat_request_tools import ChatTools

_encode = msgspec.json.encode
_decode_string = msgspec.json.Decoder(str).decode

_CALLS = ("function_call", "custom_tool_call")
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_SAID = ("reasoning", *_CALLS)
_NO_RESULT = "The tool call was interrupted: there is no result."
_BREAK = "\n\n"
_REMINDER = "<system-reminder>\n{}\n</system-reminder>"
"""In the form in which Claude Code says instructions inside a user's message (claude-code-wire.md 1)."""


class _Placed(NamedTuple):
    item: wire.Item
    path: str


class _Said:
    """The assistant's message at hand."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[bytes] = []
        self.reasoning: dict[str, Raw] = {}


class ChatMessages:
    """Builds the messages, item by item."""

    def __init__(self, capabilities: ChatCapabilities, tools: ChatTools, notes: list[Note]) -> None:
        """`notes` gets what was approximated or left out."""
        self.messages: list[bytes] = []
        self._capabilities = capabilities
        self._tools = tools
        self._notes = notes
        self._said: _Said | None = None
        self._open: dict[str, None] = {}
        """Calls without a result so far."""
        self._answering = False
        """The results of the calls at hand have begun."""
        self._held: list[_Placed] = []
        """What came before all calls had their results."""
        self._shown: list[bytes] = []
        """Parts of results that no result can hold."""
        self._only_instructions = True
        self._has_answered = False
        self._turn = 0
        """Index of the item behind which the turn at hand has begun."""

    def add_instructions(self, text: str) -> None:
        """Instructions at the beginning."""
        self._instruct([text])

    def add(self, items: Sequence[Raw]) -> None:
        """All items in order. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
        placed = [
            _Placed(wire.decode_item(raw, f"input[{index}]"), f"input[{index}]") for index, raw in enumerate(items)
        ]
        asked = [index for index, each in enumerate(placed) if each.item.type == "message" and each.item.role == "user"]
        self._turn = asked[-1] if asked else -1
        for index, each in enumerate(placed):
            if each.item.type == "reasoning" and not self._replayed(index):
                continue
            self._take(each)
        self._end_calls()
        self._end_message()

    def _replayed(self, index: int) -> bool:
        wanted = self._capabilities.replayed_reasoning
        return wanted == "all" or (wanted == "turn" and index > self._turn)

    def _take(self, placed: _Placed) -> None:
        item, path = placed
        if item.type in _OUTPUTS:
            self._add_output(item, path)
        elif self._held or (self._open and not (self._is_said(item) and not self._answering)):
            self._held.append(placed)
        elif item.type == "message" and item.role != "assistant":
            self._end_message()
            self._add_message(item, path)
        elif self._is_said(item):
            self._say(item, path)
        elif item.type == "additional_tools":
            self._tools.add(item.tools or (), f"{path}.tools")
        else:
            self._notes.append(dropped(path, f"an item of the type {item.type!r} has no form in Chat Completions"))

    @staticmethod
    def _is_said(item: wire.Item) -> bool:
        return item.type in _SAID or (item.type == "message" and item.role == "assistant")

    # What the assistant said

    def _say(self, item: wire.Item, path: str) -> None:
        said = self._said = self._said or _Said()
        if item.type == "reasoning":
            for name, value in chat_reasoning.unpack(item.encrypted_content or "").items():
                said.reasoning[name] = _joined(said.reasoning.get(name), value)
        elif item.type in _CALLS:
            self._add_call(item, path, said)
        else:
            for part in self._parts(item.content, f"{path}.content"):
                if part.type == "refusal":
                    said.refusals.append(_decode_string(text_of(part.refusal, f"{path}.content.refusal")))
                else:
                    said.texts.append(_decode_string(text_of(part.text, f"{path}.content.text")))

    def _add_call(self, item: wire.Item, path: str, said: _Said) -> None:
        custom = item.type == "custom_tool_call"
        name = self._tools.name(item.name, item.namespace, custom=custom)
        if custom:
            given = _encode(_encode({CUSTOM_INPUT: _decode_string(text_of(item.input, f"{path}.input"))}).decode())
        else:
            given = bytes(text_of(item.arguments, f"{path}.arguments"))
            given = given if len(given) > 2 else b'"{}"'
        call_id = self._call_id(item.call_id)
        self._open[call_id] = None
        form = b'{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}'
        said.calls.append(form % (_encode(call_id), _encode(name), given))

    def _end_message(self) -> None:
        said, self._said = self._said, None
        if said is None or not (said.texts or said.refusals or said.calls):
            return
        self._only_instructions, self._has_answered = False, True
        content = _encode(_BREAK.join(said.texts)) if said.texts else b"null"
        if said.texts and len(said.texts) > 1 and self._capabilities.text_parts:
            content = b"[%s]" % b",".join(b'{"type":"text","text":%s}' % _encode(text) for text in said.texts)
        fields = [b'"role":"assistant","content":' + content]
        if said.refusals:
            fields.append(b'"refusal":' + _encode(_BREAK.join(said.refusals)))
        fields += [b'"%s":%s' % (name.encode(), bytes(value)) for name, value in said.reasoning.items()]
        if said.calls:
            fields.append(b'"tool_calls":[%s]' % b",".join(said.calls))
        self.messages.append(b"{%s}" % b",".join(fields))

    # Results

    def _add_output(self, item: wire.Item, path: str) -> None:
        call_id = self._call_id(item.call_id)
        if call_id not in self._open:
            if any(each.item.type in _CALLS and each.item.call_id == item.call_id for each in self._held):
                self._held.append(_Placed(item, path))
            else:
                self._notes.append(dropped(path, "the result of a call that is not there"))
            return
        self._end_message()
        self._answering = True
        del self._open[call_id]
        self._add_tool_message(call_id, self._output_text(item.output, f"{path}.output"))
        if not self._open:
            self._end_results()

    def _output_text(self, output: Raw, path: str) -> str:
        texts = []
        for index, part in enumerate(self._parts(output, path)):
            if part.type in ("input_image", "input_file"):
                # No such server takes them in a result.
                if shown := self._part(part, f"{path}[{index}]"):
                    self._shown.append(shown)
                    texts.append("[It follows behind the results.]")
            else:
                texts.append(_decode_string(text_of(part.text, f"{path}[{index}].text")))
        return "\n".join(texts)

    def _add_tool_message(self, call_id: str, text: str) -> None:
        self.messages.append(_encode({"role": "tool", "tool_call_id": call_id, "content": text}))

    def _end_calls(self) -> None:
        """Gives calls that were never answered a result; what waited for that follows."""
        while self._open or self._held:
            self._end_message()
            for call_id in self._open:
                self._notes.append(approximated("input", "a call without a result was given an empty one"))
                self._add_tool_message(call_id, _NO_RESULT)
            self._open.clear()
            self._end_results()

    def _end_results(self) -> None:
        self._answering = False
        if self._shown:
            shown, self._shown = self._shown, []
            self._notes.append(mapped("input", "images in the results of tools were sent behind them"))
            self.messages.append(b'{"role":"user","content":[%s]}' % b",".join(shown))
        held, self._held = self._held, []
        for placed in held:
            self._take(placed)

    # Messages of others

    def _add_message(self, item: wire.Item, path: str) -> None:
        if item.role not in ("system", "developer", "user"):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.role: {item.role!r} is no role.")
        parts = self._parts(item.content, f"{path}.content")
        if item.role != "user":
            texts = [_decode_string(part.text) for part in parts if not is_null(part.text)]
            if len(texts) < len(parts):
                self._notes.append(dropped(path, "instructions can hold nothing but text"))
            if texts:
                self._instruct(texts)
            return
        made = [shown for index, part in enumerate(parts) if (shown := self._part(part, f"{path}.content[{index}]"))]
        if made:
            self._only_instructions = False
            only_text = all(not is_null(part.text) for part in parts)
            self.messages.append(b'{"role":"user","content":%s}' % self._content(made, parts, only_text=only_text))

    def _instruct(self, texts: list[str]) -> None:
        role = "developer" if self._capabilities.developer_role else "system"
        if not self._only_instructions and not self._capabilities.system_anywhere:
            if not self._has_answered:
                self._hoist(role, texts)
                return
            self._notes.append(
                approximated("input", "later instructions are said by the user: the server has one place")
            )
            role, texts = "user", [_REMINDER.format(_BREAK.join(texts))]
        elif self._only_instructions and self.messages and not self._capabilities.system_anywhere:
            before = msgspec.json.decode(self.messages.pop(), type=dict[str, str])
            texts = [before["content"], *texts]
        self.messages.append(_encode({"role": role, "content": _BREAK.join(texts)}))

    def _hoist(self, role: str, texts: list[str]) -> None:
        """Puts instructions that came before any answer to those at the beginning.

        There they stay from turn to turn, so that the server's prompt cache holds, and no model takes them for what the
        user has said last.
        """
        self._notes.append(mapped("input", "instructions were put to those at the beginning: the server has one place"))
        first = msgspec.json.decode(self.messages[0], type=dict[str, Any])
        if first["role"] == role:
            texts = [first["content"], *texts]
            del self.messages[0]
        self.messages.insert(0, _encode({"role": role, "content": _BREAK.join(texts)}))

    def _content(self, made: list[bytes], parts: list[wire.Part], *, only_text: bool) -> bytes:
        if only_text and len(parts) == 1:
            return bytes(parts[0].text)
        if only_text and not self._capabilities.text_parts:
            return _encode(_BREAK.join(_decode_string(part.text) for part in parts))
        return b"[%s]" % b",".join(made)

    def _parts(self, content: Raw, path: str) -> list[wire.Part]:
        if is_null(content):
            return []
        if bytes(memoryview(content)[:1]) == b"[":
            return wire.decode_parts(content, path)
        text = text_of(content, path)
        return [wire.Part(type="input_text", text=text)] if len(bytes(text)) > 2 else []

    def _part(self, part: wire.Part, path: str) -> bytes:
        """A part of what a user says; empty if it cannot be said."""
        if part.type == "input_image" and self._capabilities.images and not is_null(part.image_url):
            detail = b',"detail":%s' % _encode(part.detail) if part.detail in ("low", "high") else b""
            return b'{"type":"image_url","image_url":{"url":%s%s}}' % (bytes(part.image_url), detail)
        if part.type == "input_file" and self._capabilities.files and is_null(part.file_url):
            given = [
                b'"%s":%s' % (name.encode(), bytes(value))
                for name in ("filename", "file_data", "file_id")
                if not is_null(value := getattr(part, name))
            ]
            return b'{"type":"file","file":{%s}}' % b",".join(given)
        if not is_null(part.text):
            return b'{"type":"text","text":%s}' % bytes(text_of(part.text, f"{path}.text"))
        self._notes.append(dropped(path, f"the server takes no {part.type or 'part without a type'}"))
        return b'{"type":"text","text":"[Something stood here that this model cannot open.]"}'

    def _call_id(self, call_id: str) -> str:
        return short_call_id(call_id, self._capabilities.max_call_id)


def _joined(before: Raw | None, more: Raw) -> Raw:
    """Reasoning of several items in one message: texts and arrays go on."""
    if before is None:
        return more
    first, second = msgspec.json.decode(before), msgspec.json.decode(more)
    if isinstance(first, str) and isinstance(second, str):
        return Raw(_encode(first + _BREAK + second))
    if isinstance(first, list) and isinstance(second, list):
        return Raw(_encode(first + second))
    return more
