"""A stream of Responses events → a stream of Chat Completions chunks: what each item is in such a stream.

A machine without I/O. How a stream is read, and how an answer ends, is `turnout.translate.answer_machine`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol.fidelity import dropped
from turnout.protocol.web_search import Citation, decode_citation, decode_citations
from turnout.translate import reasoning
from turnout.translate.answer_machine import AnswerMachine, StopReasons
from turnout.translate.chat_calls import CALLS, Call, ChatCalls
from turnout.translate.chat_history import REASONING
from turnout.translate.chat_writer import EMPTY, ChatWriter
from turnout.translate.openai_errors import openai_error_body

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnout.protocol.errors import Failure
    from turnout.translate.messages_writer import TokenUsage
    from turnout.translate.response_events import ItemRecord
    from turnout.translate.schema import NullRemover
    from turnout.translate.target import Target

_encode = msgspec.json.encode
_decode_string = msgspec.json.Decoder(str).decode

_PARAGRAPH = b'"\\n\\n"'
_FORMAT = "openai-responses-v1"
"""OpenRouter's word for reasoning of the Responses API: its clients drop entries whose format they do not know."""
_REASONS = StopReasons(ended="stop", called="tool_calls", stopped="stop", length="length", refused="content_filter")
_REASONS_OLDER = msgspec.structs.replace(_REASONS, called="function_call")
"""For clients that know no ``tool_calls``."""


class _Item:
    """What is known of the output item whose events are being written."""

    __slots__ = ("call", "part", "seen", "type")

    def __init__(self, kind: str) -> None:
        self.type = kind
        self.call = Call(kind)
        self.seen: set[int] = set()
        """Content parts of a message whose text has been written."""
        self.part: tuple[str, int] | None = None
        """The part of the reasoning that was written last."""


class ChatStream(AnswerMachine):
    """Translates one answer.

    ``feed`` gives nothing as long as upstream has only shaken hands, so that a failure can still become an HTTP error:
    then `failure` is set and nothing was written. Once something was written, a failure is the stream's last event.
    """

    _writer: ChatWriter

    def __init__(
        self,
        *,
        answer_id: str,
        model: str,
        target: Target,
        full_names: Mapping[str, str],
        now: float,
        stop_sequences: Sequence[str] = (),
        cleaners: Mapping[str, NullRemover] | None = None,
        with_usage: bool = True,
        older_calls: bool = False,
        cites: bool = False,
    ) -> None:
        """`model` is the client's own string, echoed exactly. `full_names` restores shortened tool names.

        `now` is Unix seconds. `cleaners` are what calls go through, by upstream's name of the tool. `with_usage`: the
        stream ends with the usage. `older_calls`: the client knows ``function_call`` and no ``tool_calls``. `cites`:
        the answer may cite pages, whose places in the text have to be counted.
        """
        writer = ChatWriter(answer_id, model, int(now), with_usage=with_usage)
        super().__init__(writer, target, now, stop_sequences)
        self._target = target
        self._calls = ChatCalls(writer, self.notes, full_names, cleaners or {}, older=older_calls)
        self._reasons = _REASONS_OLDER if older_calls else _REASONS
        self._item: _Item | None = None
        self._thoughts = 0
        """Entries of ``reasoning_details``."""
        self._texts = 0
        """Messages whose text was written."""
        self._thought = False
        """Reasoning was written."""
        self._length = 0
        """Characters of the text, where citations need it."""
        self._part_start = 0
        """The same where the part at hand begins."""
        self._cites = cites
        self._citations: list[dict[str, object]] = []

    # What its base asks for

    def _called(self) -> bool:
        return self._calls.made > 0

    def _error_body(self, failure: Failure) -> bytes:
        return openai_error_body(failure, self._now)

    def _write_end(self, reason: str, usage: TokenUsage) -> None:
        if self._citations:
            # All at once: the SDK's own stream helper can put no second list behind the first one.
            self._writer.delta(_encode({"annotations": self._citations}))
        self._writer.finish(reason, usage)

    def _write(self, record: ItemRecord) -> None:
        match record:
            case wire.TextDelta():
                text = bytes(record.delta)
                refused = isinstance(record, wire.RefusalDelta)
                self._text(record.content_index, text, refused=refused)
                if self._item is not None and record.content_index in self._item.seen:
                    plain = not refused and self._stops is None and not self._cites
                    self._open_text = (record.output_index, record.content_index) if plain else None
            case wire.SummaryDelta():
                self._thinking(("summary", record.summary_index), bytes(record.delta))
            case wire.ReasoningDelta():
                self._thinking(("text", record.content_index), bytes(record.delta))
            case wire.ArgumentsDelta():
                if record.delta and (call := self._known_call()):
                    self._calls.more(call, record.delta)
            case wire.ArgumentsDone():
                if call := self._known_call():
                    call.arguments = record.arguments
                    call.name = call.name or record.name
            case wire.InputDone():
                if call := self._known_call():
                    call.arguments = record.input
            case wire.TextDone():
                item = self._known("message")
                if item and record.content_index not in item.seen:
                    self._text(record.content_index, bytes(record.text), refused=False)
                    self._text(record.content_index, bytes(record.refusal), refused=True)
            case wire.AnnotationAdded():
                if self._known("message") and (citation := decode_citation(record.annotation)):
                    self._cite(citation)
            case wire.ItemAdded():
                self._begin_item(record.item)
            case wire.ItemDone():
                self._end_item(record.item, record.output_index)

    def _known(self, kind: str) -> _Item | None:
        """The current item, if it is of this kind. One that was never announced is what its event says it is."""
        if self._item is None:
            self._item = _Item(kind)
        elif not self._item.type:
            self._item.type = self._item.call.kind = kind
        return self._item if self._item.type == kind else None

    def _begin_item(self, item: wire.Item) -> None:
        known = self._known(item.type)
        if known is not None and known.type in CALLS:
            self._calls.begin(known.call, item)

    def _known_call(self) -> Call | None:
        if self._item is not None and self._item.type in CALLS:
            return self._item.call
        item = self._known("function_call")
        return item.call if item else None

    # Writing

    def _text(self, part: int, text: bytes, *, refused: bool) -> None:
        """`text` is a JSON string; anything else is no text."""
        item = self._known("message")
        if item is None or text[:1] != b'"' or text == EMPTY or self._stop_sequence is not None:
            return
        if not item.seen:
            if self._texts and not refused:
                self._show(_PARAGRAPH)  # two messages of upstream's in one text
            self._texts += not refused
        if part not in item.seen:
            item.seen.add(part)
            self._part_start = self._length
        if refused:
            self._writer.delta(b'{"refusal":%s}' % text)
            return
        if self._stops is not None:
            shown, self._stop_sequence = self._stops.feed(_decode_string(text))
            text = _encode(shown)
        if text != EMPTY:
            self._show(text)

    def _show(self, text: bytes) -> None:
        if self._cites:
            self._length += len(_decode_string(text))
        self._writer.text(text)

    def _cite(self, citation: Citation) -> None:
        url = {
            "start_index": self._part_start + (citation.start_index or 0),
            "end_index": self._part_start + (citation.end_index or 0),
            "title": citation.title or "",
            "url": citation.url,
        }
        annotation: dict[str, object] = {"type": "url_citation", "url_citation": url}
        if annotation not in self._citations:
            self._citations.append(annotation)

    def _thinking(self, part: tuple[str, int], text: bytes) -> None:
        item = self._known("reasoning")
        if item is None or text[:1] != b'"' or text == EMPTY:
            return
        if item.part != part and self._thought:
            self._writer.delta(b'{"reasoning_content":%s}' % _PARAGRAPH)
        item.part, self._thought = part, True
        self._writer.delta(b'{"reasoning_content":%s}' % text)

    # Ends

    def _end_item(self, item: wire.Item, output_index: int) -> None:
        """Writes what of a complete item was not streamed, and ends it. Without a type it was never completed."""
        kind = item.type or (self._item.type if self._item else "")
        known = self._known(kind)
        if known is None:
            known = self._item = _Item(kind)  # it was taken for something else
        if kind == "message":
            self._end_message(item, known)
        elif kind == "reasoning":
            self._end_reasoning(item, known)
        elif kind in CALLS:
            self._calls.end(known.call, item)
        elif kind not in ("web_search_call", ""):
            self.notes.append(
                dropped(f"output[{output_index}]", f"an item of the type {kind!r} has no form downstream")
            )
        self._said.add(item)
        self._item = None
        self._open_text = None

    def _end_message(self, item: wire.Item, known: _Item) -> None:
        for index, part in enumerate(item.content or ()):
            refused = part.text is None
            text = part.refusal if refused else part.text
            if text and index not in known.seen:
                self._text(index, _encode(text), refused=refused)
            for citation in decode_citations(part.annotations):
                self._cite(citation)
        if self._stops is not None and self._stop_sequence is None and (held := self._stops.flush()):
            self._show(_encode(held))

    def _end_reasoning(self, item: wire.Item, known: _Item) -> None:
        if known.part is None:
            for kind, parts in (("summary", item.summary), ("text", item.content)):
                for index, part in enumerate(parts or ()):
                    self._thinking((kind, index), _encode(part.text or ""))
        if item.encrypted_content:
            # What the client sends back with its next request, if it keeps fields that it does not know.
            data = reasoning.seal(self._target.account, self._target.model, item.id, item.encrypted_content)
            detail = {"type": REASONING, "index": self._thoughts, "format": _FORMAT, "data": data.decode()}
            self._thoughts += 1
            self._writer.delta(_encode({"reasoning_details": [detail]}))
