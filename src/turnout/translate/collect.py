"""A Messages stream, gathered into the one JSON message that a client without streaming gets.

It reads what `MessagesStream` writes, so both forms of an answer come from one translation and cannot differ.
"""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.protocol.sse import SseSplitter, parse

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class MessageCollector:
    """Takes a stream's bytes, gives the message."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._message: dict[str, Any] = {}
        self._blocks: list[dict[str, Any]] = []
        self._pieces: list[str] = []
        """The deltas of the open block."""

    def feed(self, data: bytes) -> None:
        """The stream's next bytes."""
        for block in self._splitter.feed(data):
            name, payload = parse(block)
            if name != b"ping":
                self._take(_decode(payload))

    def message(self) -> bytes:
        """The message as JSON, once the stream has ended well."""
        return msgspec.json.encode({**self._message, "content": [b for b in self._blocks if not _is_hollow(b)]})

    def _take(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "message_start":
                self._message = event["message"]
            case "content_block_start":
                self._blocks.append(event["content_block"])
                self._pieces.clear()
            case "content_block_delta":
                self._add(self._blocks[-1], event["delta"])
            case "content_block_stop":
                self._end(self._blocks[-1], "".join(self._pieces))
            case "message_delta":
                self._message |= event["delta"]
                self._message["usage"] = event["usage"]

    def _add(self, block: dict[str, Any], delta: dict[str, Any]) -> None:
        match delta["type"]:
            case "text_delta":
                self._pieces.append(delta["text"])
            case "thinking_delta":
                self._pieces.append(delta["thinking"])
            case "input_json_delta":
                self._pieces.append(delta["partial_json"])
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])

    def _end(self, block: dict[str, Any], content: str) -> None:
        match block["type"]:
            case "tool_use" | "server_tool_use":
                block["input"] = _parse_input(content)
            case "text" | "thinking" as kind:
                block[kind] = content


def _parse_input(text: str) -> object:
    """A call's input. What is no JSON object keeps its text, in the form in which Claude Code replays such input."""
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return {"__unparsedToolInput": {"raw": text, "len": len(text)}}


def _is_hollow(block: dict[str, Any]) -> bool:
    """A thinking block that was only there to keep a connection alive."""
    return block["type"] == "thinking" and not block["thinking"] and not block["signature"]
