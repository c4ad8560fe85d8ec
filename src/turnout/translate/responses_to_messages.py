"""A stream of Responses events → a stream of Messages events: a machine without I/O.

Bytes in, bytes out, wherever the network cut them. Upstream may work on several output items at once; a Messages
stream has one open block at a time, so one item is current and the events of the others wait (behaviours.md 26).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol import surrogates
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.protocol.sse import SseOverflowError, SseSplitter, blocks_of, parse
from turnout.protocol.web_search import decode_citation, decode_citations
from turnout.translate import reasoning
from turnout.translate.continuation import MAX_REQUESTS, Pause, Said
from turnout.translate.deferred import TOOL_SEARCH
from turnout.translate.error_objects import read_error
from turnout.translate.errors import anthropic_error_event, classify_error
from turnout.translate.messages_writer import DELTA_END, EMPTY, MessagesWriter, TokenUsage
from turnout.translate.search_blocks import SearchBlocks
from turnout.translate.stops import StopFilter
from turnout.translate.text_runs import TextRun, run_of
from turnout.translate.usage import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from turnout.protocol.web_search import Outcome
    from turnout.translate.schema import NullRemover
    from turnout.translate.search import Search
    from turnout.translate.search_blocks import Wanted
    from turnout.translate.target import Target

    ItemRecord = (
        wire.ItemAdded
        | wire.TextDelta
        | wire.TextDone
        | wire.SummaryDelta
        | wire.ReasoningDelta
        | wire.ArgumentsDelta
        | wire.ArgumentsDone
        | wire.AnnotationAdded
        | wire.ItemDone
    )

_encode = msgspec.json.encode
_decode_text_delta = msgspec.json.Decoder(wire.TextDelta).decode
_decode_response = msgspec.json.Decoder(wire.ResponseEvent).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_string = msgspec.json.Decoder(str).decode
_decode_type = msgspec.json.Decoder(wire.EventType).decode

_ITEM_RECORDS: dict[bytes, Callable[[bytes], ItemRecord]] = {
    b"response.output_item.added": wire.decode_added,
    b"response.output_text.delta": _decode_text_delta,
    b"response.output_text.annotation.added": msgspec.json.Decoder(wire.AnnotationAdded).decode,
    b"response.output_text.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.refusal.delta": _decode_text_delta,
    b"response.refusal.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.reasoning_summary_text.delta": msgspec.json.Decoder(wire.SummaryDelta).decode,
    b"response.reasoning_text.delta": msgspec.json.Decoder(wire.ReasoningDelta).decode,
    b"response.function_call_arguments.delta": msgspec.json.Decoder(wire.ArgumentsDelta).decode,
    b"response.function_call_arguments.done": msgspec.json.Decoder(wire.ArgumentsDone).decode,
    b"response.output_item.done": wire.decode_done,
}
"""Events about one output item. Every type that is neither here nor terminal carries nothing that these do not."""

_HOT = b"event: response.output_text.delta\ndata: "
_HOT_LENGTH = len(_HOT)
_QUOTE = 0x22
_PARAGRAPH = b'"\\n\\n"'
_NOWHERE: tuple[int | None, int | None] = (None, None)
_PATIENCE = 256
"""Events for which upstream is heard out behind a stop sequence: its end, with the usage, is mostly close."""
_INCOMPLETE = {"max_output_tokens": "max_tokens", "content_filter": "refusal"}


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


class MessagesStream:
    """Translates one answer.

    ``feed`` gives nothing as long as upstream has only shaken hands, so that a failure can still become an HTTP error:
    then `failure` is set and nothing was written. Once something was written, a failure is an ``error`` event.
    """

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
        self.finished = False
        """The answer is complete, or has failed."""
        self.pause: Pause | None = None
        """Set where upstream's response is complete and the answer is not: see `answer`, `go_on` and `end`."""
        self.failure: Failure | None = None
        self.usage = TokenUsage()
        self.stop_reason: str | None = None
        self.notes: list[Note] = []
        self.rate_limits = b""
        """The data of upstream's latest event ``codex.rate_limits``, as it came; empty if none did."""
        self._writer = MessagesWriter(message_id, model)
        self._target = target
        self._full_names = full_names
        self._cleaners = cleaners or {}
        self._now = now
        self._splitter = SseSplitter()
        self._searches = SearchBlocks(self._writer, search, self.notes)
        self._said = Said(target)
        self._requests: list[TokenUsage] = []
        """What each request for this answer took."""
        self._unsearched = 0
        """How many of them brought no search that the gateway made."""
        self._stops = StopFilter(stop_sequences) if stop_sequences else None
        self._stop_sequence: str | None = None
        """The stop sequence that was reached: what upstream still says is not shown."""
        self._patience = _PATIENCE
        self._text_at = _NOWHERE
        """Output and content index of the open text block."""
        self._text_item, self._text_part = _NOWHERE
        """The same while deltas may be copied as they are; `_NOWHERE` while they must be looked at."""
        self._run: TextRun | None = None
        """Reads what continues that text, as soon as its first delta has shown how."""
        self._run_sought = False
        self._call_ids: set[str] = set()
        self._calls = False
        """The client has calls to run."""
        self._item: _Item | None = None
        self._current: int | None = None
        """Output index of the item that is being written."""
        self._waiting: dict[int, list[ItemRecord]] = {}
        """Events of the items behind it."""
        self._done: set[int] = set()

    @property
    def started(self) -> bool:
        """Something was written."""
        return self._writer.started

    # What the gateway calls

    def feed(self, data: bytes) -> bytes:
        """What upstream's next bytes mean to the client."""
        if self.finished or self.pause is not None:
            return b""
        writer = self._writer
        out = writer.out
        try:
            complete = self._splitter.complete(data)
        except SseOverflowError:
            return self.fail(_unreadable("an event of more than 64 MiB"))
        if self._run is not None and (texts := self._run.texts(complete)) is not None:
            out.append(writer.delta_start)
            out.append((DELTA_END + writer.delta_start).join(texts))
            out.append(DELTA_END)
            return writer.taken()
        for block in blocks_of(complete):
            if block.startswith(_HOT):
                # Most events of a stream are these, and most of them continue the open block.
                try:
                    record = _decode_text_delta(block[_HOT_LENGTH:])
                    text = bytes(record.delta)
                    if not text.isascii():
                        text.decode()
                except (msgspec.DecodeError, UnicodeDecodeError):
                    self._read(block)
                else:
                    if record.output_index == self._text_item and record.content_index == self._text_part:
                        if text[0] == _QUOTE:
                            out.append(writer.delta_start)
                            out.append(text)
                            out.append(DELTA_END)
                            if not self._run_sought:
                                self._run_sought = True
                                self._run = run_of(block, text)
                        continue
                    self._take(record)
            else:
                self._read(block)
            if self.finished or self.pause is not None:
                break  # what comes behind the end is for nobody
        return self._writer.taken()

    def close(self) -> bytes:
        """Upstream's stream has ended. Before a terminal event that is a failure, never a clean stop."""
        if self.pause is not None:
            return b""
        for block in self._splitter.close():
            if not self.finished:
                self._read(block, whole=False)
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
        """Begins the message now, though upstream has said nothing yet. Harmless when called again."""
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
        """What the searches that were wanted have given."""
        for wanted, outcome in searches:
            self._searches.answer(wanted, outcome)
        return self._writer.taken()

    def go_on(self) -> list[bytes]:
        """The same answer goes on with upstream's next response. Gives what its request has more in ``input``: JSON."""
        outputs, self._searches.outputs = self._searches.outputs, []
        self.pause = None
        self._splitter = SseSplitter()
        self._waiting.clear()
        self._done.clear()
        self._item = self._current = None
        return self._said.taken_back(outputs)

    def end(self) -> bytes:
        """The answer ends here."""
        self.pause = None
        self._finish()
        return self._writer.taken()

    # Reading

    def _read(self, block: bytes, *, whole: bool = True) -> None:
        """Reads any event. One that cannot be read is a failure, unless the stream was cut inside it."""
        name, data = parse(block)
        if not data:
            return
        try:
            if not data.isascii():
                data.decode()
            if not name.startswith((b"response.", b"error")):
                name = _own_name(data)  # the JSON's own word counts (codex-backend.md 3)
            try:
                self._understand(name, data)
            except msgspec.DecodeError:
                mended = surrogates.mend(data)
                if mended == data:
                    raise
                self._understand(name, mended)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if whole:
                self._fail(_unreadable(f"an event that cannot be read ({name.decode('utf-8', 'replace')[:80]})"))

    def _understand(self, name: bytes, data: bytes) -> None:
        """Raises `msgspec.DecodeError`, before anything is done."""
        decode = _ITEM_RECORDS.get(name)
        if decode is not None:
            self._take(decode(data))
        elif name in (b"response.completed", b"response.incomplete"):
            self._complete(_decode_response(data).response, cut=name == b"response.incomplete")
        elif name == b"response.failed":
            self._fail(classify_error(read_error(_decode_object(data).get("response"))))
        elif name == b"error":
            event = _decode_object(data)
            status = event.get("status")
            self._fail(classify_error(read_error(event), status=status if isinstance(status, int) else 0))
        elif name == b"codex.rate_limits":
            self.rate_limits = data

    def _take(self, record: ItemRecord) -> None:
        index = record.output_index
        if self._stop_sequence is not None:
            self._patience -= 1
            if not self._patience:
                self._finish_stopped()
            return
        if index in self._done:
            return
        if self._current is None:
            self._current = index
        if index != self._current:
            self._waiting.setdefault(index, []).append(record)
            return
        self._write(record)
        self._promote()

    def _promote(self) -> None:
        """Makes the next waiting item current once the one before it has ended."""
        while self._current is None and self._waiting and self._stop_sequence is None:
            index = self._current = min(self._waiting)
            for record in self._waiting.pop(index):
                if self._current != index:
                    break  # it has ended: what came behind its own end says nothing new
                self._write(record)

    def _write(self, record: ItemRecord) -> None:
        self._writer.start()
        match record:
            case wire.TextDelta():
                self._text(record.output_index, record.content_index, bytes(record.delta))
            case wire.SummaryDelta():
                self._thinking(("summary", record.summary_index), bytes(record.delta))
            case wire.ReasoningDelta():
                self._thinking(("text", record.content_index), bytes(record.delta))
            case wire.ArgumentsDelta():
                self._arguments(record.delta)
            case wire.ArgumentsDone():
                if item := self._known("function_call"):
                    item.arguments = record.arguments
                    item.name = item.name or record.name
            case wire.TextDone():
                item = self._known("message")
                if item and record.content_index not in item.seen:
                    self._text(record.output_index, record.content_index, bytes(record.text))
                    self._text(record.output_index, record.content_index, bytes(record.refusal))
            case wire.AnnotationAdded():
                if self._known("message") and (citation := decode_citation(record.annotation)):
                    self._searches.cite(record.content_index, citation)
            case wire.ItemAdded():
                self._add_item(_as_call(record.item))
            case wire.ItemDone():
                self._finish_item(_as_call(record.item), record.output_index)

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
                self._text_item, self._text_part = self._text_at
                self._run, self._run_sought = None, False
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
        self._end_item(output_index)

    def _end_item(self, output_index: int) -> None:
        self._close_block()
        self._searches.end_item()
        self._done.add(output_index)
        self._item = self._current = None

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
        self._text_at = self._text_item, self._text_part = _NOWHERE
        self._run = None

    # The end

    def _complete(self, response: wire.Response, *, cut: bool) -> None:
        """`cut`: upstream says itself that the answer is incomplete."""
        missing = [
            wire.ItemDone(wire.decode_item(item), index)
            for index, item in enumerate(response.output or ())
            if index not in self._done
        ]
        if response.status in ("failed", "cancelled") or bytes(response.error) != b"null":
            self._fail(classify_error(read_error({"error": msgspec.json.decode(response.error)})))
            return
        self._writer.start()
        usage = count(response.usage)
        if usage is None:
            self.notes.append(approximated("usage", "not known: upstream's figures could not be read"))
        self._take_usage(usage or TokenUsage())
        for record in missing:
            self._take(record)
        while self._current is not None:
            self._end_unfinished(self._current)
        if self._stop_sequence is not None:
            self._finish_stopped()
            return
        reason = response.incomplete_details.reason if response.incomplete_details else None
        self.stop_reason = "tool_use" if self._calls else "end_turn"
        if reason in _INCOMPLETE:
            self.stop_reason = _INCOMPLETE[reason]
        elif reason or cut:
            self.notes.append(
                approximated("output", f"the answer is incomplete: {reason or 'upstream does not say why'}")
            )
            if not self._calls:
                self.stop_reason = "max_tokens"  # the one reason on which clients ask for the rest
        self._pause(response, cut=cut or reason is not None)
        if self.pause is None:
            self._finish()

    def _take_usage(self, usage: TokenUsage) -> None:
        self._requests.append(usage)
        self.usage = self.usage.plus(usage)

    def _pause(self, response: wire.Response, *, cut: bool) -> None:
        """Sees whether the answer is to go on behind this response."""
        searches, outputs = tuple(self._searches.wanted), self._searches.outputs
        asked = bytes(response.end_turn) == b"false"
        goes_on = not cut and not self._calls and (asked or bool(searches) or bool(outputs))
        if goes_on and not searches:
            self._unsearched += 1
            if self._unsearched >= MAX_REQUESTS:
                self.notes.append(approximated("output", f"upstream asked for more than {MAX_REQUESTS} requests"))
                goes_on = False
        if goes_on or searches:
            self.pause = Pause(searches, goes_on)

    def _finish(self) -> None:
        """Ends the answer well."""
        self._searches.end_answer()
        self.usage = msgspec.structs.replace(self.usage, web_searches=self._searches.made)
        self._writer.finish(self.stop_reason or "end_turn", self._shown_usage(), self._stop_sequence, self._requests)
        self.finished = True

    def _shown_usage(self) -> TokenUsage:
        """The answer's usage as the client is told it.

        The client takes input and output for what now fills the context, and compacts by it (claude-code-wire.md 7):
        of several requests it is the last one's input, in which the others' is contained.
        """
        last = self._requests[-1] if self._requests else TokenUsage()
        return msgspec.structs.replace(
            last,
            output_tokens=self.usage.output_tokens,
            reasoning_tokens=self.usage.reasoning_tokens,
            web_searches=self.usage.web_searches,
        )

    def _finish_stopped(self) -> None:
        """Ends an answer that reached a stop sequence, once."""
        if self.finished:
            return
        if self.usage == TokenUsage():
            self.notes.append(approximated("usage", "not known: the answer was stopped before upstream had counted"))
        self.stop_reason = "stop_sequence"
        self._finish()

    def _end_unfinished(self, index: int) -> None:
        """Ends an item whose ``done`` never came, though the answer is complete; then the ones behind it."""
        if self._item is not None and self._item.type == "function_call":
            self._finish_call(wire.Item(type="function_call"), self._item)
        self._end_item(index)
        self._promote()

    def _fail(self, failure: Failure) -> None:
        if self._stop_sequence is not None:
            self._finish_stopped()  # the client has all that it asked for
            return
        self.failure = failure
        self.finished = True
        self.pause = None
        if self.started:
            self._writer.error(anthropic_error_event(failure, self._now))


def _as_call(item: wire.Item) -> wire.Item:
    """A search for tools that the client is to make is a call of its own tool. Upstream's own have no call id."""
    if item.type != "tool_search_call" or not item.call_id:
        return item
    return wire.Item(type="function_call", call_id=item.call_id, name=TOOL_SEARCH, arguments=item.arguments)


def _unreadable(what: str) -> Failure:
    return Failure(kind=FailureKind.UPSTREAM_ERROR, message=f"The upstream sent {what}.")


def _own_name(data: bytes) -> bytes:
    """What an event calls itself in its JSON; nothing if it is none of this API's, like ``[DONE]``."""
    try:
        return _decode_type(data).type.encode()
    except msgspec.DecodeError:
        return b""
