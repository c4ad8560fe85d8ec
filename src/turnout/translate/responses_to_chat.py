"""A stream of Responses events → a stream of Chat Completions chunks: a machine without I/O.

Bytes in, bytes out, wherever the network cut them. It has the same handles as the machine of the Messages door
(`turnout.translate.responses_to_messages.MessagesStream`), since the gateway moves the bytes of both in the same way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.sse import SseOverflowError
from turnout.protocol.web_search import Citation, decode_citation, decode_citations
from turnout.translate import reasoning
from turnout.translate.chat_calls import CALLS, Call, ChatCalls
from turnout.translate.chat_history import REASONING
from turnout.translate.chat_writer import ChatWriter
from turnout.translate.continuation import MAX_REQUESTS, Pause, Said
from turnout.translate.messages_writer import TokenUsage
from turnout.translate.openai_errors import openai_error_body
from turnout.translate.response_events import Completed, EventReader, Failed, ItemOrder, RateLimits, too_long
from turnout.translate.stops import StopFilter
from turnout.translate.text_runs import TextRun, run_of
from turnout.translate.usage import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from turnout.protocol.web_search import Outcome
    from turnout.translate.response_events import ItemRecord, Record
    from turnout.translate.schema import NullRemover
    from turnout.translate.search_blocks import Wanted
    from turnout.translate.target import Target

_encode = msgspec.json.encode
_decode_string = msgspec.json.Decoder(str).decode

_EMPTY = b'""'
_PARAGRAPH = b'"\\n\\n"'
_FORMAT = "openai-responses-v1"
"""OpenRouter's word for reasoning of the Responses API: its clients drop entries whose format they do not know."""
_PATIENCE = 256
"""Events for which upstream is heard out behind a stop sequence: its end, with the usage, is mostly close."""
_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}


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


class ChatStream:
    """Translates one answer.

    ``feed`` gives nothing as long as upstream has only shaken hands, so that a failure can still become an HTTP error:
    then `failure` is set and nothing was written. Once something was written, a failure is the stream's last event.
    """

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
        self.finished = False
        """The answer is complete, or has failed."""
        self.pause: Pause | None = None
        """Set where upstream's response is complete and the answer is not: see `go_on` and `end`."""
        self.failure: Failure | None = None
        self.usage = TokenUsage()
        self.stop_reason: str | None = None
        self.notes: list[Note] = []
        self.rate_limits = b""
        """The data of upstream's latest event ``codex.rate_limits``, as it came; empty if none did."""
        self._writer = ChatWriter(answer_id, model, int(now), with_usage=with_usage)
        self._target = target
        self._now = now
        self._calls = ChatCalls(self._writer, self.notes, full_names, cleaners or {}, older=older_calls)
        self._reader = EventReader()
        self._order = ItemOrder()
        self._said = Said(target)
        self._requests: list[TokenUsage] = []
        """What each request for this answer took."""
        self._stops = StopFilter(stop_sequences) if stop_sequences else None
        self._stopped = False
        """A stop sequence was reached: what upstream still says is not shown."""
        self._patience = _PATIENCE
        self._open_text: tuple[int, int] | None = None
        """Output and content index of the part at hand while its deltas may be copied as they are."""
        self._run: TextRun | None = None
        """Reads many such deltas at once, where they are all alike."""
        self._run_sought = False
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

    @property
    def started(self) -> bool:
        """Something was written."""
        return self._writer.started

    # What the gateway calls

    def feed(self, data: bytes) -> bytes:
        """What upstream's next bytes mean to the client."""
        if not self.finished and self.pause is None:
            try:
                complete = self._reader.complete(data)
            except SseOverflowError:
                return self.fail(too_long().failure)
            if self._run is not None and (texts := self._run.texts(complete)) is not None:
                self._writer.texts(texts)
                return self._writer.taken()
            for record in self._reader.read(complete):
                if type(record) is wire.TextDelta and (record.output_index, record.content_index) == self._open_text:
                    # Most events of a stream are these, and most of them continue the part at hand.
                    if (text := bytes(record.delta))[:1] == b'"' and text != _EMPTY:
                        self._writer.text(text)
                        if not self._run_sought:
                            self._run_sought = True
                            self._run = run_of(self._reader.block, text)
                    continue
                self._take(record)
                if self.finished or self.pause is not None:
                    break  # what comes behind the end is for nobody
        return self._writer.taken()

    def close(self) -> bytes:
        """Upstream's stream has ended. Before a terminal event that is a failure, never a clean stop."""
        if self.pause is not None:
            return b""
        for record in self._reader.close():
            if not self.finished:
                self._take(record)
        if not self.finished:
            self._fail(
                Failure(kind=FailureKind.CUT, message="The upstream's stream was cut before the answer was complete.")
            )
        return self._writer.taken()

    def fail(self, failure: Failure) -> bytes:
        """The gateway has found upstream failed (a broken connection, a deadline)."""
        if not self.finished:
            self._fail(failure)
        return self._writer.taken()

    def open(self) -> bytes:
        """Begins the answer now, though upstream has said nothing yet. Harmless when called again."""
        if not self.finished:
            self._writer.start()
        return self._writer.taken()

    def keepalive(self) -> bytes:
        """Something to tell the client while upstream is silent; nothing once the answer is complete."""
        if not self.finished:
            self._writer.keepalive()
        return self._writer.taken()

    # What the gateway calls while there is a `pause`

    def answer(self, searches: Iterable[tuple[Wanted, Outcome]]) -> bytes:
        """Searches of the gateway's are never wanted here."""
        return b""

    def go_on(self) -> list[bytes]:
        """The same answer goes on with upstream's next response. Gives what its request has more in ``input``: JSON."""
        self.pause = None
        self._reader, self._order = EventReader(), ItemOrder()
        self._item = None
        self._continue(None)
        return self._said.taken_back(())

    def end(self) -> bytes:
        """The answer ends here."""
        self.pause = None
        self._finish()
        return self._writer.taken()

    # Reading

    def _take(self, record: Record) -> None:
        match record:
            case Completed():
                self._complete(record.response, cut=record.cut)
            case Failed():
                self._fail(record.failure)
            case RateLimits():
                self.rate_limits = record.data
            case _ if self._stopped:
                self._patience -= 1
                if not self._patience:
                    self._finish_stopped()
            case _:
                self._write_in_order(self._order.take(record))

    def _write_in_order(self, records: Iterable[ItemRecord]) -> None:
        for record in records:
            self._write(record)
            if self._stopped:
                break

    def _write(self, record: ItemRecord) -> None:
        self._writer.start()
        match record:
            case wire.TextDelta():
                text = bytes(record.delta)
                refused = isinstance(record, wire.RefusalDelta)
                self._text(record.content_index, text, refused=refused)
                if self._item is not None and record.content_index in self._item.seen:
                    plain = not refused and self._stops is None and not self._cites
                    self._continue((record.output_index, record.content_index) if plain else None)
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
        if item is None or text[:1] != b'"' or text == _EMPTY or self._stopped:
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
            shown, reached = self._stops.feed(_decode_string(text))
            self._stopped = reached is not None
            text = _encode(shown)
        if text != _EMPTY:
            self._show(text)

    def _continue(self, part: tuple[int, int] | None) -> None:
        """From here on deltas of this part may be copied as they are; None: of none."""
        self._open_text, self._run, self._run_sought = part, None, False

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
        if item is None or text[:1] != b'"' or text == _EMPTY:
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
        self._continue(None)

    def _end_message(self, item: wire.Item, known: _Item) -> None:
        for index, part in enumerate(item.content or ()):
            refused = part.text is None
            text = part.refusal if refused else part.text
            if text and index not in known.seen:
                self._text(index, _encode(text), refused=refused)
            for citation in decode_citations(part.annotations):
                self._cite(citation)
        if self._stops is not None and not self._stopped and (held := self._stops.flush()):
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

    def _complete(self, response: wire.Response, *, cut: bool) -> None:
        """`cut`: upstream says itself that the answer is incomplete."""
        try:
            outputs = [wire.decode_item(item) for item in response.output or ()]
        except (msgspec.DecodeError, UnicodeDecodeError):
            outputs = []  # they were streamed before
        self._writer.start()
        usage = count(response.usage)
        if usage is None:
            self.notes.append(approximated("usage", "not known: upstream's figures could not be read"))
        self._requests.append(usage or TokenUsage())
        self.usage = self.usage.plus(self._requests[-1])
        if not self._stopped:
            self._write_in_order(self._order.end(outputs))
        if self._stopped:
            self._finish_stopped()
            return
        reason = response.incomplete_details.reason if response.incomplete_details else None
        self.stop_reason = self._calls.stop_reason if self._calls.made else "stop"
        if reason in _INCOMPLETE:
            self.stop_reason = _INCOMPLETE[reason]
        elif reason or cut:
            self.notes.append(
                approximated("output", f"the answer is incomplete: {reason or 'upstream does not say why'}")
            )
            self.stop_reason = self.stop_reason if self._calls.made else "length"
        if bytes(response.end_turn) == b"false" and not (self._calls.made or cut or reason):
            if len(self._requests) < MAX_REQUESTS:
                self.pause = Pause((), True)
                return
            self.notes.append(approximated("output", f"upstream asked for more than {MAX_REQUESTS} requests"))
        self._finish()

    def _finish(self) -> None:
        """Ends the answer well."""
        if self._citations:
            # All at once: the SDK's own stream helper can put no second list behind the first one.
            self._writer.delta(_encode({"annotations": self._citations}))
        last = self._requests[-1] if self._requests else TokenUsage()
        shown = msgspec.structs.replace(
            last, output_tokens=self.usage.output_tokens, reasoning_tokens=self.usage.reasoning_tokens
        )
        self._writer.finish(self.stop_reason or "stop", shown)
        self.finished = True

    def _finish_stopped(self) -> None:
        """Ends an answer that reached a stop sequence, once."""
        if self.finished:
            return
        if not self._requests:
            self.notes.append(approximated("usage", "not known: the answer was stopped before upstream had counted"))
        self.stop_reason = "stop"
        self._finish()

    def _fail(self, failure: Failure) -> None:
        if self._stopped:
            self._finish_stopped()  # the client has all that it asked for
            return
        self.failure = failure
        self.finished = True
        self.pause = None
        if self.started:
            self._writer.error(openai_error_body(failure, self._now))
