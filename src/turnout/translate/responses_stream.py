"""A stream of Responses events → the stream that a client of the Responses API gets: a machine without I/O.

Nearly all of it is the upstream's own bytes. Changed are the events that carry the response object, ids that no server
would take back, and what strict clients stumble over. It has the handles that every door's machine has
(`turnout.translate.translation.AnswerStream`).
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw

from turnout.protocol import responses as wire
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.fidelity import Note, approximated
from turnout.protocol.reading import NULL
from turnout.protocol.sse import SseOverflowError, SseSplitter, event, parse
from turnout.translate.error_objects import read_error
from turnout.translate.errors import classify_error
from turnout.translate.event_runs import PASSED, end_of_run, mark_of, replaced
from turnout.translate.messages_writer import TokenUsage
from turnout.translate.openai_errors import openai_error
from turnout.translate.response_items import PREFIXES, is_legal_id
from turnout.translate.usage import count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.protocol.web_search import Outcome
    from turnout.translate.continuation import Pause
    from turnout.translate.response_object import ResponseObject
    from turnout.translate.search_blocks import Wanted

_HANDSHAKE = frozenset({b"response.created", b"response.in_progress", b"response.queued"})
_ENDS = {b"response.completed": "completed", b"response.incomplete": "incomplete"}
_FOR_CODEX = frozenset({b"codex.rate_limits", b"codex.response.metadata", b"keepalive", b"response.metadata"})
"""Events that are in no SDK: the Codex CLI reads them, and counts each as a sign of life (codex-backend.md 3.1)."""
_RATE_LIMITS = b"codex.rate_limits"
_COMMENT = b": keep-alive\n\n"
_KEEPALIVE = event(b"keepalive", b'{"type":"keepalive"}')
_NUMBER = re.compile(rb'"sequence_number":\s*(\d{1,18})')
_STREAM_CODES = frozenset(
    {
        FailureKind.CUT,
        FailureKind.INTERNAL,
        FailureKind.UNREACHABLE,
        FailureKind.UPSTREAM_TIMEOUT,
    }
)
"""Failures that a response tells as ``server_error``: their own codes are none of a response's."""

_encode = msgspec.json.encode


class _Event(msgspec.Struct):
    response: dict[str, Raw] = {}
    sequence_number: int | None = None


class _ItemEvent(msgspec.Struct):
    item: Raw
    output_index: int = 0


class _ItemName(msgspec.Struct):
    type: str = ""
    id: str | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_item_event = msgspec.json.Decoder(_ItemEvent).decode
_decode_name = msgspec.json.Decoder(_ItemName).decode
_decode_object = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_any = msgspec.json.Decoder().decode
_decode_said = msgspec.json.Decoder(dict[str, Any]).decode
_decode_type = msgspec.json.Decoder(wire.EventType).decode


class ResponsesStream:
    """Passes one answer on. See `turnout.translate.translation.AnswerStream` for its handles."""

    def __init__(self, response: ResponseObject, *, now: float, for_codex: bool = False) -> None:
        """`now` is in Unix seconds. `for_codex`: the client is a Codex client, which reads more than an SDK does."""
        self.finished = False
        self.pause: Pause | None = None
        self.failure: Failure | None = None
        self.usage = TokenUsage()
        self.notes: list[Note] = []
        self.rate_limits = b""
        self.started = False
        self.whole = b""
        """The response object at its end, as JSON; empty as long as there is none."""
        self._response = response
        self._now = now
        self._for_codex = for_codex
        self._splitter = SseSplitter()
        self._out: list[bytes] = []
        self._head: list[tuple[bytes, _Event]] = []
        """The handshake's events, until there is something to say."""
        self._early: list[bytes] = []
        """Events for Codex clients that came before there was something to say."""
        self._items: dict[int, bytes] = {}
        """Complete items by their place."""
        self._renamed: dict[bytes, bytes] = {}
        """Ids of the items that are open, as they stand in JSON, and what stands in their place."""
        self._closed: list[bytes] = []
        """Those of them whose items are complete: nothing speaks of them any more."""
        self._sequence = 0
        """Number of the next event of ours, where upstream's own number is not known."""
        self._numbered: bytes = b""
        """What of upstream's went on last."""

    # What the gateway calls

    def feed(self, data: bytes) -> bytes:
        if self.finished:
            return b""
        try:
            complete = self._splitter.complete(data)
        except SseOverflowError:
            self._fail(_unreadable("an event of more than 64 MiB"))
            return self._taken()
        if not complete:
            return b""
        at, runs = 0, True
        while at < len(complete) and not self.finished:
            if runs and self.started and (mark := mark_of(complete, at)) in PASSED:
                end = end_of_run(complete, at, mark)
                runs = end > 0  # where kinds take turns, looking for runs would only cost
                if runs:
                    self._out.append(complete[at : end - 2])
                    at = end
                    continue
            end = complete.find(b"\n\n", at)
            if end < 0:
                break  # an empty line more than there need be
            if end > at:
                self._take(complete[at:end])
            at = end + 2
        return self._taken()

    def close(self) -> bytes:
        for block in self._splitter.close():
            if not self.finished:
                self._take(block, whole=False)
        if not self.finished:
            self._fail(
                Failure(kind=FailureKind.CUT, message="The upstream's stream was cut before the answer was complete.")
            )
        return self._taken()

    def fail(self, failure: Failure) -> bytes:
        if not self.finished:
            self._fail(failure)
        return self._taken()

    def open(self) -> bytes:
        if not self.finished:
            self._start()
        return self._taken()

    def keepalive(self) -> bytes:
        if self.finished:
            return b""
        return self._taken() + (_KEEPALIVE if self._for_codex else _COMMENT)

    def answer(self, searches: Iterable[tuple[Wanted, Outcome]]) -> bytes:
        """Searches of the gateway's are never wanted here."""
        return b""

    def go_on(self) -> list[bytes]:
        """Never wanted: a client of this API asks again itself."""
        return []

    def end(self) -> bytes:
        return b""

    # Reading

    def _take(self, block: bytes, *, whole: bool = True) -> None:
        """One event. ``whole`` is False for one whose end never came."""
        name, data = parse(block)
        if not data:
            return
        try:
            if not whole:
                _decode_any(data)  # it may have been cut inside
            if not name.startswith((b"response.", b"error", b"keepalive", b"codex.")):
                name = _decode_type(data).type.encode()
                block = event(name, data)[:-2]
            self._event(name, data, block)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if whole and name:
                self._fail(_unreadable(f"an event that cannot be read ({name.decode('utf-8', 'replace')[:80]})"))

    def _event(self, name: bytes, data: bytes, block: bytes) -> None:
        if name in _HANDSHAKE:
            if not self.started:
                self._head.append((name, _decode_event(data)))
        elif name in _ENDS:
            self._complete(name, _decode_event(data))
        elif name in (b"response.failed", b"error"):
            self._fail_upstream(name, data)
        elif name in _FOR_CODEX:
            if name == _RATE_LIMITS:
                self.rate_limits = data
            if self._for_codex:
                (self._out if self.started else self._early).append(block)
        elif name == b"response.output_item.done":
            self._start()
            self._item_done(_decode_item_event(data), block)
        elif name == b"response.output_item.added":
            self._start()
            self._rename(_decode_name(_decode_item_event(data).item))
            self._out.append(block)
        elif name.startswith(b"response."):
            self._start()
            self._out.append(block)

    def _item_done(self, done: _ItemEvent, block: bytes) -> None:
        named = _decode_name(done.item)
        item = bytes(done.item)
        if named.id is None:
            identifier = self._made_id(named.type, str(done.output_index))
            item = _encode(_decode_object(item) | {"id": Raw(_encode(identifier))})
            block = block.replace(bytes(done.item), item)
        else:
            self._rename(named)
            self._closed.append(_encode(named.id))
        self._items[done.output_index] = self._with_names(item)
        self._out.append(block)

    def _rename(self, item: _ItemName) -> None:
        """An id that no server takes back gets another one: clients send their answers' items again."""
        identifier = item.id
        if identifier and not is_legal_id(identifier, item.type):
            self._renamed[_encode(identifier)] = _encode(self._made_id(item.type, identifier))

    def _made_id(self, kind: str, of: str) -> str:
        mark = hashlib.sha256(f"{self._response.id}:{of}".encode()).hexdigest()[:48]
        return f"{PREFIXES.get(kind, 'item')}_{mark}"

    # Writing

    def _taken(self) -> bytes:
        """What is to be written. Ids are replaced in all of it at once."""
        out = self._out
        if not out:
            return b""
        self._numbered = out[-1]
        out.append(b"")
        data = b"\n\n".join(out)
        out.clear()
        if not self._renamed:
            return data
        data = self._with_names(data)
        for name in self._closed:
            self._renamed.pop(name, None)
        self._closed.clear()
        return data

    def _with_names(self, data: bytes) -> bytes:
        for before, after in self._renamed.items():
            data = replaced(data, before, after)
        return data

    def _start(self) -> None:
        """The head: what upstream's handshake was, with the client's response in it."""
        if self.started:
            return
        self.started = True
        events = self._head or [(name, _Event()) for name in (b"response.created", b"response.in_progress")]
        before: tuple[dict[str, Raw], str, bytes] | None = None
        for name, said in events:
            self._sequence = self._sequence if said.sequence_number is None else said.sequence_number
            status = "queued" if name == b"response.queued" else "in_progress"
            if before is None or before[:2] != (said.response, status):  # mostly one is said twice
                before = said.response, status, self._response.begun(said.response, status)
            self._write(name, before[2])
        self._out += self._early
        self._head, self._early = [], []

    def _write(self, name: bytes, response: bytes) -> None:
        """An event that carries the response."""
        body = b'{"type":"%s","sequence_number":%d,"response":%s}' % (name, self._sequence, response)
        self._sequence += 1
        self._out.append(event(name, body)[:-2])

    def _number(self, own: int | None) -> None:
        """The number of the next event of ours: upstream's ``own``, else one more than that of the last one."""
        if own is not None:
            self._sequence = own
        elif found := _NUMBER.findall(self._out[-1] if self._out else self._numbered):
            self._sequence = int(found[-1]) + 1

    # Ends

    def _complete(self, name: bytes, said: _Event) -> None:
        response = said.response
        status, failed = response.get("status", NULL), response.get("error", NULL)
        if bytes(failed) != b"null" or bytes(status) in (b'"failed"', b'"cancelled"'):
            self._fail(classify_error(read_error({"error": _decode_any(failed)})), said.sequence_number)
            return
        usage = count(response.get("usage", NULL))
        if usage is None:
            self.notes.append(approximated("usage", "not known: upstream's figures could not be read"))
        self.usage = usage or TokenUsage()
        if bytes(response.get("end_turn", NULL)) == b"false" and not self._for_codex:
            self.notes.append(approximated("output", "upstream has more to say, of which few clients know to ask"))
        self._start()
        output = self._output(response.get("output", NULL))
        self.whole = self._with_names(self._response.ended(response, _ENDS[name], output, int(self._now)))
        self._number(said.sequence_number)
        self._write(name, self.whole)
        self.finished = True

    def _output(self, told: Raw) -> list[bytes]:
        """All items: as they were completed one by one, since the Codex backend's response has none (codex-backend.md
        3.1); else those that the response tells."""
        gathered = [item for _, item in sorted(self._items.items())]
        if bytes(memoryview(told)[:1]) != b"[":
            return gathered
        items = msgspec.json.decode(told, type=list[Raw])
        if len(gathered) >= len(items):
            return gathered
        for item in items:
            self._rename(_decode_name(item))
        return [bytes(item) for item in items]

    def _fail_upstream(self, name: bytes, data: bytes) -> None:
        """Upstream says that it has failed."""
        said = _decode_said(data)
        status = said.get("status") if name == b"error" else None
        error = read_error(said if name == b"error" else said.get("response"))
        number = said.get("sequence_number")
        self._fail(
            classify_error(error, status=status if isinstance(status, int) else 0),
            number if isinstance(number, int) else None,
        )

    def _fail(self, failure: Failure, number: int | None = None) -> None:
        self.failure = failure
        self.finished = True
        if not self.started:
            return
        error = openai_error(failure, self._now)
        code = "server_error" if failure.kind in _STREAM_CODES else failure.code or str(error["code"] or "server_error")
        output = [item for _, item in sorted(self._items.items())]
        self._number(number)
        self.whole = self._with_names(self._response.failed(code, str(error["message"]), output))
        self._write(b"response.failed", self.whole)


def _unreadable(what: str) -> Failure:
    return Failure(kind=FailureKind.UPSTREAM_ERROR, message=f"The upstream sent {what}.")
