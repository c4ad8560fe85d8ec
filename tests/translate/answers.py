"""Upstream's side of a test: Responses streams written by hand, and the machine that reads them."""

from __future__ import annotations

import json
from typing import Any

from tests.translate import legality
from turnout.protocol.capabilities import Capabilities
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.target import Target

NOW = 1_795_000_000.0
TARGET = Target(
    model="gpt-5.5",
    effort="high",
    account="acct-1",
    capabilities=Capabilities(instructions_required=True, lite_framing=True),
)

Item = dict[str, Any]


def sse(kind: str, **fields: object) -> bytes:
    """One event as the real servers write it: name, then JSON that repeats it."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields}, ensure_ascii=False)}\n\n".encode()


CREATED = sse("response.created", response={"id": "resp_1", "status": "in_progress", "output": []})
IN_PROGRESS = sse("response.in_progress", response={"id": "resp_1", "status": "in_progress", "output": []})
KEEPALIVE = sse("keepalive", sequence_number=4)
HANDSHAKE = CREATED + IN_PROGRESS
USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 60},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 110,
}


def added(index: int, kind: str, **fields: object) -> bytes:
    return sse("response.output_item.added", output_index=index, item={"id": f"it_{index}", "type": kind, **fields})


def done(index: int, item: Item) -> bytes:
    return sse("response.output_item.done", output_index=index, item=item)


def message(*texts: str, **fields: object) -> Item:
    parts = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    return {"id": "msg_" + "a" * 400, "type": "message", "role": "assistant", "content": parts, **fields}


def reasoning(*summary: str, encrypted: str | None = "gAAAAcipher", **fields: object) -> Item:
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": "rs_1", "type": "reasoning", "summary": parts, "encrypted_content": encrypted, **fields}


def call(call_id: str | None, name: str | None, arguments: str | None) -> Item:
    return {"id": "fc_1", "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments}


def text(index: int, delta: str, part: int = 0) -> bytes:
    return sse("response.output_text.delta", output_index=index, content_index=part, delta=delta)


def text_done(index: int, whole: str, part: int = 0) -> bytes:
    return sse("response.output_text.done", output_index=index, content_index=part, text=whole)


def summary(index: int, delta: str, part: int = 0) -> bytes:
    return sse("response.reasoning_summary_text.delta", output_index=index, summary_index=part, delta=delta)


def arguments(index: int, delta: str) -> bytes:
    return sse("response.function_call_arguments.delta", output_index=index, delta=delta)


def arguments_done(index: int, whole: str | None, **fields: object) -> bytes:
    return sse("response.function_call_arguments.done", output_index=index, arguments=whole, **fields)


def completed(output: list[Item] | None = None, usage: object = USAGE, **fields: object) -> bytes:
    """The end of an answer; the Codex backend's ``output`` is empty (codex-backend.md 3.1)."""
    response = {"id": "resp_1", "status": "completed", "output": output or [], "usage": usage, **fields}
    return sse("response.completed", response=response)


def incomplete(reason: str | None) -> bytes:
    details = {"reason": reason} if reason else None
    return sse("response.incomplete", response={"status": "incomplete", "incomplete_details": details, "usage": USAGE})


def failed(code: str | None, message: str | None, **fields: object) -> bytes:
    error = {"code": code, "message": message, **fields}
    return sse("response.failed", response={"status": "failed", "error": error})


def said(index: int, *pieces: str) -> bytes:
    """A whole message item, streamed in pieces."""
    deltas = b"".join(text(index, piece) for piece in pieces)
    return added(index, "message") + deltas + done(index, message("".join(pieces)))


def called(index: int, call_id: str, name: str, *pieces: str) -> bytes:
    """A whole function call, its arguments streamed in pieces."""
    deltas = b"".join(arguments(index, piece) for piece in pieces)
    start = added(index, "function_call", call_id=call_id, name=name, arguments="")
    return start + deltas + done(index, call(call_id, name, "".join(pieces)))


def thought(index: int, *pieces: str, encrypted: str | None = "gAAAAcipher") -> bytes:
    """A whole reasoning item with one summary part."""
    deltas = b"".join(summary(index, piece) for piece in pieces)
    return added(index, "reasoning", summary=[]) + deltas + done(index, reasoning("".join(pieces), encrypted=encrypted))


def machine(
    *,
    model: str = "claude-opus-5-5",
    target: Target = TARGET,
    full_names: dict[str, str] | None = None,
    stops: tuple[str, ...] = (),
) -> MessagesStream:
    return MessagesStream(
        message_id="msg_1", model=model, target=target, full_names=full_names or {}, now=NOW, stop_sequences=stops
    )


def run(*events: bytes, stream: MessagesStream | None = None) -> bytes:
    """What the machine makes of a whole upstream stream, given in one piece and then closed."""
    stream = stream or machine()
    return stream.feed(b"".join(events)) + stream.close()


def answer(*events: bytes, stream: MessagesStream | None = None) -> legality.Answer:
    """The same, read strictly."""
    return legality.read(run(*events, stream=stream))
