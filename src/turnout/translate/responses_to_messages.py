"""A stream of Responses events → a stream of Messages events: what each item is in a Messages stream.

A machine without I/O. How a stream is read, and how an answer ends, is `turnout.translate.answer_machine`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol.fidelity import approximated, dropped
from turnout.protocol.web_search import decode_citation, decode_citations
from turnout.translate import reasoning
from turnout.translate.answer_machine import AnswerMachine, StopReasons
from turnout.translate.deferred import TOOL_SEARCH
from turnout.translate.errors import anthropic_error_event
from turnout.translate.item_order import Unfinished
from turnout.translate.messages_writer import EMPTY, MessagesWriter
from turnout.translate.search_blocks import SearchBlocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from turnout.protocol.errors import Failure
    from turnout.protocol.web_search import Outcome
    from turnout.translate.messages_writer import TokenUsage
    from turnout.translate.response_events import ItemRecord
    from turnout.translate.schema import NullRemover
    from turnout.translate.search import Search
    from turnout.translate.search_blocks import Wanted
    from turnout.translate.target import Target

_encode = msgspec.json.encode
_decode_string = msgspec.json.Decoder(str).decode

_QUOTE = 0x22
_PARAGRAPH = b'"\\n\\n"'


class _Item:
    """What is known of the output item whose events are being written."""

    __slots__ = ("arguments", "call_id", "cleaner", "name", "part", "pieces", "search", "seen", "started", "type")

    def __init__(self, kind: str) -> None:
        self.type = kind
        self.call_id: str | None = None
        self.name: str | None = None
        self.started = False
        """The call's block is open."""
        self.search = False
        """The call is for the gateway to answer."""
        self.cleaner: NullRemover | None = None
        """What the call's arguments have to go through before the client gets them."""
        self.pieces: list[str] = []
        """The call's arguments, as far as they were streamed."""
        self.arguments: str | None = None
        """The call's complete arguments, once upstream said them."""
        self.seen: set[int] = set()
        """Content parts of a message whose text has been written."""
        self.part: tuple[str, int] | None = None
        """The part of the reasoning that was written last."""


class MessagesStream(AnswerMachine):
    """Translates one answer.

    ``feed`` gives nothing as long as upstream has only shaken hands, so that a failure can still become an HTTP error:
    then `failure` is set and nothing was written. Once something was written, a failure is an ``error`` event.
    """

    _reasons = StopReasons(
        ended="end_turn", called="tool_use", stopped="stop_sequence", length="max_tokens", refused="refusal"
    )
    _writer: MessagesWriter

    def __init__(
        self,
        *,
        message_id: str,
        model: str,
        target: Target,
        full_names: Mapping[str, str],
        now: float,
        stop_sequences: Sequence[str] = (),
        search: Search | None = None,
        cleaners: Mapping[str, NullRemover] | None = None,
    ) -> None:
        """`model` is the client's own string, echoed exactly. `full_names` restores shortened tool names.

        `now` is Unix seconds, for words about resets. `search` is the web search that the answer may make.
        `cleaners` are what calls go through, by upstream's name of the tool.
        """
        writer = MessagesWriter(message_id, model)
        super().__init__(writer, target, now, stop_sequences)
        self._target = target
        self._full_names = full_names
        self._cleaners = cleaners or {}
        self._searches = SearchBlocks(writer, search, self.notes)
        self._text_at: tuple[int, int] | None = None
        """Output and content index of the open text block."""
        self._call_ids: set[str] = set()
        self._calls = False
        self._item: _Item | None = None

    def answer(self, searches: Iterable[tuple[Wanted, Outcome]]) -> bytes:
        """What the searches that were wanted have given."""
        for wanted, outcome in searches:
            self._searches.answer(wanted, outcome)
        return self._writer.taken()

    def go_on(self) -> list[bytes]:
        """The same answer goes on with upstream's next response. Gives what its request has more in ``input``: JSON."""
        items = super().go_on()
        self._searches.outputs.clear()
        return items

    # What its base asks for

    def _called(self) -> bool:
        return self._calls

    def _wanted(self) -> tuple[Wanted, ...]:
        return tuple(self._searches.wanted)

    def _found(self) -> Sequence[tuple[str, Outcome]]:
        return self._searches.outputs

    def _error_body(self, failure: Failure) -> bytes:
        return anthropic_error_event(failure, self._now)

    def _write_end(self, reason: str, usage: TokenUsage) -> None:
        self._searches.end_answer()
        if made := self._searches.made:
            self.usage = msgspec.structs.replace(self.usage, web_searches=made)
            usage = msgspec.structs.replace(usage, web_searches=made)
        self._writer.finish(reason, usage, self._stop_sequence, self._requests)

    def _write(self, record: ItemRecord) -> None:
        match record:
            case wire.TextDelta():
                self._text(record.output_index, record.content_index, bytes(record.delta))
            case wire.ItemAdded():
                self._add_item(_as_call(record.item))
            case wire.TextDone():
                item = self._known("message")
                if item and record.content_index not in item.seen:
                    self._text(record.output_index, record.content_index, bytes(record.text))
                    self._text(record.output_index, record.content_index, bytes(record.refusal))
            case Unfinished():
                self._end_unfinished()
            case wire.ItemDone():
                self._finish_item(_as_call(record.item), record.output_index)
            case wire.SummaryDelta():
                self._thinking(("summary", record.summary_index), bytes(record.delta))
            case wire.ReasoningDelta():
                self._thinking(("text", record.content_index), bytes(record.delta))
            case wire.InputDelta() | wire.InputDone():
                pass  # for a custom tool, which no client of this door has
            case wire.ArgumentsDelta():
                self._arguments(record.delta)
            case wire.ArgumentsDone():
                if item := self._known("function_call"):
                    item.arguments = record.arguments
                    item.name = item.name or record.name
            case wire.AnnotationAdded():
                if self._known("message") and (citation := decode_citation(record.annotation)):
                    self._searches.cite(record.content_index, citation)

    def _add_item(self, item: wire.Item) -> None:
        known = self._known(item.type)
        if known is None:
            return
        known.name = known.name or item.name
        known.call_id = known.call_id or item.call_id
        if known.type == "reasoning":
            self._open_thinking()
        elif known.type == "function_call":
            self._open_call(known)
        elif known.type == "web_search_call":
            self._open_search(known)

    def _known(self, kind: str) -> _Item | None:
        """The current item, if it is of this kind: what an event of another kind says of it means nothing.

        One that was never announced is taken for what its event says it is.
        """
        if self._item is None:
            self._item = _Item(kind)
        elif not self._item.type:
            self._item.type = kind
        return self._item if self._item.type == kind else None

    # Writing items

    def _text(self, output_index: int, content_index: int, text: bytes) -> None:
        """`text` is a JSON string; anything else is no text."""
        item = self._known("message")
        if item is None or text[0] != _QUOTE or text == EMPTY or self._stop_sequence is not None:
            return
        item.seen.add(content_index)
        if (output_index, content_index) != self._text_at:
            self._close_block()
            self._text_at = output_index, content_index
        if self._stops is not None:
            shown, self._stop_sequence = self._stops.feed(_decode_string(text))
            text = _encode(shown)
        if text != EMPTY:
            self._write_text(text)

    def _write_text(self, text: bytes) -> None:
        if self._writer.block != "text":
            self._writer.open("text")
            if self._stops is None:
                self._open_text = self._text_at
        self._writer.delta(text)

    def _open_thinking(self) -> None:
        # A thinking block that a keep-alive opened is the one this reasoning belongs into.
        if self._writer.block != "thinking":
            self._close_block()
            self._writer.open("thinking")

    def _thinking(self, part: tuple[str, int], text: bytes) -> None:
        item = self._known("reasoning")
        if item is None or text[0] != _QUOTE or text == EMPTY:
            return
        self._open_thinking()
        if item.part is not None and item.part != part:
            self._writer.delta(_PARAGRAPH)
        item.part = part
        self._writer.delta(text)

    def _open_call(self, item: _Item) -> None:
        """Opens a call's block, as soon as its name is known, with the arguments that came before."""
        if item.started or not item.name:
            return
        self._close_block()
        call_id = item.call_id
        if not call_id or call_id in self._call_ids:
            # A server that gives none, or one twice: any id that is unique within the conversation does, but the
            # client loses one of two calls with the same (claude-code-wire.md 2).
            call_id = f"call_{self._writer.message_id.removeprefix('msg_')}_{self._writer.index}"
        self._call_ids.add(call_id)
        if self._searches.serves(item.name):
            item.call_id, item.search = call_id, True
            self._open_search(item)
            return
        self._calls = True
        self._writer.open_tool_use(call_id, self._full_names.get(item.name, item.name))
        item.started = True
        item.cleaner = self._cleaners.get(item.name)
        if item.cleaner is None and (so_far := "".join(item.pieces)):
            self._writer.delta(_encode(so_far))

    def _open_search(self, item: _Item) -> None:
        if not item.started:
            self._close_block()
            self._searches.open()
            item.started = True

    def _arguments(self, delta: str) -> None:
        item = self._known("function_call")
        if item is None or not delta:
            return
        item.pieces.append(delta)
        if item.started and not item.search and item.cleaner is None:
            self._writer.delta(_encode(delta))

    def _finish_item(self, item: wire.Item, output_index: int) -> None:
        """Writes what of a complete item was not streamed, and ends it."""
        kind = item.type or (self._item.type if self._item else "")
        known = self._known(kind)
        if known is None:
            known = self._item = _Item(kind)  # it was taken for something else
        if kind == "message":
            for index, part in enumerate(item.content or ()):
                text = part.text if part.text is not None else part.refusal
                if text and index not in known.seen:
                    self._text(output_index, index, _encode(text))
                for citation in decode_citations(part.annotations):
                    self._searches.cite(index, citation)
        elif kind == "reasoning":
            self._finish_reasoning(item, known)
        elif kind == "function_call":
            self._finish_call(item, known)
        elif kind == "web_search_call":
            self._open_search(known)
            self._searches.finish_hosted(item)
        else:
            self.notes.append(
                dropped(f"output[{output_index}]", f"an item of the type {kind!r} has no form downstream")
            )
        if not known.search:
            self._said.add(item)
        self._end_item()

    def _end_unfinished(self) -> None:
        """Ends the item whose own end never came."""
        if self._item is not None and self._item.type == "function_call":
            self._finish_call(wire.Item("function_call"), self._item)
        self._end_item()

    def _end_item(self) -> None:
        self._close_block()
        self._searches.end_item()
        self._item = None

    def _finish_reasoning(self, item: wire.Item, known: _Item) -> None:
        self._open_thinking()
        if known.part is None:
            for kind, parts in (("summary", item.summary), ("text", item.content)):
                for index, part in enumerate(parts or ()):
                    self._thinking((kind, index), _encode(part.text or ""))
        signature = reasoning.seal(self._target.account, self._target.model, item.id, item.encrypted_content or "")
        self._writer.sign(signature)

    def _finish_call(self, item: wire.Item, known: _Item) -> None:
        known.name = known.name or item.name
        known.call_id = known.call_id or item.call_id
        streamed = "".join(known.pieces)
        whole = item.arguments or known.arguments or streamed
        if not known.started:
            known.pieces[:] = [whole]
            self._open_call(known)
            if not known.started:
                self.notes.append(dropped("output", "a tool call that was never named"))
            streamed = whole
        if known.cleaner is not None:
            # Only complete arguments can be cleaned, so none of them was streamed.
            self._writer.delta(_encode(known.cleaner.clean(whole)))
        elif known.search:
            self._searches.finish_call(known.call_id or "", whole)
            self._said.add(wire.Item("function_call", call_id=known.call_id, name=known.name, arguments=whole))
        elif not whole.startswith(streamed):
            self.notes.append(approximated("output", "a call's arguments were streamed otherwise than completed"))
        elif rest := whole[len(streamed) :]:
            self._writer.delta(_encode(rest))

    def _close_block(self) -> None:
        if self._stops is not None and (held := self._stops.flush()):
            self._write_text(_encode(held))
        self._writer.close()
        self._text_at = self._open_text = None


def _as_call(item: wire.Item) -> wire.Item:
    """A search for tools that the client is to make is a call of its own tool. Upstream's own have no call id."""
    if item.type != "tool_search_call" or not item.call_id:
        return item
    return wire.Item(type="function_call", call_id=item.call_id, name=TOOL_SEARCH, arguments=item.arguments)
