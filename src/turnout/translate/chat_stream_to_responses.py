"""A Chat Completions answer, streamed or whole → a stream of Responses events: a machine without I/O.

Bytes in, bytes out, wherever the network cut them. Written for servers as they are: what varies from one to the next
(where reasoning stands, whether calls have ids and indexes, how an answer ends) is taken in any of its forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol import chat_chunks as wire
from turnout.protocol import surrogates
from turnout.protocol.reading import is_null
from turnout.protocol.sse import SseOverflowError, SseSplitter, parse
from turnout.translate import chat_reasoning
from turnout.translate.chat_request_tools import CUSTOM_INPUT, Called
from turnout.translate.error_objects import read_error
from turnout.translate.responses_writer import OpenCall, ResponsesWriter
from turnout.translate.think_tags import ThinkTags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msgspec import Raw

_encode = msgspec.json.encode
_decode_object = msgspec.json.Decoder(dict[str, Any]).decode
_decode_details = msgspec.json.Decoder(list[dict[str, Any]]).decode

_INCOMPLETE = {"length": "max_output_tokens", "max_tokens": "max_output_tokens", "content_filter": "content_filter"}
"""Reasons for an end that is none; every other one but those of failures is an answer that is complete."""
_FAILED = {"error": "server_error", "insufficient_system_resource": "server_is_overloaded"}
_CODES = {
    401: "invalid_api_key",
    402: "insufficient_quota",
    404: "model_not_found",
    429: "rate_limit_exceeded",
    503: "server_is_overloaded",
    529: "server_is_overloaded",
}
"""Codes for errors that only have an HTTP status (OpenRouter's)."""


class _Call:
    """A call as the server tells of it."""

    __slots__ = ("call_id", "name", "open", "pieces")

    def __init__(self, call_id: str) -> None:
        self.call_id = call_id
        self.name = ""
        self.open: OpenCall | None = None
        self.pieces: list[str] = []
        """Its arguments."""


class ResponsesFromChat:
    """Translates one answer.

    Nothing is written of an end that did not come: whoever reads the stream sees that it was cut, as with any server.
    """

    def __init__(self, *, mark: str, model: str, now: float, called: Mapping[str, Called] | None = None) -> None:
        """`mark` makes the ids: unique among answers. `now` is Unix seconds. `called` is `ChatCall.called`."""
        self.finished = False
        """The answer is complete, or has failed."""
        self._writer = ResponsesWriter(mark, model, int(now))
        self._called = called or {}
        self._splitter = SseSplitter()
        self._whole: list[bytes] | None = None
        """The pieces of an answer that is no stream."""
        self._begun = False
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}
        self._ended: set[int] = set()
        """Places of calls that are complete."""
        self._reason: str | None = None
        self._usage: Raw | None = None
        self._reasoning: dict[str, str] = {}
        """The text of the reasoning at hand, by the field that it came in."""
        self._details: list[dict[str, Any]] = []
        self._tags: ThinkTags | None = ThinkTags()
        """Looks for reasoning in the text, while there may be some."""

    def feed(self, data: bytes) -> bytes:
        """What the server's next bytes say."""
        if not self._begun and (start := data.lstrip(b"\xef\xbb\xbf \t\r\n")):
            self._begun = True
            if start.startswith(b"{"):
                self._whole = []
        if self._whole is not None:
            self._whole.append(data)
            return b""
        try:
            blocks = self._splitter.feed(data)
        except SseOverflowError:
            self._fail("server_error", "The server sent an event of more than 64 MiB.")
            blocks = []
        for block in blocks:
            self._read(parse(block)[1], whole=True)
        return self._writer.taken()

    def close(self) -> bytes:
        """The server's answer has ended."""
        if self._whole is not None:
            self._read(b"".join(self._whole).lstrip(b"\xef\xbb\xbf"), whole=True)
        for block in self._splitter.close():
            self._read(parse(block)[1], whole=False)
        if not self.finished and self._reason is not None:
            self._finish()
        return self._writer.taken()

    # Reading

    def _read(self, data: bytes, *, whole: bool) -> None:
        """`whole`: it is not a piece at which the stream was cut."""
        if self.finished or not data:
            return
        if data.strip() == b"[DONE]":
            self._finish()
            return
        try:
            data.decode()
            try:
                chunk = wire.decode_chunk(data)
            except msgspec.DecodeError:
                data = surrogates.mend(data)
                chunk = wire.decode_chunk(data)
            self._take(chunk)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if whole:
                self._fail("server_error", "The server sent a chunk that cannot be read.")

    def _take(self, chunk: wire.Chunk) -> None:
        self._writer.start()
        if not is_null(chunk.error):
            self._fail(*_error(chunk.error))
            return
        if not is_null(chunk.usage):
            self._usage = chunk.usage
        for choice in chunk.choices or ():
            if choice.index:
                continue
            if not is_null(choice.usage):
                self._usage = choice.usage
            if (delta := choice.delta or choice.message) is not None:
                self._add(delta)
            self._reason = choice.finish_reason or self._reason
            if choice.message is not None:
                self._reason = self._reason or "stop"  # it is whole, even if the server does not say why it ended

    def _add(self, delta: wire.Delta) -> None:
        for name in ("reasoning_content", "reasoning"):
            if piece := _text(getattr(delta, name)):
                self._end_text()  # a server that tells reasoning apart leaves none in the text
                self._think(name, piece)
                break  # some servers say the same in both
        if not is_null(delta.reasoning_details):
            self._keep_details(delta.reasoning_details)
        thinking, text = wire.decode_content(delta.content)
        if thinking:
            self._end_text()
            self._think("", thinking)
        if text:
            self._say(text)
        if refusal := _text(delta.refusal):
            self._end_thinking()
            self._writer.say(refusal, refused=True)
        for call in delta.tool_calls or ():
            self._add_call(call)
        if delta.function_call is not None:
            self._add_call(wire.CallDelta(index=0, function=delta.function_call))

    def _say(self, text: str) -> None:
        if self._tags is not None:
            thinking, text = self._tags.feed(text)
            if thinking:
                self._think("", thinking)
            if self._tags.over:
                self._tags = None
        if text:
            self._end_thinking()
            self._writer.say(text)

    def _end_text(self) -> None:
        """Nothing follows: what may have been a tag was none."""
        if self._tags is not None:
            thinking, text = self._tags.end()
            self._tags = None
            if thinking:
                self._think("", thinking)
            if text:
                self._end_thinking()
                self._writer.say(text)

    def _think(self, field: str, piece: str) -> None:
        self._reasoning[field] = self._reasoning.get(field, "") + piece
        self._writer.think(piece)

    def _keep_details(self, details: Raw) -> None:
        """What the server wants back with the next request: pieces of the same text are put together."""
        for detail in _decode_details(details):
            last = self._details[-1] if self._details else None
            if last is not None and (last.get("type"), last.get("index")) == (detail.get("type"), detail.get("index")):
                for name, value in detail.items():
                    same = name in ("text", "summary", "data") and isinstance(last.get(name), str)
                    last[name] = last[name] + value if same and isinstance(value, str) else value or last.get(name)
            else:
                self._details.append(detail)

    def _end_thinking(self) -> None:
        """Ends the reasoning at hand, with what brings it back."""
        kept: dict[str, object] = {name: text for name, text in self._reasoning.items() if name}
        if self._details:
            kept = {"reasoning_details": self._details}  # they hold the text as well
        if kept and not self._writer.thinks:
            self._writer.think("")
        self._writer.end_thinking(chat_reasoning.pack(kept) if kept else None)
        self._reasoning, self._details = {}, []

    # Calls

    def _add_call(self, delta: wire.CallDelta) -> None:
        self._end_text()
        self._end_thinking()
        function = delta.function or wire.FunctionDelta()
        call = self._call(delta, function)
        call.name = call.name or function.name or ""
        piece = _arguments(function.arguments)
        call.pieces.append(piece)
        if call.open is None and call.name:
            call.open = self._writer.begin_call(call.call_id, self._called.get(call.name) or Called(call.name))
            piece = "".join(call.pieces)
        if call.open is not None:
            self._writer.more_arguments(call.open, piece)

    def _call(self, delta: wire.CallDelta, function: wire.FunctionDelta) -> _Call:
        """The call that this is more of: by its index, else by its id. Some servers give all calls the same index."""
        known = self._calls[-1] if delta.index is None and self._calls else None
        if delta.index is not None:
            known = self._by_index.get(delta.index)
        if known is not None and not (function.name and delta.id and delta.id != known.call_id):
            return known
        place = len(self._calls)
        if place and _is_complete(self._calls[-1].pieces):
            self._end_call(place - 1)  # the one before it: nothing can follow on its arguments
        call_id = delta.id or f"call_{self._writer.mark}_{place}"
        call = _Call(call_id)
        self._calls.append(call)
        self._by_index[place if delta.index is None else delta.index] = call
        return call

    def _end_call(self, place: int) -> None:
        call = self._calls[place]
        if place in self._ended or call.open is None:
            return
        self._ended.add(place)
        given = "".join(call.pieces)
        self._writer.end_call(call.open, _custom_input(given) if call.open.tool.custom else given)

    # The end

    def _finish(self) -> None:
        if self.finished:
            return
        self._writer.start()
        if self._reason in _FAILED:
            self._fail(_FAILED[self._reason], f"The server ended the answer with {self._reason!r}.")
            return
        self._end_text()
        self._end_thinking()
        for place in range(len(self._calls)):
            self._end_call(place)
        self.finished = True
        self._writer.finish(_INCOMPLETE.get(self._reason or ""), _usage(self._usage))

    def _fail(self, code: str, message: str) -> None:
        if not self.finished:
            self.finished = True
            self._writer.start()
            self._writer.fail(code, message)


def _error(raw: Raw) -> tuple[str, str]:
    """Code and message of an error object; some servers send the message alone, and a status as the code."""
    given = msgspec.json.decode(raw)
    error = read_error({"error": {"message": given} if isinstance(given, str) else given})
    code = _CODES.get(error.code) if isinstance(error.code, int) else error.code or error.type
    return code or "server_error", error.message or "The server reported a failure without a reason."


def _text(raw: Raw) -> str:
    """The text in a field that holds one."""
    return msgspec.json.decode(raw, type=str) if bytes(memoryview(raw)[:1]) == b'"' else ""


def _arguments(raw: Raw) -> str:
    """A piece of a call's arguments; some servers send the whole object."""
    return bytes(raw).decode() if bytes(memoryview(raw)[:1]) == b"{" else _text(raw)


def _is_complete(pieces: list[str]) -> bool:
    try:
        _decode_object("".join(pieces))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _custom_input(arguments: str) -> str:
    """What a custom tool is called with, out of the function's arguments; these themselves if they hold none."""
    try:
        found = _decode_object(arguments).get(CUSTOM_INPUT)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    return found if isinstance(found, str) else arguments


def _usage(raw: Raw | None) -> dict[str, Any] | None:
    """Tokens as the Responses API counts them; None if the server has said nothing of them."""
    read = None if raw is None else wire.decode_usage(raw)
    if read is None:
        return None
    inside = read.prompt_tokens_details or wire.PromptDetails()
    outside = read.completion_tokens_details or wire.CompletionDetails()
    cached = inside.cached_tokens or read.prompt_cache_hit_tokens or read.cached_tokens
    given, made = _whole(read.prompt_tokens), _whole(read.completion_tokens)
    return {
        "input_tokens": given,
        "input_tokens_details": {
            "cached_tokens": _whole(cached),
            "cache_write_tokens": _whole(inside.cache_write_tokens),
        },
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": _whole(outside.reasoning_tokens)},
        "total_tokens": given + made,
    }


def _whole(tokens: float | None) -> int:
    return max(0, int(tokens or 0))
