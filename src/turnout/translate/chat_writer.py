"""Writes a legal Chat Completions stream, and gathers one into the whole answer. Knows nothing of where it is from.

The shapes are those of the openai SDK's types ``ChatCompletionChunk`` and ``ChatCompletion``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from turnout.protocol.sse import SseSplitter, parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.translate.messages_writer import TokenUsage

_encode = msgspec.json.encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

EMPTY = b'""'
DONE = b"data: [DONE]\n\n"
_KEEPALIVE = b": waiting for the model\n\n"
"""A comment: clients' parsers pass over it, and any other line would be taken for a chunk."""


class ChatWriter:
    """One answer's stream. What is written gathers until `taken` hands it over."""

    def __init__(self, answer_id: str, model: str, created: int, *, with_usage: bool) -> None:
        """`model` is the client's own string; `created` is in Unix seconds. `with_usage`: the client asked for it."""
        self.started = False
        self.answer_id = answer_id
        self._out: list[bytes] = []
        self._with_usage = with_usage
        self._head = b'data: {"id":%s,"object":"chat.completion.chunk","created":%d,"model":%s,"choices":[' % (
            _encode(answer_id),
            created,
            _encode(model),
        )
        self._begin = self._head + b'{"index":0,"delta":'
        # Where usage is wanted, every chunk before it says that there is none (stream_options.include_usage).
        self._end = b"]%s}\n\n" % (b',"usage":null' if with_usage else b"")
        self._delta_end = b',"logprobs":null,"finish_reason":null}' + self._end
        self._text_begin = self._begin + b'{"content":'
        self._text_end = b"}" + self._delta_end
        self._between = self._text_end + self._text_begin

    def taken(self) -> bytes:
        """What was written since the last time."""
        out = b"".join(self._out)
        self._out.clear()
        return out

    def start(self) -> None:
        """The first chunk, once: who speaks."""
        if not self.started:
            self.started = True
            self._out += (self._begin, b'{"role":"assistant","content":"","refusal":null}', self._delta_end)

    def text(self, text: bytes) -> None:
        """More of the answer's text. `text` is a JSON string."""
        self.start()
        self._out += (self._text_begin, text, self._text_end)

    def texts(self, texts: Sequence[bytes]) -> None:
        """The same for each of `texts` that is not empty, once the text has begun."""
        if said := [text for text in texts if len(text) > len(EMPTY)]:
            self._out += (self._text_begin, self._between.join(said), self._text_end)

    def delta(self, fields: bytes) -> None:
        """More of anything else: `fields` is the delta's object, JSON."""
        self.start()
        self._out += (self._begin, fields, self._delta_end)

    def keepalive(self) -> None:
        """Something for the client to hear."""
        self.start()
        self._out.append(_KEEPALIVE)

    def finish(self, reason: str, usage: TokenUsage) -> None:
        """Ends the answer well."""
        self.start()
        self._out.append(self._begin + b'{},"logprobs":null,"finish_reason":%s}' % _encode(reason) + self._end)
        if self._with_usage:
            self._out.append(self._head + b'],"usage":%s}\n\n' % _encode(told(usage)))
        self._out.append(DONE)

    def error(self, body: bytes) -> None:
        """Ends the answer badly. `body` is an error in the protocol's shape. Without the end that clients wait for."""
        self._out += (b"data: ", body, b"\n\n")


def told(usage: TokenUsage) -> dict[str, Any]:
    """Tokens as Chat Completions counts them: the prompt with what was cached, the completion with hidden reasoning."""
    prompt = usage.input_tokens + usage.cached_tokens + usage.cache_write_tokens
    return {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output_tokens,
        "total_tokens": prompt + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


class ChatCollector:
    """Takes a stream's bytes (written with usage), gives the answer that a client without streaming gets."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._answer: dict[str, Any] = {}
        self._pieces: dict[str, list[str]] = {"content": [], "refusal": [], "reasoning_content": []}
        self._calls: list[dict[str, Any]] = []
        self._message: dict[str, Any] = {}
        self._reason: str | None = None

    def feed(self, data: bytes) -> None:
        """The stream's next bytes."""
        for block in self._splitter.feed(data):
            payload = parse(block)[1]
            if payload.startswith(b"{"):
                self._take(_decode(payload))

    def message(self) -> bytes:
        """The answer as JSON, once the stream has ended well."""
        texts = {name: "".join(pieces) or None for name, pieces in self._pieces.items()}
        message = {
            "role": "assistant",
            "content": texts["content"],
            "refusal": texts["refusal"],
            **({"reasoning_content": texts["reasoning_content"]} if texts["reasoning_content"] else {}),
            **self._message,
            **({"tool_calls": self._calls} if self._calls else {}),
        }
        if not any(value for name, value in message.items() if name != "role"):
            message["content"] = ""  # an answer without anything is an empty text
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._reason}
        return _encode({**self._answer, "object": "chat.completion", "choices": [choice]})

    def _take(self, chunk: dict[str, Any]) -> None:
        choices: Sequence[dict[str, Any]] = chunk.pop("choices", ())
        self._answer |= chunk
        for choice in choices:
            self._reason = choice["finish_reason"] or self._reason
            self._add(choice["delta"])

    def _add(self, delta: dict[str, Any]) -> None:
        for name, pieces in self._pieces.items():
            if piece := delta.get(name):
                pieces.append(piece)
        for call in delta.get("tool_calls", ()):
            self._add_call(call)
        if (older := delta.get("function_call")) is not None:
            known = self._message.setdefault("function_call", {"name": "", "arguments": ""})
            known["name"] = known["name"] or older.get("name", "")
            known["arguments"] += older.get("arguments", "")
        for name in ("reasoning_details", "annotations"):
            if more := delta.get(name):
                self._message.setdefault(name, []).extend(more)

    def _add_call(self, call: dict[str, Any]) -> None:
        index = call.pop("index")
        if index == len(self._calls):
            self._calls.append(call)
            return
        known = self._calls[index]
        for kind, text in (("function", "arguments"), ("custom", "input")):
            if kind in call:
                known[kind][text] += call[kind].get(text, "")
