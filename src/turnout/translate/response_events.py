"""A stream of Responses events, read: bytes in, records out, wherever the network cut the bytes.

What the records mean to a client is for the door's own machine. `turnout.translate.responses_to_messages` reads for
itself, since most of its time goes into it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol import surrogates
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.sse import SseOverflowError, SseSplitter, blocks_of, parse
from turnout.translate.error_objects import read_error
from turnout.translate.errors import classify_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ItemRecord = (
    wire.ItemAdded
    | wire.TextDelta
    | wire.TextDone
    | wire.SummaryDelta
    | wire.ReasoningDelta
    | wire.ArgumentsDelta
    | wire.ArgumentsDone
    | wire.InputDone
    | wire.AnnotationAdded
    | wire.ItemDone
)
"""Something about one output item. A `wire.RefusalDelta` is a `wire.TextDelta` too."""


class Completed(msgspec.Struct):
    """The response is over."""

    response: wire.Response
    cut: bool
    """Upstream says itself that it is incomplete."""


class Failed(msgspec.Struct):
    """The response has failed, or what came is none."""

    failure: Failure


class RateLimits(msgspec.Struct):
    """The data of an event ``codex.rate_limits``, as it came."""

    data: bytes


Record = ItemRecord | Completed | Failed | RateLimits

_DECODERS: dict[bytes, Callable[[bytes], ItemRecord]] = {
    b"response.output_item.added": wire.decode_added,
    b"response.output_text.delta": msgspec.json.Decoder(wire.TextDelta).decode,
    b"response.output_text.annotation.added": msgspec.json.Decoder(wire.AnnotationAdded).decode,
    b"response.output_text.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.refusal.delta": msgspec.json.Decoder(wire.RefusalDelta).decode,
    b"response.refusal.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.reasoning_summary_text.delta": msgspec.json.Decoder(wire.SummaryDelta).decode,
    b"response.reasoning_text.delta": msgspec.json.Decoder(wire.ReasoningDelta).decode,
    b"response.function_call_arguments.delta": msgspec.json.Decoder(wire.ArgumentsDelta).decode,
    b"response.function_call_arguments.done": msgspec.json.Decoder(wire.ArgumentsDone).decode,
    b"response.custom_tool_call_input.delta": msgspec.json.Decoder(wire.ArgumentsDelta).decode,
    b"response.custom_tool_call_input.done": msgspec.json.Decoder(wire.InputDone).decode,
    b"response.output_item.done": wire.decode_done,
}
"""Events about one output item. Every type that is neither here nor terminal carries nothing that these do not."""

_TEXT_DELTA = b"event: response.output_text.delta\ndata: "
_decode_text_delta = msgspec.json.Decoder(wire.TextDelta).decode
_decode_response = msgspec.json.Decoder(wire.ResponseEvent).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_type = msgspec.json.Decoder(wire.EventType).decode


class EventReader:
    """Reads one response's stream."""

    def __init__(self) -> None:
        self.block = b""
        """The event of the last record, as it came."""
        self._splitter = SseSplitter()

    def feed(self, data: bytes) -> Iterator[Record]:
        """What upstream's next bytes complete."""
        try:
            complete = self.complete(data)
        except SseOverflowError:
            yield too_long()
            return
        yield from self.read(complete)

    def complete(self, data: bytes) -> bytes:
        """The events that upstream's next bytes complete, as they came. Raises `SseOverflowError`."""
        return self._splitter.complete(data)

    def read(self, complete: bytes) -> Iterator[Record]:
        """What `complete` has given."""
        for block in blocks_of(complete):
            self.block = block
            if (record := _text_delta(block) or _read(block, whole=True)) is not None:
                yield record

    def close(self) -> Iterator[Record]:
        """What is left when the stream ends: an event whose blank line never came, unless it was cut inside."""
        for block in self._splitter.close():
            if (record := _read(block, whole=False)) is not None:
                yield record


def _text_delta(block: bytes) -> wire.TextDelta | None:
    """What most events of a stream are, read on a short way; None for one that wants to be looked at."""
    if not block.startswith(_TEXT_DELTA) or not block.isascii():
        return None
    try:
        return _decode_text_delta(block[len(_TEXT_DELTA) :])
    except msgspec.DecodeError:
        return None


def _read(block: bytes, *, whole: bool) -> Record | None:
    name, data = parse(block)
    if not data:
        return None
    try:
        if not data.isascii():
            data.decode()
        if not name.startswith((b"response.", b"error")):
            name = _own_name(data)  # the JSON's own word counts (codex-backend.md 3)
        try:
            return _understood(name, data)
        except msgspec.DecodeError:
            mended = surrogates.mend(data)
            if mended == data:
                raise
            return _understood(name, mended)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if not whole:
            return None
        return Failed(_unreadable(f"an event that cannot be read ({name.decode('utf-8', 'replace')[:80]})"))


def _understood(name: bytes, data: bytes) -> Record | None:
    decode = _DECODERS.get(name)
    if decode is not None:
        return decode(data)
    if name in (b"response.completed", b"response.incomplete"):
        return _ended(_decode_response(data).response, cut=name == b"response.incomplete")
    if name == b"response.failed":
        return Failed(classify_error(read_error(_decode_object(data).get("response"))))
    if name == b"error":
        event = _decode_object(data)
        status = event.get("status")
        return Failed(classify_error(read_error(event), status=status if isinstance(status, int) else 0))
    return RateLimits(data) if name == b"codex.rate_limits" else None


def _ended(response: wire.Response, *, cut: bool) -> Record:
    """A response that calls itself completed, and may say all the same that it has failed."""
    if response.status in ("failed", "cancelled") or bytes(response.error) != b"null":
        return Failed(classify_error(read_error({"error": msgspec.json.decode(response.error)})))
    return Completed(response, cut)


def too_long() -> Failed:
    """What is said of an event that no server of this kind sends."""
    return Failed(_unreadable("an event of more than 64 MiB"))


def _unreadable(what: str) -> Failure:
    return Failure(kind=FailureKind.UPSTREAM_ERROR, message=f"The upstream sent {what}.")


def _own_name(data: bytes) -> bytes:
    """What an event calls itself in its JSON; nothing if it is none of this API's, like ``[DONE]``."""
    try:
        return _decode_type(data).type.encode()
    except msgspec.DecodeError:
        return b""


class ItemOrder:
    """Brings the events of several output items that upstream works on at once into one item after another."""

    def __init__(self) -> None:
        self._current: int | None = None
        """Output index of the item whose events pass."""
        self._waiting: dict[int, list[ItemRecord]] = {}
        """Events of the items behind it."""
        self._done: set[int] = set()

    def take(self, record: ItemRecord) -> Iterator[ItemRecord]:
        """What may be written now. Each item ends with a `wire.ItemDone`; what comes behind that says nothing new."""
        index = record.output_index
        if index in self._done:
            return
        if self._current is None:
            self._current = index
        if index != self._current:
            self._waiting.setdefault(index, []).append(record)
            return
        yield from self._passed(record)
        while self._current is None and self._waiting:
            index = self._current = min(self._waiting)
            for each in self._waiting.pop(index):
                if self._current == index:
                    yield from self._passed(each)

    def end(self, outputs: list[wire.Item]) -> Iterator[ItemRecord]:
        """The response is over; `outputs` are the items that it holds in the end. Gives what was not yet written."""
        for index, item in enumerate(outputs):
            yield from self.take(wire.ItemDone(item, index))
        while self._current is not None:
            yield from self.take(wire.ItemDone(wire.Item(), self._current))  # its own end never came

    def _passed(self, record: ItemRecord) -> Iterator[ItemRecord]:
        if isinstance(record, wire.ItemDone):
            self._done.add(record.output_index)
            self._current = None
        yield record
