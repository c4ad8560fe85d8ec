"""Writes a legal Responses stream: its events, their order, and the response that they add up to.

Knows nothing of where the content is from. Events and fields are those of codex-backend.md 3.1 and of the openai SDK's
types; every field that the SDK requires is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol.sse import event

if TYPE_CHECKING:
    from turnout.translate.chat_request_tools import Called

_encode = msgspec.json.encode


class OpenCall:
    """A call whose arguments are not yet complete."""

    __slots__ = ("call_id", "index", "item_id", "pieces", "tool")

    def __init__(self, index: int, item_id: str, call_id: str, tool: Called) -> None:
        self.index = index
        self.item_id = item_id
        self.call_id = call_id
        self.tool = tool
        self.pieces: list[str] = []

    def item(self, status: str, given: str) -> dict[str, Any]:
        """The call as an item; `given` is what it is called with."""
        kind, field = ("custom_tool_call", "input") if self.tool.custom else ("function_call", "arguments")
        item = {
            "id": self.item_id,
            "type": kind,
            "status": status,
            "call_id": self.call_id,
            "name": self.tool.name,
            field: given,
        }
        return item if self.tool.namespace is None else {**item, "namespace": self.tool.namespace}


class ResponsesWriter:
    """One response's stream. What is written gathers until `taken` hands it over."""

    def __init__(self, mark: str, model: str, created_at: int) -> None:
        """`mark` makes the ids of the response and its items: unique among responses. `created_at`: Unix seconds."""
        self.started = False
        self.mark = mark
        self.output: list[dict[str, Any] | None] = []
        """Complete items by their index."""
        self._out: list[bytes] = []
        self._sequence = 0
        self._response: dict[str, Any] = {
            "id": f"resp_{mark}",
            "object": "response",
            "created_at": created_at,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "store": False,
            "temperature": None,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "truncation": "disabled",
            "usage": None,
        }
        self._text: list[str] | None = None
        """Pieces of the open part of the open message; None without one."""
        self._parts: list[dict[str, Any]] = []
        """Complete parts of the open message."""
        self._refused = False
        """The open part is a refusal."""
        self._message: tuple[int, str] | None = None
        """Index and id of the open message."""
        self._thinking: tuple[int, str] | None = None
        self._thoughts: list[str] = []

    def taken(self) -> bytes:
        """What was written since the last time."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _event(self, kind: str, **fields: object) -> None:
        body = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        self._out.append(event(kind.encode(), _encode(body)))

    def start(self) -> None:
        """The response's head, once."""
        if not self.started:
            self.started = True
            self._event("response.created", response=self._response)
            self._event("response.in_progress", response=self._response)

    # Reasoning

    def think(self, text: str) -> None:
        """More reasoning; a message that is open is ended first."""
        self._end_message()
        if self._thinking is None:
            index, item_id = self._thinking = self._place("rs")
            self._added(
                index, {"id": item_id, "type": "reasoning", "summary": [], "content": [], "status": "in_progress"}
            )
            part = {"type": "reasoning_text", "text": ""}
            self._event("response.content_part.added", **self._at(self._thinking), part=part)
        self._thoughts.append(text)
        self._event("response.reasoning_text.delta", **self._at(self._thinking), delta=text)

    @property
    def thinks(self) -> bool:
        """A reasoning item is open."""
        return self._thinking is not None

    def end_thinking(self, encrypted: str | None) -> None:
        """Ends the reasoning item that is open; `encrypted` is what brings it back."""
        if self._thinking is None:
            return
        (index, item_id), text = self._thinking, "".join(self._thoughts)
        part = {"type": "reasoning_text", "text": text}
        self._event("response.reasoning_text.done", **self._at(self._thinking), text=text)
        self._event("response.content_part.done", **self._at(self._thinking), part=part)
        item = {"id": item_id, "type": "reasoning", "summary": [], "content": [part], "status": "completed"}
        self._done(index, item if encrypted is None else {**item, "encrypted_content": encrypted})
        self._thinking = None
        self._thoughts = []

    # Messages

    def say(self, text: str, *, refused: bool = False) -> None:
        """More of the answer's text, or of a refusal."""
        if self._message is None:
            index, item_id = self._message = self._place("msg")
            self._added(index, self._message_item(item_id, "in_progress", []))
        if self._text is not None and refused != self._refused:
            self._end_part()
        if self._text is None:
            self._text, self._refused = [], refused
            self._event("response.content_part.added", **self._at_part(), part=_part("", refused=refused))
        self._text.append(text)
        if refused:
            self._event("response.refusal.delta", **self._at_part(), delta=text)
        else:
            self._event("response.output_text.delta", **self._at_part(), delta=text, logprobs=[])

    def _end_part(self) -> None:
        if self._text is None:
            return
        text, self._text = "".join(self._text), None
        if self._refused:
            self._event("response.refusal.done", **self._at_part(), refusal=text)
        else:
            self._event("response.output_text.done", **self._at_part(), text=text, logprobs=[])
        part = _part(text, refused=self._refused)
        self._event("response.content_part.done", **self._at_part(), part=part)
        self._parts.append(part)

    def _end_message(self) -> None:
        if self._message is None:
            return
        self._end_part()
        index, item_id = self._message
        self._done(index, self._message_item(item_id, "completed", self._parts))
        self._message = None
        self._parts = []

    @staticmethod
    def _message_item(item_id: str, status: str, parts: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": item_id, "type": "message", "status": status, "role": "assistant", "content": parts}

    # Calls

    def begin_call(self, call_id: str, tool: Called) -> OpenCall:
        """Begins a call; a message that is open is ended first."""
        self._end_message()
        index, item_id = self._place("ctc" if tool.custom else "fc")
        call = OpenCall(index, item_id, call_id, tool)
        self._added(index, call.item("in_progress", ""))
        return call

    def more_arguments(self, call: OpenCall, piece: str) -> None:
        """More of a call's arguments. A custom tool's are written at its end, since only then they can be read."""
        call.pieces.append(piece)
        if not call.tool.custom and piece:
            place = {"item_id": call.item_id, "output_index": call.index}
            self._event("response.function_call_arguments.delta", **place, delta=piece)

    def end_call(self, call: OpenCall, given: str) -> None:
        """Ends a call; `given` is all that it is called with."""
        place = {"item_id": call.item_id, "output_index": call.index}
        if call.tool.custom:
            self._event("response.custom_tool_call_input.delta", **place, delta=given)
            self._event("response.custom_tool_call_input.done", **place, input=given)
        else:
            name = call.tool.name
            self._event("response.function_call_arguments.done", **place, name=name, arguments=given)
        self._done(call.index, call.item("completed", given))

    # The end

    def finish(self, incomplete: str | None, usage: dict[str, Any] | None) -> None:
        """Ends the response; `incomplete` is why it is not all that there was to say."""
        self._end_message()
        self._response |= {
            "status": "incomplete" if incomplete else "completed",
            "incomplete_details": {"reason": incomplete} if incomplete else None,
            "output": self.output,
            "usage": usage,
        }
        self._event("response.incomplete" if incomplete else "response.completed", response=self._response)

    def fail(self, code: str, message: str) -> None:
        """Ends the response as failed."""
        self._response |= {"status": "failed", "error": {"code": code, "message": message}}
        self._event("response.failed", response=self._response)

    # Items

    def _place(self, prefix: str) -> tuple[int, str]:
        """Index and id of the next item."""
        self.output.append(None)
        index = len(self.output) - 1
        return index, f"{prefix}_{self.mark}_{index}"

    def _added(self, index: int, item: dict[str, Any]) -> None:
        self._event("response.output_item.added", output_index=index, item=item)

    def _done(self, index: int, item: dict[str, Any]) -> None:
        self.output[index] = item
        self._event("response.output_item.done", output_index=index, item=item)

    @staticmethod
    def _at(item: tuple[int, str]) -> dict[str, Any]:
        return {"item_id": item[1], "output_index": item[0], "content_index": 0}

    def _at_part(self) -> dict[str, Any]:
        index, item_id = self._message or (0, "")
        return {"item_id": item_id, "output_index": index, "content_index": len(self._parts)}


def _part(text: str, *, refused: bool) -> dict[str, Any]:
    if refused:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
