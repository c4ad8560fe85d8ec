"""The client's side of a test: Messages requests written by hand, and what upstream is sent for them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.protocol.messages import decode_request
from turnout.translate.messages_to_responses import translate
from turnout.translate.target import Target
from turnout.translate.translation import Translation

Json = dict[str, Any]

CODEX = Target(
    model="gpt-5.5",
    effort="high",
    account="acct-1",
    capabilities=Capabilities(instructions_required=True, lite_framing=True),
    session="5f3c7e1a-0000-4000-8000-00000000feed",
)
LITE = msgspec.structs.replace(CODEX, framing="lite")
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQKJSVFT0YK"


def text(words: str, **fields: object) -> Json:
    return {"type": "text", "text": words, **fields}


def image(data: str = PNG, media_type: str = "image/png") -> Json:
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def pdf() -> Json:
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}


def tool_use(call_id: str, name: str = "Bash", arguments: object = None) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {} if arguments is None else arguments}


def tool_result(call_id: str, content: object = "ok", **fields: object) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content, **fields}


def thinking(signature: str, words: str = "") -> Json:
    return {"type": "thinking", "thinking": words, "signature": signature}


def user(*content: object) -> Json:
    return {"role": "user", "content": _content(content)}


def assistant(*content: object) -> Json:
    return {"role": "assistant", "content": _content(content)}


def system(*content: object) -> Json:
    """A system message in the middle of a conversation."""
    return {"role": "system", "content": _content(content)}


def tool(name: str, schema: object = None, **fields: object) -> Json:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}} if schema is None else schema
    return {"name": name, "description": f"Does {name}.", "input_schema": schema, **fields}


def _content(content: tuple[object, ...]) -> object:
    """A single string stays one, as a client writes it; everything else is an array of blocks."""
    return content[0] if len(content) == 1 and isinstance(content[0], str) else list(content)


def body(*messages: Json, **fields: object) -> bytes:
    """A request's body."""
    return json.dumps({"model": "claude-opus-5-5", "messages": messages, **fields}, ensure_ascii=False).encode()


def translation(*messages: Json, target: Target = CODEX, **fields: object) -> Translation:
    return translate(decode_request(body(*messages, **fields)), target)


def sent(*messages: Json, target: Target = CODEX, **fields: object) -> Json:
    """What upstream is sent for a request, decoded."""
    request: Json = json.loads(translation(*messages, target=target, **fields).body)
    return request


def items(*messages: Json, target: Target = CODEX, **fields: object) -> list[Json]:
    """The ``input`` of what upstream is sent."""
    found: list[Json] = sent(*messages, target=target, **fields)["input"]
    return found


def refusal(request: bytes, target: Target = CODEX) -> str:
    """The message with which a request is refused as malformed; an assertion fails if it is not."""
    try:
        translate(decode_request(request), target)
    except TurnoutError as error:
        assert error.failure.kind is FailureKind.BAD_REQUEST
        return error.failure.message
    raise AssertionError("the request was taken")
