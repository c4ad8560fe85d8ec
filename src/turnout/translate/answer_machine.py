"""One answer of upstream's, from its first event to its end, for the doors that tell it in a protocol of their own.

How an item is told, and in which words an answer ends, is for the door's machine behind this one. No I/O: bytes in,
bytes out, wherever the network cut them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.fidelity import Note, approximated
from turnout.translate.continuation import MAX_REQUESTS, Pause, Said
from turnout.translate.item_order import ItemOrder, Unfinished
from turnout.translate.messages_writer import TokenUsage
from turnout.translate.response_events import (
    Completed,
    EventReader,
    Failed,
    RateLimits,
    ResponseRecord,
    TextRun,
    unreadable,
)
from turnout.translate.stops import StopFilter
from turnout.translate.usage import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.protocol.web_search import Outcome
    from turnout.translate.response_events import ItemRecord, Record
    from turnout.translate.search_blocks import Wanted
    from turnout.translate.target import Target

_QUOTE = 0x22
PATIENCE = 256
"""Events for which upstream is heard out behind a stop sequence: its end, with the usage, is mostly close."""


class StopReasons(msgspec.Struct, frozen=True):
    """A door's words for why an answer ends."""

    ended: str
    called: str
    """The client has calls to run."""
    stopped: str
    """A stop sequence was reached."""
    length: str
    """Also where upstream does not say why it is incomplete: the one reason on which clients ask for the rest."""
    refused: str


class Writer(Protocol):
    """What gathers a door's bytes."""

    @property
    def started(self) -> bool: ...
    def taken(self) -> bytes: ...
    def start(self) -> None: ...
    def texts(self, texts: Sequence[bytes]) -> None:
        """More of the text that is open; each is a JSON string."""

    def keepalive(self) -> None: ...
    def error(self, body: bytes) -> None: ...


class AnswerMachine:
    """Reads one answer, over one or several responses. See `turnout.translate.translation.AnswerStream`.

    A door's machine writes items (`_write`) and the end (`_write_end`), and has words for failures (`_error_body`) and
    for ends (`_reasons`).
    """

    _reasons: StopReasons

    def __init__(self, writer: Writer, target: Target, now: float, stop_sequences: Sequence[str]) -> None:
        """`now` is Unix seconds, for words about resets."""
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
        self._writer = writer
        self._now = now
        self._reader = EventReader()
        self._order = ItemOrder()
        self._said = Said(target)
        self._requests: list[TokenUsage] = []
        """What each request for this answer took."""
        self._unsearched = 0
        """How many of them brought no search that the gateway made."""
        self._stops = StopFilter(stop_sequences) if stop_sequences else None
        self._stop_sequence: str | None = None
        """The stop sequence that was reached: what upstream still says is not shown."""
        self._patience = PATIENCE
        self._open_text: tuple[int, int] | None = None
        """Output and content index of the text part that is being written, while its deltas may be copied as they are;
        None while they must be looked at."""

    @property
    def started(self) -> bool:
        """Something was written."""
        return self._writer.started

    # What the gateway calls

    def feed(self, data: bytes) -> bytes:
        """What upstream's next bytes mean to the client."""
        if self.finished or self.pause is not None:
            return b""
        for record in self._reader.feed(data):
            if type(record) is wire.TextDelta and (record.output_index, record.content_index) == self._open_text:
                # Most events of a stream are these, and most of them continue the part at hand.
                text = bytes(record.delta)
                if text[0] == _QUOTE:
                    self._writer.texts((text,))
                continue
            self._take(record)
            if self.finished or self.pause is not None:
                break  # what comes behind the end is for nobody
        return self._writer.taken()

    def close(self) -> bytes:
        """Upstream's stream has ended. Before a terminal event that is a failure, never a clean stop."""
        if self.finished or self.pause is not None:
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
        """What the searches that were wanted have given. Here none ever is."""
        return b""

    def go_on(self) -> list[bytes]:
        """The same answer goes on with upstream's next response. Gives what its request has more in ``input``: JSON."""
        self.pause = None
        self._reader, self._order = EventReader(), ItemOrder()
        return self._said.taken_back(self._found())

    def end(self) -> bytes:
        """The answer ends here."""
        self.pause = None
        self._finish()
        return self._writer.taken()

    # What a door does

    def _write(self, record: ItemRecord) -> None:
        """Tells the next event of an item, one item after another."""
        raise NotImplementedError

    def _write_end(self, reason: str, usage: TokenUsage) -> None:
        """Ends the answer well; `usage` is what the client is told."""
        raise NotImplementedError

    def _error_body(self, failure: Failure) -> bytes:
        """A failure in the protocol's shape."""
        raise NotImplementedError

    def _called(self) -> bool:
        """Whether the client has calls to run."""
        raise NotImplementedError

    def _wanted(self) -> tuple[Wanted, ...]:
        """Searches that the gateway is to make before the answer can go on."""
        return ()

    def _found(self) -> Sequence[tuple[str, Outcome]]:
        """What searches have given, and upstream has not been told."""
        return ()

    # Reading

    def _take(self, record: Record) -> None:
        if not isinstance(record, ResponseRecord):
            self._take_item(record)
        elif isinstance(record, TextRun):
            self._take_run(record)
        elif isinstance(record, Completed):
            self._complete(record.response, cut=record.cut)
        elif isinstance(record, Failed):
            self._fail(record.failure)
        elif isinstance(record, RateLimits):
            self.rate_limits = record.data

    def _take_run(self, run: TextRun) -> None:
        for at, delta in enumerate(run.deltas):
            if run.place == self._open_text:
                self._writer.texts(run.texts[at:] if at else run.texts)
                return
            self._take_item(delta)

    def _take_item(self, record: ItemRecord) -> None:
        if self._stop_sequence is None:
            self._tell(self._order.take(record))
            return
        self._patience -= 1
        if not self._patience:
            self._finish_stopped()

    def _tell(self, records: Sequence[ItemRecord]) -> None:
        for record in records:
            if self._stop_sequence is None or type(record) is Unfinished:  # the item that it cut off still ends
                self._writer.start()
                self._write(record)

    # The end

    def _complete(self, response: wire.Response, *, cut: bool) -> None:
        """`cut`: upstream says itself that the answer is incomplete."""
        try:
            missing = self._order.missing(response.output or ())
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._fail(unreadable(b"response.incomplete" if cut else b"response.completed").failure)
            return
        self._writer.start()
        self._count(response)
        self._tell(self._order.end(missing if self._stop_sequence is None else ()))
        if self._stop_sequence is not None:
            self._finish_stopped()
            return
        reason = response.incomplete_details.reason if response.incomplete_details else None
        self.stop_reason = self._stop_reason(reason, cut=cut)
        self.pause = self._pause(asked=bytes(response.end_turn) == b"false", cut=cut or reason is not None)
        if self.pause is None:
            self._finish()

    def _count(self, response: wire.Response) -> None:
        usage = count(response.usage)
        if usage is None:
            self.notes.append(approximated("usage", "not known: upstream's figures could not be read"))
            usage = TokenUsage()
        self._requests.append(usage)
        self.usage = self.usage.plus(usage)

    def _stop_reason(self, reason: str | None, *, cut: bool) -> str:
        """`reason` is why the response is incomplete, if upstream says it."""
        words = self._reasons
        if reason == "max_output_tokens":
            return words.length
        if reason == "content_filter":
            return words.refused
        if reason or cut:
            self.notes.append(
                approximated("output", f"the answer is incomplete: {reason or 'upstream does not say why'}")
            )
        if self._called():
            return words.called
        return words.length if reason or cut else words.ended

    def _pause(self, *, asked: bool, cut: bool) -> Pause | None:
        """Whether the answer is to go on behind this response; `asked`: upstream wants it to."""
        searches, found = self._wanted(), self._found()
        goes_on = not cut and not self._called() and (asked or bool(searches) or bool(found))
        if goes_on and not searches:
            self._unsearched += 1
            if self._unsearched >= MAX_REQUESTS:
                self.notes.append(approximated("output", f"upstream asked for more than {MAX_REQUESTS} requests"))
                goes_on = False
        return Pause(searches, goes_on) if goes_on or searches else None

    def _finish(self) -> None:
        """Ends the answer well.

        Clients take input and output for what now fills the context, and compact by it (claude-code-wire.md 7): of
        several requests they are told the last one's input, in which the others' is contained.
        """
        told = self.usage
        if len(self._requests) > 1:
            told = msgspec.structs.replace(
                self._requests[-1], output_tokens=told.output_tokens, reasoning_tokens=told.reasoning_tokens
            )
        self._write_end(self.stop_reason or self._reasons.ended, told)
        self.finished = True

    def _finish_stopped(self) -> None:
        """Ends an answer that reached a stop sequence, once."""
        if self.finished:
            return
        if self.usage == TokenUsage():
            self.notes.append(approximated("usage", "not known: the answer was stopped before upstream had counted"))
        self.stop_reason = self._reasons.stopped
        self._finish()

    def _fail(self, failure: Failure) -> None:
        if self._stop_sequence is not None:
            self._finish_stopped()  # the client has all that it asked for
            return
        self.failure = failure
        self.finished = True
        self.pause = None
        if self.started:
            self._writer.error(self._error_body(failure))
