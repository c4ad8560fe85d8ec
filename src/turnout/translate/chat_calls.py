"""The calls of an answer as a Chat Completions stream has them: numbered, with arguments in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.fidelity import Note, approximated, dropped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.protocol.responses import Item
    from turnout.translate.chat_writer import ChatWriter
    from turnout.translate.schema import NullRemover

_encode = msgspec.json.encode

CALLS = {"function_call": ("function", "arguments"), "custom_tool_call": ("custom", "input")}
"""Items that are calls: the name of a call of that kind, and of what it is called with, in Chat Completions."""


class Call:
    """One call, as far as it is known."""

    __slots__ = ("arguments", "call_id", "cleaner", "index", "kind", "name", "pieces")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        """The type of its item."""
        self.call_id: str | None = None
        self.name: str | None = None
        self.index: int | None = None
        """Its place among the answer's calls, once it has begun."""
        self.cleaner: NullRemover | None = None
        """What its arguments have to go through before the client gets them."""
        self.pieces: list[str] = []
        """Its arguments, as far as they were streamed."""
        self.arguments: str | None = None
        """Its complete arguments, once upstream said them."""


class ChatCalls:
    """Writes one answer's calls."""

    def __init__(
        self,
        writer: ChatWriter,
        notes: list[Note],
        full_names: Mapping[str, str],
        cleaners: Mapping[str, NullRemover],
        *,
        older: bool,
    ) -> None:
        """`older`: the client knows ``function_call``, which there can be one of, and no ``tool_calls``."""
        self.made = 0
        """Calls that the client has to run."""
        self._writer = writer
        self._notes = notes
        self._full_names = full_names
        self._cleaners = cleaners
        self._older = older
        self._ids: set[str] = set()

    def begin(self, call: Call, item: Item) -> None:
        """Upstream has announced a call."""
        call.name = call.name or item.name
        call.call_id = call.call_id or item.call_id
        self._begin(call)

    def _begin(self, call: Call) -> None:
        """Tells of a call, as soon as its name is known, with the arguments that came before."""
        if call.index is not None or not call.name or (self._older and self.made):
            return
        call_id = call.call_id
        if not call_id or call_id in self._ids:
            # A server that gives none, or one twice: any id that is unique within the conversation does.
            call_id = f"call_{self._writer.answer_id.removeprefix('chatcmpl-')}_{self.made}"
        self._ids.add(call_id)
        call.index = self.made
        self.made += 1
        call.cleaner = self._cleaners.get(call.name)
        so_far = "" if call.cleaner is not None else "".join(call.pieces)
        kind, text = CALLS[call.kind]
        called = {"name": self._full_names.get(call.name, call.name), text: so_far}
        if self._older:
            self._writer.delta(_encode({"function_call": called}))
        else:
            told = {"index": call.index, "id": call_id, "type": kind, kind: called}
            self._writer.delta(_encode({"tool_calls": [told]}))

    def more(self, call: Call, piece: str) -> None:
        """More of a call's arguments."""
        call.pieces.append(piece)
        if call.index is not None and call.cleaner is None:
            self._write(call, piece)

    def end(self, call: Call, item: Item) -> None:
        """A call is complete: writes what of it was not streamed."""
        call.name = call.name or item.name
        call.call_id = call.call_id or item.call_id
        streamed = "".join(call.pieces)
        whole = item.arguments or item.input or call.arguments or streamed
        if call.index is None:
            call.pieces[:] = [whole]
            self._begin(call)
            if call.index is None:
                why = "a second call, beside the first one" if call.name else "a tool call that was never named"
                self._notes.append(dropped("output", why))
                return
            streamed = whole
        if call.cleaner is not None:
            # Only complete arguments can be cleaned, so none of them was streamed.
            self._write(call, call.cleaner.clean(whole))
        elif not whole.startswith(streamed):
            self._notes.append(approximated("output", "a call's arguments were streamed otherwise than completed"))
        elif rest := whole[len(streamed) :]:
            self._write(call, rest)

    def _write(self, call: Call, piece: str) -> None:
        kind, text = CALLS[call.kind]
        if self._older:
            self._writer.delta(_encode({"function_call": {text: piece}}))
        else:
            self._writer.delta(_encode({"tool_calls": [{"index": call.index, kind: {text: piece}}]}))
