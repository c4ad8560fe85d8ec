"""Reads what arrived upstream: the simulator's records, as questions that tests ask of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec
import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.simulator import RecordedRequest


class Prompt(msgspec.Struct, frozen=True):
    """The parts of a request that make up the model's prompt, as the very bytes that arrived."""

    input: list[msgspec.Raw]
    instructions: msgspec.Raw = msgspec.Raw()
    tools: list[msgspec.Raw] = []


def body_bytes(request: RecordedRequest) -> bytes:
    """The body that the gateway sent, decompressed."""
    if request.headers.get("content-encoding") == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(request.raw)
    return request.raw


def prompt(request: RecordedRequest) -> Prompt:
    """The prompt of a request."""
    return msgspec.json.decode(body_bytes(request), type=Prompt)


def body(request: RecordedRequest) -> dict[str, Any]:
    """The body as an object; every request that reaches the simulator from the gateway has one."""
    assert request.body is not None
    return request.body


def answered(requests: Iterable[RecordedRequest]) -> list[RecordedRequest]:
    """Those that were answered with a whole stream."""
    return [request for request in requests if request.status == 200 and "response.completed" in request.events]


def conversation(requests: Iterable[RecordedRequest]) -> list[RecordedRequest]:
    """Those of the coding conversation, once they are read: the small calls beside it (a title) offer no tools."""
    return [request for request in requests if request.body and request.body.get("tools")]


def issued_reasoning(requests: Iterable[RecordedRequest]) -> list[str]:
    """Every encrypted thought that was sent out, in order."""
    return [
        item["encrypted_content"]
        for request in requests
        for item in request.output
        if item["type"] == "reasoning" and item.get("encrypted_content")
    ]


def replayed_reasoning(request: RecordedRequest) -> list[str]:
    """Every encrypted thought that came back in the prompt, in order."""
    return [item["encrypted_content"] for item in request.input if item.get("type") == "reasoning"]


def tool_outputs(request: RecordedRequest) -> list[Any]:
    """What the tools answered, in the order of their calls: strings, or lists of content parts.

    The client runs calls side by side and sends the answers in the order in which they come (seen in both versions).
    """
    answers = {item["call_id"]: item["output"] for item in request.input if item.get("type") == "function_call_output"}
    return [answers.pop(item["call_id"]) for item in request.input if item.get("type") == "function_call"]


def texts(request: RecordedRequest, role: str) -> list[str]:
    """All text of the messages of `role`, message by message."""
    return [_text(item["content"]) for item in request.input if item.get("role") == role]


def whole_text(request: RecordedRequest) -> str:
    """All that the model reads but for the tools: every message and every answer of a tool."""
    parts = [item.get("content") or item.get("output") or "" for item in request.input]
    return "\n".join(_text(part) for part in parts)


def tool_named(request: RecordedRequest, name: str) -> dict[str, Any]:
    """The tool of that name; KeyError that lists the offered ones."""
    offered = {tool.get("name"): tool for tool in body(request)["tools"]}
    try:
        found: dict[str, Any] = offered[name]
    except KeyError:
        raise KeyError(f"{name} is not among the tools {sorted(offered)}") from None
    return found


def assert_prefix_grows(requests: Sequence[RecordedRequest]) -> None:
    """Each prompt begins with the bytes of the one before it: only then does the upstream's cache serve it."""
    for earlier, later in pairwise(requests):
        before, after = prompt(earlier), prompt(later)
        place = f"between request {earlier.number} and {later.number}"
        assert before.instructions == after.instructions, f"the instructions changed {place}"
        assert before.tools == after.tools[: len(before.tools)], f"the tools changed {place}"
        for index, item in enumerate(before.input):
            assert index < len(after.input), f"input[{index}] disappeared {place}: {bytes(item)[:400]!r}"
            assert item == after.input[index], (
                f"input[{index}] changed {place}:\n{bytes(item)[:600]!r}\n{bytes(after.input[index])[:600]!r}"
            )


def _text(content: str | list[dict[str, Any]]) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
