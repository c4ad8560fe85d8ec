"""Writes a legal Messages stream: a head, blocks one after another, an end. Knows nothing of where the content is from.

What Claude Code needs of a stream is in claude-code-wire.md 7: ``event:`` lines, content in deltas only, a stop for
each block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from turnout.protocol.sse import event

if TYPE_CHECKING:
    from collections.abc import Sequence

_encode = msgspec.json.encode

BlockKind = Literal["text", "thinking", "tool_use", "server_tool_use"]

_DELTA_END = b"}}\n\n"
EMPTY = b'""'
_START = event(
    b"message_start",
    b'{"type":"message_start","message":{"id":%s,"type":"message","role":"assistant","model":%s,"content":[],'
    b'"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}',
)
_STOP = event(b"message_stop", b'{"type":"message_stop"}')
_PING = event(b"ping", b'{"type":"ping"}')
_DELTAS: dict[BlockKind, bytes] = {
    "text": b'{"type":"text_delta","text":',
    "thinking": b'{"type":"thinking_delta","thinking":',
    "tool_use": b'{"type":"input_json_delta","partial_json":',
    "server_tool_use": b'{"type":"input_json_delta","partial_json":',
}
_STARTS: dict[str, bytes] = {
    "text": b'{"type":"text","text":""}',
    "thinking": b'{"type":"thinking","thinking":"","signature":""}',
}


class TokenUsage(msgspec.Struct, frozen=True):
    """Tokens of one answer, split as the Messages API splits them (codex-backend.md 3.2)."""

    input_tokens: int = 0
    """Input that was neither read from nor written to the cache."""
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    """Output, hidden reasoning included."""
    reasoning_tokens: int = 0
    web_searches: int = 0
    """Searches of the web that were made."""

    def plus(self, more: TokenUsage) -> TokenUsage:
        """Both together."""
        return TokenUsage(
            self.input_tokens + more.input_tokens,
            self.cached_tokens + more.cached_tokens,
            self.cache_write_tokens + more.cache_write_tokens,
            self.output_tokens + more.output_tokens,
            self.reasoning_tokens + more.reasoning_tokens,
            self.web_searches + more.web_searches,
        )


class MessagesWriter:
    """One answer's stream. What is written gathers in `out` until `taken` hands it over."""

    __slots__ = ("_between", "_delta_start", "block", "index", "message_id", "model", "out", "started")

    def __init__(self, message_id: str, model: str) -> None:
        self.message_id = message_id
        self.model = model
        """The client's own string, or Claude Code drops its reasoning (claude-code-wire.md 3)."""
        self.out: list[bytes] = []
        self.started = False
        self.index = 0
        """Index of the open block, or of the next one."""
        self.block: BlockKind | None = None
        """Kind of the open block."""
        self._delta_start = b""
        """The bytes before a delta of the open block; `_DELTA_END` are the ones behind it."""
        self._between = b""
        """The bytes between two of them."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        out = b"".join(self.out)
        self.out.clear()
        return out

    def start(self) -> None:
        """The message's head, once."""
        if self.started:
            return
        self.started = True
        self.out.append(_START % (_encode(self.message_id), _encode(self.model)))

    def open(self, kind: Literal["text", "thinking"]) -> None:
        """Begins a block; an open one is ended."""
        self._open(kind, _STARTS[kind])

    def open_tool_use(self, call_id: str, name: str) -> None:
        """Begins a tool call; an open block is ended. Its input comes as deltas."""
        self._open("tool_use", _encode({"type": "tool_use", "id": call_id, "name": name, "input": {}}))

    def open_server_tool_use(self, call_id: str, name: str) -> None:
        """Begins a call that is not for the client to run. Its input comes as deltas."""
        self._open("server_tool_use", _encode({"type": "server_tool_use", "id": call_id, "name": name, "input": {}}))

    def web_search_result(self, call_id: str, content: object) -> None:
        """What such a call to search the web gave: a whole block, as clients read it from its start alone."""
        block = {"type": "web_search_tool_result", "tool_use_id": call_id, "content": content}
        self._begin(_encode(block))
        self._end()

    def cite(self, citation: object) -> None:
        """A citation of the open text block."""
        delta = {"type": "citations_delta", "citation": citation}
        body = _encode({"type": "content_block_delta", "index": self.index, "delta": delta})
        self.out.append(event(b"content_block_delta", body))

    def _begin(self, block: bytes) -> None:
        self.start()
        self.close()
        self.out.append(
            b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%s}\n\n'
            % (self.index, block)
        )

    def _end(self) -> None:
        self.out.append(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n' % self.index)
        self.block = None
        self.index += 1

    def _open(self, kind: BlockKind, block: bytes) -> None:
        self._begin(block)
        self.block = kind
        self._delta_start = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":' % self.index
            + _DELTAS[kind]
        )
        self._between = _DELTA_END + self._delta_start

    def delta(self, text: bytes) -> None:
        """More of the open block's text or input. `text` is a JSON string."""
        self.out += (self._delta_start, text, _DELTA_END)

    def texts(self, texts: Sequence[bytes]) -> None:
        """The same for each of `texts`."""
        self.out += (self._delta_start, self._between.join(texts), _DELTA_END)

    def sign(self, signature: bytes) -> None:
        """The open thinking block's signature, whole: the client keeps the last one only (claude-code-wire.md 3).

        `signature` has no characters that JSON escapes.
        """
        self.out.append(
            b"event: content_block_delta\ndata: "
            b'{"type":"content_block_delta","index":%d,"delta":{"type":"signature_delta","signature":"%s"}}\n\n'
            % (self.index, signature)
        )

    def close(self) -> None:
        """Ends the open block, if there is one."""
        if self.block is not None:
            self._end()

    def keepalive(self) -> None:
        """Something for the client to hear: an empty delta, since older clients do not count pings, and a ping.

        With no block open, a thinking block is opened: upstream is silent because it thinks (claude-code-wire.md 6).
        """
        if self.block is None:
            self.open("thinking")
        self.delta(EMPTY)
        self.out.append(_PING)

    def finish(
        self,
        stop_reason: str,
        usage: TokenUsage,
        stop_sequence: str | None = None,
        requests: Sequence[TokenUsage] = (),
    ) -> None:
        """Ends the message well. Usage comes here since upstream counts at the end (claude-code-wire.md 7).

        `requests` is what each of several requests for this answer took; none need be said of a single one.
        """
        self.start()
        self.close()
        delta: dict[str, Any] = {
            "type": "message_delta",
            "delta": {"stop_reason": stop_reason, "stop_sequence": stop_sequence},
            "usage": {**_told(usage), "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens}},
        }
        if usage.web_searches:
            delta["usage"]["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
        if len(requests) > 1:
            delta["usage"]["iterations"] = [{"type": "message", **_told(each)} for each in requests]
        self.out.append(event(b"message_delta", _encode(delta)))
        self.out.append(_STOP)

    def error(self, body: bytes) -> None:
        """Ends the message badly. `body` is an error in the protocol's shape."""
        self.out.append(event(b"error", body))


def _told(usage: TokenUsage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
