"""A strict reader of Messages streams: it gives the answer that a stream holds, or says where the stream is illegal.

Stricter than any client (claude-code-wire.md 7): what it accepts, all of them can read. It shares no code with
Turnout, so that it cannot repeat Turnout's mistakes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

DELTA_FIELDS: dict[str, dict[str, str]] = {
    "text": {"text_delta": "text"},
    "thinking": {"thinking_delta": "thinking", "signature_delta": "signature"},
    "tool_use": {"input_json_delta": "partial_json"},
    "server_tool_use": {"input_json_delta": "partial_json"},
    "web_search_tool_result": {},
}
"""Block type → the delta types that it takes, and the field that holds each delta's string."""

EMPTY_BLOCKS: dict[str, dict[str, object]] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "tool_use": {"type": "tool_use", "input": {}},
    "server_tool_use": {"type": "server_tool_use", "input": {}},
}
"""What a block looks like when it starts: clients ignore content that comes with the start."""

STOP_REASONS = {"end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "pause_turn"}
SEARCH_ERRORS = {
    "invalid_tool_input",
    "unavailable",
    "max_uses_exceeded",
    "too_many_requests",
    "query_too_long",
    "request_too_large",
}
USAGE_FIELDS = {"input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"}


class IllegalStream(AssertionError):
    """The stream breaks a rule of the protocol."""


@dataclass
class Block:
    """One content block, its deltas joined."""

    type: str
    content: str = ""
    """Text, thinking or the input's JSON."""
    signature: str = ""
    id: str = ""
    """Of a call; of a result the id of its call."""
    name: str = ""
    result: Any = None
    """What a web search gave: a list of results, or an error object."""
    citations: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    signed: bool = False


@dataclass
class Answer:
    """What a stream says."""

    id: str = ""
    model: str = ""
    blocks: list[Block] = field(default_factory=list)
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    """The error object of an ``error`` event."""
    events: list[str] = field(default_factory=list)
    """The names of all events, in order."""

    @property
    def text(self) -> str:
        """All text blocks, joined."""
        return "".join(block.content for block in self.blocks if block.type == "text")

    @property
    def shape(self) -> list[tuple[str, str]]:
        """Type and content of each block."""
        return [(block.type, block.content) for block in self.blocks]


def read(stream: bytes, *, ended: bool = True) -> Answer:
    """The answer in `stream`. Raises `IllegalStream`.

    `ended`: the stream must be over, by ``message_stop`` or by an ``error``; otherwise it may be the beginning of one.
    An empty stream is no answer and is illegal.
    """
    reader = _Reader()
    for name, payload in split(stream):
        reader.take(name, payload)
    if not reader.answer.events:
        raise IllegalStream("there is no event at all")
    if ended and not reader.over:
        raise IllegalStream("neither message_stop nor error came")
    return reader.answer


def split(stream: bytes) -> list[tuple[str, dict[str, Any]]]:
    """The events of a stream: name and JSON object. Each is exactly an ``event`` line, a ``data`` line, a blank one."""
    if stream and not stream.endswith(b"\n\n"):
        raise IllegalStream(f"the last event is not ended: {stream[-80:]!r}")
    events = []
    for piece in stream.decode("utf-8").split("\n\n")[:-1]:
        lines = piece.split("\n")
        if len(lines) != 2 or not lines[0].startswith("event: ") or not lines[1].startswith("data: "):
            raise IllegalStream(f"not an event line and a data line: {piece[:200]!r}")
        name = lines[0].removeprefix("event: ")
        payload = json.loads(lines[1].removeprefix("data: "), parse_constant=_no_constant)
        if not isinstance(payload, dict) or payload.get("type") != name:
            raise IllegalStream(f"event {name!r} has the data {str(payload)[:200]}")
        events.append((name, payload))
    return events


def _no_constant(text: str) -> object:
    raise IllegalStream(f"{text} is not JSON")


class _Reader:
    def __init__(self) -> None:
        self.answer = Answer()
        self.open: Block | None = None
        self.started = self.told = self.over = False

    def take(self, name: str, payload: dict[str, Any]) -> None:
        rule(not self.over, f"{name} after the end")
        if name in ("error", "ping"):
            rule(name == "ping" or self.started, "an error is no stream's first event: it is an HTTP error then")
        else:
            rule(self.started == (name != "message_start"), f"{name} at the wrong place: message_start is first, once")
        self.answer.events.append(name)
        match name:
            case "message_start":
                self._message_start(payload["message"])
            case "content_block_start":
                self._block_start(payload["index"], payload["content_block"])
            case "content_block_delta":
                self._block_delta(payload["index"], payload["delta"])
            case "content_block_stop":
                self._block_stop(payload["index"])
            case "message_delta":
                self._message_delta(payload["delta"], payload["usage"])
            case "message_stop":
                rule(self.told, "message_stop without message_delta")
                self.over = True
            case "error":
                self._error(payload["error"])
            case "ping":
                pass
            case _:
                raise IllegalStream(f"an event of the unknown type {name!r}")

    def _message_start(self, message: dict[str, Any]) -> None:
        self.started = True
        rule(message["type"] == "message" and message["role"] == "assistant", "message_start holds no message")
        rule(message["content"] == [], "message_start brings content")
        rule(message["stop_reason"] is None and message["stop_sequence"] is None, "message_start brings a stop reason")
        check_usage(message["usage"])
        self.answer.id, self.answer.model = message["id"], message["model"]
        rule(isinstance(self.answer.id, str) and self.answer.id != "", "the message has no id")

    def _block_start(self, index: object, block: dict[str, Any]) -> None:
        rule(not self.told, "a block after message_delta")
        rule(self.open is None, "a block starts inside another one")
        rule(index == len(self.answer.blocks), f"block {index} where {len(self.answer.blocks)} is next")
        kind = block["type"]
        rule(kind in DELTA_FIELDS, f"an unknown block type {kind!r}")
        self.open = Block(kind)
        if kind == "web_search_tool_result":
            self._search_result(self.open, block)
            return
        if kind in ("tool_use", "server_tool_use"):
            self.open.id, self.open.name = block.pop("id"), block.pop("name")
            for value in (self.open.id, self.open.name):
                rule(isinstance(value, str) and value != "", "a call without id or name")
            rule(self.open.id not in {each.id for each in self.answer.blocks}, "two calls with one id")
        rule(block == EMPTY_BLOCKS[kind], f"a block that does not start empty: {block}")
        self.answer.blocks.append(self.open)

    def _search_result(self, opened: Block, block: dict[str, Any]) -> None:
        rule(block.keys() == {"type", "tool_use_id", "content"}, f"a search result of another shape: {block}")
        opened.id, opened.result = block["tool_use_id"], block["content"]
        calls = [each.id for each in self.answer.blocks if each.type == "server_tool_use"]
        results = [each.id for each in self.answer.blocks if each.type == "web_search_tool_result"]
        rule(opened.id in calls and opened.id not in results, "a search result that answers no open call")
        if isinstance(opened.result, list):
            for page in opened.result:
                fields = {"type", "title", "url", "encrypted_content", "page_age"}
                rule(page.keys() == fields and page["type"] == "web_search_result", f"no search result: {page}")
                rule(all(page[name] and isinstance(page[name], str) for name in ("title", "url")), f"no link: {page}")
        else:
            rule(opened.result["type"] == "web_search_tool_result_error", f"no search error: {opened.result}")
            rule(opened.result["error_code"] in SEARCH_ERRORS, f"an unknown search error: {opened.result}")
        self.answer.blocks.append(opened)

    def _block_delta(self, index: object, delta: dict[str, Any]) -> None:
        block = self.open
        if block is None:
            raise IllegalStream("a delta outside of a block")
        rule(index == len(self.answer.blocks) - 1, f"a delta for block {index}, which is not the open one")
        kind = delta["type"]
        if kind == "citations_delta" and block.type == "text":
            check_citation(delta["citation"])
            block.citations.append(delta["citation"])
            return
        fields = DELTA_FIELDS[block.type]
        rule(kind in fields, f"a {kind} in a {block.type} block")
        value = delta[fields[kind]]
        rule(isinstance(value, str), f"a {kind} without a string")
        if kind == "signature_delta":
            rule(not block.signed, "a second signature")
            block.signature, block.signed = value, True
        else:
            rule(not block.signed, "thinking after its signature")
            block.content += value

    def _block_stop(self, index: object) -> None:
        if self.open is None:
            raise IllegalStream("a stop for a block that is not open")
        rule(index == len(self.answer.blocks) - 1, f"a stop for block {index}, which is not the open one")
        self.open.stopped = True
        self.open = None

    def _message_delta(self, delta: dict[str, Any], usage: dict[str, Any]) -> None:
        rule(self.open is None, "message_delta inside a block")
        rule(not self.told, "a second message_delta")
        self.told = True
        rule(delta["stop_reason"] in STOP_REASONS, f"the stop reason {delta['stop_reason']!r}")
        self.answer.stop_reason, self.answer.stop_sequence = delta["stop_reason"], delta["stop_sequence"]
        called = any(block.type == "tool_use" for block in self.answer.blocks)
        searched = [block.id for block in self.answer.blocks if block.type == "server_tool_use"]
        found = [block.id for block in self.answer.blocks if block.type == "web_search_tool_result"]
        rule(sorted(searched) == sorted(found), "a search without its result")
        rule(self.answer.stop_reason != "tool_use" or called, "the stop reason tool_use without a call")
        check_usage(usage)
        self.answer.usage = usage

    def _error(self, error: dict[str, Any]) -> None:
        rule(isinstance(error["type"], str) and isinstance(error["message"], str), "an error without type or message")
        rule(error["message"].strip() != "", "an error that says nothing")
        self.answer.error = error
        self.over = True


def rule(holds: bool, broken: str) -> None:
    """Raises `IllegalStream` with `broken` unless the rule holds."""
    if not holds:
        raise IllegalStream(broken)


def check_citation(citation: dict[str, Any]) -> None:
    """A citation of a web page, as the anthropic SDK types it."""
    rule(citation.keys() == {"type", "url", "title", "cited_text", "encrypted_index"}, f"no citation: {citation}")
    rule(citation["type"] == "web_search_result_location", f"a citation of another kind: {citation}")
    rule(all(isinstance(value, str) for value in citation.values()), f"a citation without strings: {citation}")


def check_usage(usage: dict[str, Any]) -> None:
    """Token counts are whole numbers from 0 on."""
    rule({"input_tokens", "output_tokens"} <= usage.keys(), "usage without input_tokens or output_tokens")
    for name in USAGE_FIELDS & usage.keys():
        count = usage[name]
        rule(isinstance(count, int) and not isinstance(count, bool) and count >= 0, f"{name} is {count!r}")
