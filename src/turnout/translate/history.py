"""A conversation's messages as the flat ``input`` list of the Responses API.

One canonical form per message, whatever form the client gave it this time, so that a session's requests share their
prefix (claude-code-wire.md 11). What upstream would refuse is mended here: it wants each call with its output, legal
names and ids, no empty messages (codex-backend.md 2.5).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire
from turnout.protocol import reading
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.translate import reasoning
from turnout.translate.deferred import TOOL_SEARCH, referenced, searched_words
from turnout.translate.media import ContentParts, input_text, is_empty, kind_of, loaded_tool, message_item, output_text
from turnout.translate.memory import Conversation, Settled, State
from turnout.translate.pairing import NO_CALLS, SOUND, pair
from turnout.translate.search_history import SEARCH_BLOCKS, SearchHistory
from turnout.translate.tools import short_call_id, short_name

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from turnout.translate.deferred import Deferred
    from turnout.translate.target import Target

_encode = msgspec.json.encode

_OURS = b'"' + reasoning.PREFIX
_QUOTE = 0x22
_Text, _ToolUse, _ToolResult = wire.TextBlock, wire.ToolUseBlock, wire.ToolResultBlock
_Thinking, _RedactedThinking = wire.ThinkingBlock, wire.RedactedThinkingBlock
_FAILED = _encode("The tool call failed:\n")
_NO_RESULT = b'"The tool call was interrupted: there is no result."'
_ORPHAN = input_text(b'"Result of an earlier tool call:"')


class _Said(dict[str, bytes]):
    """What a name is said as upstream, in JSON. Worked out when it is first asked for."""

    def __init__(self, say: Callable[[str], str]) -> None:
        super().__init__()
        self._say = say

    def __missing__(self, name: str) -> bytes:
        said = self[name] = _encode(self._say(name))
        return said


def _short_name(name: str, *, limit: int, full_names: dict[str, str]) -> str:
    """A tool's name as upstream has it; what had to change is added to ``full_names``."""
    short = short_name(name, limit)
    if short != name:
        full_names[short] = name
    return short


class History:
    """Builds the list, item by item. Nothing in it leads back to it: it is as large as the request, and has to be gone
    with the last reference and not with the next collection of garbage."""

    def __init__(self, target: Target, deferred: Deferred) -> None:
        """`deferred` is told of the loaded tools that the history names."""
        self.items: list[bytes] = []
        self.full_names: dict[str, str] = {}
        """Names of called tools that had to change: short → full."""
        self.notes: list[Note] = []
        self._parts = ContentParts(target, self.notes)
        self._target = target
        self._pairing = SOUND
        self._deferred = deferred
        self._searches = SearchHistory(self.notes)
        self._names = _Said(partial(_short_name, limit=target.capabilities.max_tool_name, full_names=self.full_names))
        """Tool names as upstream has them."""
        self._call_ids = _Said(partial(short_call_id, limit=target.capabilities.max_call_id))
        """Call ids as upstream has them."""
        self._own = b'"' + reasoning.beginning(target.account, target.model)
        """How the signatures begin that upstream can read."""

    def add_messages(self, messages: Sequence[wire.Message | wire.TolerantMessage]) -> None:
        """All messages in order. Raises `TurnoutError` (`BAD_REQUEST`) naming the path, and `UnicodeDecodeError`."""
        self._pairing = pair(messages)
        self._add_all(messages, 0)

    def add_conversation(self, conversation: Conversation) -> Settled | None:
        """The same for messages that are not read yet. What is known of them is not worked out again.

        Gives what became of those that will come again; None where one depends on another that is not before it.
        """
        terms = (*_terms(self._target), *self._deferred.terms)
        known = conversation.known
        if known is not None and not (known.state.terms == terms and self._deferred.fits(known.state.loaded)):
            conversation, known = conversation.afresh(), None
        first = known.count if known is not None else 0
        messages = conversation.messages()
        settling, end = conversation.settling(len(messages))
        before = known.state.calls if known is not None else NO_CALLS
        calls = before.and_then(messages[:settling])
        after = calls.and_then(messages[settling:]) if calls is not None else None
        if calls is None or after is None or after.waiting:
            early = known.messages() if known is not None else []
            self.add_messages([*early, *messages])
            return None
        if known is not None:
            self.items += [piece.items for piece in known.pieces if piece.items]
            self.notes += known.state.notes
            self.full_names |= known.state.full_names
            self._deferred.go_on(known.state.loaded)
        here = len(self.items)
        self._add_all(messages[:settling], first)
        made = b",".join(self.items[here:])
        self.items[here:] = [made] if made else []
        state = State(terms, calls, self._deferred.loaded(), self.full_names.copy(), tuple(self.notes))
        self._add_all(messages[settling:], first + settling)
        return Settled(conversation, settling, end, made, state)

    def _add_all(self, messages: Sequence[wire.Message | wire.TolerantMessage], first: int) -> None:
        """Messages that follow each other, the first of which has the index `first`."""
        items = self.items
        for index, message in enumerate(messages, first):
            start = len(items)
            content = message.content
            if message.role == "assistant":
                if type(content) is list:
                    self._add_assistant(content, index)
                elif content:
                    items.append(message_item(b"assistant", [output_text(_encode(content))]))
            else:
                # A system message keeps its place (claude-code-wire.md 1).
                role = b"user" if message.role == "user" else b"developer"
                if type(content) is list:
                    self._add_user(role, content, index)
                elif content:
                    items.append(message_item(role, [input_text(_encode(content))]))
            for item in items[start:]:
                # The client's texts are copied without being decoded; this is where they are held to be UTF-8. Asking
                # each item whether it is ASCII saves decoding most of them.
                if not item.isascii():
                    item.decode()

    def _add_user(self, role: bytes, blocks: Sequence[wire.Block], message: int) -> None:
        items, call_ids, searches = self.items, self._call_ids, self._deferred.searches
        sound = self._pairing is SOUND and role == b"user"
        parts: list[bytes] = []
        for index, block in enumerate(blocks):
            if type(block) is _ToolResult:
                if parts:
                    items.append(message_item(role, parts))
                    parts = []
                call, output = block.tool_use_id, memoryview(block.content)
                if call in searches:
                    self._add_found_tools(block, message, index)
                elif sound and output[0] == _QUOTE and not block.is_error:
                    # The common case, and the bulk of a session's bytes: copied as it is.
                    items.append(_output(call_ids[call], output))
                else:
                    self._add_result(block, message, index, in_user=role == b"user")
            elif type(block) is _Text and memoryview(text := block.text)[0] == _QUOTE:
                if len(text) > 2:
                    parts.append(input_text(text))
            else:
                parts += self._content(block, _place(message, index))
        if parts:
            items.append(message_item(role, parts))

    def _add_assistant(self, blocks: Sequence[wire.Block], message: int) -> None:
        parts: list[bytes] = []
        for index, block in enumerate(blocks):
            if type(block) is _Text:
                text = block.text
                if memoryview(text)[0] != _QUOTE:
                    reading.text_of(text, f"{_place(message, index)}.text")
                if len(text) > 2:
                    parts.append(output_text(text))
                continue
            if type(block) in SEARCH_BLOCKS:
                words = self._searches.words(blocks, block, _place(message, index))
                if words is not None:
                    parts += [output_text(word) for word in words]
                    continue
            if parts:
                self.items.append(message_item(b"assistant", parts))
                parts = []
            if type(block) is _ToolUse:
                self._add_call(block, message, index)
            elif type(block) is _Thinking:
                signature = bytes(block.signature)
                if signature.startswith(_OURS):
                    self._add_reasoning(signature, message, index)
            elif type(block) is _RedactedThinking:
                self._add_reasoning(bytes(block.data), message, index)
            else:
                self.notes.append(
                    dropped(_place(message, index), f"a {kind_of(block)} block of an assistant has no form upstream")
                )
        if parts:
            self.items.append(message_item(b"assistant", parts))

    def _add_reasoning(self, signature: bytes, message: int, index: int) -> None:
        """`signature` is a JSON string; what is no envelope of ours is foreign thinking, and left alone."""
        if not self._target.capabilities.encrypted_reasoning:
            return
        if self._target.replay_reasoning and signature.startswith(self._own):
            item = reasoning.item_in(signature[len(self._own) : -1])
            if item is not None:
                self.items.append(item)
        elif reasoning.unseal(signature[1:-1]) is not None:
            self.notes.append(dropped(_place(message, index), "reasoning of another account or model cannot be read"))

    def _add_call(self, block: wire.ToolUseBlock, message: int, index: int) -> None:
        pairing = self._pairing
        sound = pairing is SOUND
        call_id = self._call_ids[block.id if sound else pairing.renamed.get((message, index), block.id)]
        if block.name == TOOL_SEARCH and self._deferred.native:
            self.items.append(self._deferred.call(block.id, call_id, bytes(block.input)))
            if (message, index) in pairing.unanswered:
                self.items.append(self._deferred.output(call_id, []))
            return
        self.items.append(_call(call_id, self._names[block.name], _encode(str(block.input, "utf-8"))))
        if not sound and (message, index) in pairing.unanswered:
            self.notes.append(approximated(_place(message, index), "a call without a result was given an empty one"))
            self.items.append(_output(call_id, _NO_RESULT))

    def _add_result(self, block: wire.ToolResultBlock, message: int, index: int, *, in_user: bool) -> None:
        path = _place(message, index)
        if not in_user or (message, index) in self._pairing.orphaned:
            self._add_orphan(block, path)
            return
        content = bytes(block.content)
        if content == b"null":
            content = b'""'
        if content[:1] == b'"':
            output = _FAILED[:-1] + content[1:] if block.is_error else content
        else:
            output = b"[%s]" % b",".join(self._result_parts(block, path))
            if output == b"[]":
                output = b'""'
        call_id = self._pairing.renamed.get((message, index), block.tool_use_id)
        self.items.append(_output(self._call_ids[call_id], output))

    def _add_found_tools(self, block: wire.ToolResultBlock, message: int, index: int) -> None:
        """The result of a search for tools in upstream's own form."""
        path = _place(message, index)
        if (message, index) in self._pairing.orphaned:
            self._add_orphan(block, path)
            return
        call_id = self._call_ids[self._pairing.renamed.get((message, index), block.tool_use_id)]
        content = bytes(block.content)
        if content[:1] == b"[":
            found = wire.decode_blocks(block.content, f"{path}.content")
            self.items.append(self._deferred.output(call_id, referenced(found)))
            words = [part for one in found if type(one) is _Text for part in self._parts.of(one, path)]
        else:
            self.items.append(self._deferred.output(call_id, []))
            words = [input_text(searched_words(content))] if content[:1] == b'"' and len(content) > 2 else []
        if words:
            self.items.append(message_item(b"developer", words))

    def _result_parts(self, block: wire.ToolResultBlock, path: str) -> list[bytes]:
        """A result's blocks as content parts, with word of a failure before them: upstream has no field for it."""
        if bytes(memoryview(block.content)[:1]) != b"[":
            raise fail(FailureKind.BAD_REQUEST, f"{path}.content: expected a string or an array of blocks.")
        parts = [input_text(_FAILED)] if block.is_error else []
        for index, inner in enumerate(wire.decode_blocks(block.content, f"{path}.content")):
            parts += self._content(inner, f"{path}.content[{index}]")
        return parts

    def _content(self, block: wire.Block, path: str) -> list[bytes]:
        if type(block) is wire.ToolReferenceBlock:
            self._deferred.meet(block.tool_name)
            # By the name that the tool has upstream, or the model would be told of one that it does not have.
            return [loaded_tool(short_name(block.tool_name, self._target.capabilities.max_tool_name), path, self.notes)]
        return self._parts.of(block, path)

    def _add_orphan(self, block: wire.ToolResultBlock, path: str) -> None:
        """A result whose call is gone (after a compaction): refused as a result, still of use to the model as text."""
        self.notes.append(approximated(path, "the result of an unknown call was sent as text"))
        parts = [input_text(_FAILED)] if block.is_error else []
        if bytes(memoryview(block.content)[:1]) == b'"':
            parts += [] if is_empty(block.content) else [input_text(block.content)]
        elif not reading.is_null(block.content):
            parts = self._result_parts(block, path)
        self.items.append(message_item(b"user", [_ORPHAN, *parts]))


def _call(call_id: bytes, name: bytes, arguments: bytes) -> bytes:
    parts = (b'{"type":"function_call","call_id":', call_id, b',"name":', name, b',"arguments":', arguments, b"}")
    return b"".join(parts)


def _output(call_id: bytes, output: bytes | memoryview) -> bytes:
    return b"".join((b'{"type":"function_call_output","call_id":', call_id, b',"output":', output, b"}"))


def _place(message: int, index: int) -> str:
    return f"messages[{message}].content[{index}]"


def _terms(target: Target) -> tuple[Hashable, ...]:
    """All of a target on which a message's translation depends."""
    return (
        target.account,
        target.model,
        target.image_detail,
        target.replay_reasoning,
        target.tool_search,
        target.capabilities,
    )
