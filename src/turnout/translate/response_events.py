"""A stream of Responses events, read: bytes in, records out, wherever the network cut the bytes.

What the records mean to a client is for the door's own machine. Most events of a stream are text deltas: those that
come together are read together, so that a burst costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol import surrogates
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.sse import SseOverflowError, SseSplitter, parse
from turnout.translate.error_objects import read_error
from turnout.translate.errors import classify_error

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
"""Something about one output item. A `wire.RefusalDelta` is a `wire.TextDelta` too, a `wire.InputDelta` a
`wire.ArgumentsDelta`."""


class ResponseRecord(msgspec.Struct):
    """Something that is not about one output item."""


class TextRun(ResponseRecord):
    """Text deltas that follow one another, all of the same part."""

    deltas: list[wire.TextDelta]
    texts: list[bytes]
    """What they say: each is a JSON string."""
    place: tuple[int, int]
    """Output and content index of the part."""


class Completed(ResponseRecord):
    """The response is over."""

    response: wire.Response
    cut: bool
    """Upstream says itself that it is incomplete."""


class Failed(ResponseRecord):
    """The response has failed, or what came is none."""

    failure: Failure


class RateLimits(ResponseRecord):
    """The data of an event ``codex.rate_limits``, as it came."""

    data: bytes


Record = TextRun | ItemRecord | Completed | Failed | RateLimits

_BLANK = b"\n\n"
_LINE_END = 0x0A
_BURST = 1024
"""Bytes below which a piece holds too few events for it to matter how they are read."""
_EVENT = b"\n\nevent: "
_TEXT_DELTA = b"\n\nevent: response.output_text.delta\ndata: "
_text_decoder = msgspec.json.Decoder(wire.TextDelta)
_decode_response = msgspec.json.Decoder(wire.ResponseEvent).decode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_type = msgspec.json.Decoder(wire.EventType).decode


class EventReader:
    """Reads one response's stream."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()

    def feed(self, data: bytes) -> list[Record]:
        """What upstream's next bytes complete."""
        try:
            complete = self._splitter.complete(data)
        except SseOverflowError:
            return [Failed(_unreadable("an event of more than 64 MiB"))]
        blocks = _BLANK + complete[:-2]
        return _read_burst(blocks) if len(blocks) > _BURST else _read(blocks)

    def close(self) -> list[Record]:
        """What is left when the stream ends: an event whose blank line never came, unless it was cut inside."""
        return [record for block in self._splitter.close() for record in _read_closely(block, whole=False)]


def _read(blocks: bytes) -> list[Record]:
    """Events of all kinds, each behind a blank line. Of those that say nothing nothing is given."""
    odd, *usual = blocks.split(_EVENT)
    records = _read_closely(odd) if odd else []
    for block in usual:
        name, _, data = block.partition(b"\ndata: ")
        decode = _USUAL.get(name)
        if decode is None or _LINE_END in data:
            records += _read_closely(b"event: " + block)
            continue
        try:
            if not data.isascii():
                data.decode()
            record = decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            records += _read_closely(b"event: " + block)
        else:
            if record is not None:
                records.append(record)
    return records


def _read_burst(blocks: bytes) -> list[Record]:
    """The same where many text deltas may come at once: they are read together, if nothing comes between them."""
    before, *texts = blocks.split(_TEXT_DELTA)
    if len(texts) > 1:
        texts[-1], blank, behind = texts[-1].partition(_BLANK)
        if (run := _read_run(texts)) is not None:
            return [*_read(before), run, *_read(blank + behind)]
    return _read(blocks)


def _read_run(texts: Sequence[bytes]) -> TextRun | None:
    """The data of text deltas, if that is all it is and they are all alike."""
    try:
        deltas = _text_decoder.decode_lines(b"\n".join(texts))
        said: list[bytes] = [delta.delta for delta in deltas]
        strings = _BLANK.join(said)  # an event's JSON holds no blank line: it tells them apart
        if not strings.isascii():
            strings.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    alike = (
        len(deltas) == len(texts)
        and strings.startswith(b'"')
        and strings.count(_BLANK + b'"') == len(deltas) - 1
        and len({delta.output_index for delta in deltas}) == 1
        and len({delta.content_index for delta in deltas}) == 1
    )
    return TextRun(deltas, said, (deltas[0].output_index, deltas[0].content_index)) if alike else None


def _read_closely(blocks: bytes, *, whole: bool = True) -> list[Record]:
    """Events however they are written. `whole`: they are known not to be cut inside."""
    found = (_read_one(block, whole=whole) for block in blocks.split(_BLANK) if block)
    return [record for record in found if record is not None]


def _read_one(block: bytes, *, whole: bool) -> Record | None:
    name, data = parse(block)
    if not data:
        return None
    try:
        if not data.isascii():
            data.decode()
        if not name.startswith((b"response.", b"error")):
            name = _own_name(data)  # the JSON's own word counts (codex-backend.md 3)
        decode = _DECODERS.get(name)
        if decode is None:
            return None
        try:
            return decode(data)
        except msgspec.DecodeError:
            mended = surrogates.mend(data)
            if mended == data:
                raise
            return decode(mended)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return unreadable(name) if whole else None


def _own_name(data: bytes) -> bytes:
    """What an event calls itself in its JSON; nothing if it is none of this API's, like ``[DONE]``."""
    try:
        return _decode_type(data).type.encode()
    except msgspec.DecodeError:
        return b""


def _completed(data: bytes) -> Record:
    return _ended(_decode_response(data).response, cut=False)


def _incomplete(data: bytes) -> Record:
    return _ended(_decode_response(data).response, cut=True)


def _ended(response: wire.Response, *, cut: bool) -> Record:
    """A response that calls itself completed, and may say all the same that it has failed."""
    if response.status in ("failed", "cancelled") or bytes(response.error) != b"null":
        return Failed(classify_error(read_error({"error": msgspec.json.decode(response.error)})))
    return Completed(response, cut)


def _failed(data: bytes) -> Record:
    return Failed(classify_error(read_error(_decode_object(data).get("response"))))


def _error(data: bytes) -> Record:
    event = _decode_object(data)
    status = event.get("status")
    return Failed(classify_error(read_error(event), status=status if isinstance(status, int) else 0))


def _nothing(data: bytes) -> None:
    """What an event gives that says nothing."""


def unreadable(name: bytes) -> Failed:
    """What is said of an event of this name that cannot be read."""
    return Failed(_unreadable(f"an event that cannot be read ({name.decode('utf-8', 'replace')[:80]})"))


def _unreadable(what: str) -> Failure:
    return Failure(kind=FailureKind.UPSTREAM_ERROR, message=f"The upstream sent {what}.")


_DECODERS: dict[bytes, Callable[[bytes], Record]] = {
    b"response.output_item.added": wire.decode_added,
    b"response.output_text.delta": _text_decoder.decode,
    b"response.output_text.annotation.added": msgspec.json.Decoder(wire.AnnotationAdded).decode,
    b"response.output_text.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.refusal.delta": msgspec.json.Decoder(wire.RefusalDelta).decode,
    b"response.refusal.done": msgspec.json.Decoder(wire.TextDone).decode,
    b"response.reasoning_summary_text.delta": msgspec.json.Decoder(wire.SummaryDelta).decode,
    b"response.reasoning_text.delta": msgspec.json.Decoder(wire.ReasoningDelta).decode,
    b"response.function_call_arguments.delta": msgspec.json.Decoder(wire.ArgumentsDelta).decode,
    b"response.function_call_arguments.done": msgspec.json.Decoder(wire.ArgumentsDone).decode,
    b"response.custom_tool_call_input.delta": msgspec.json.Decoder(wire.InputDelta).decode,
    b"response.custom_tool_call_input.done": msgspec.json.Decoder(wire.InputDone).decode,
    b"response.output_item.done": wire.decode_done,
    b"response.completed": _completed,
    b"response.incomplete": _incomplete,
    b"response.failed": _failed,
    b"error": _error,
    b"codex.rate_limits": RateLimits,
}
"""Every type that is not here says nothing that these do not."""
_SILENT = (
    b"response.created",
    b"response.in_progress",
    b"response.queued",
    b"response.content_part.added",
    b"response.content_part.done",
    b"response.reasoning_summary_part.added",
    b"response.reasoning_summary_part.done",
    b"response.reasoning_summary_text.done",
    b"response.reasoning_text.done",
)
_USUAL: dict[bytes, Callable[[bytes], Record | None]] = {
    **{name: decode for name, decode in _DECODERS.items() if name.startswith((b"response.", b"error"))},
    **dict.fromkeys(_SILENT, _nothing),
}
"""By the name, for events of two lines: the name and the data."""
