"""In strict mode optional parameters are nullable upstream; the client never sees the nulls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout.protocol.capabilities import Capabilities
from turnout.protocol.messages import decode_request
from turnout.translate.messages_to_responses import translate
from turnout.translate.responses_to_messages import MessagesStream
from turnout.translate.target import Target

TOOL = {
    "name": "Read",
    "description": "Reads.",
    "input_schema": {
        "type": "object",
        "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}},
        "required": ["path"],
    },
}


def event(name: str, **fields: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields})}\n\n".encode()


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("mode", ["strict", "faithful"])
def test_nulls_are_taken_out_of_calls_in_strict_mode_only(mode: Any, streamed: bool) -> None:
    body = {"model": "m", "tools": [TOOL], "messages": [{"role": "user", "content": "go"}]}
    target = Target(model="m", effort=None, account="a", capabilities=Capabilities(), tool_schema_mode=mode)
    made = translate(decode_request(json.dumps(body).encode()), target)
    assert json.loads(made.body)["tools"][0]["strict"] is (mode == "strict")
    stream = MessagesStream(message_id="msg_1", model="m", target=target, full_names={}, now=0, cleaners=made.cleaners)
    arguments = '{"path":"a.py","limit":null}'
    call = {"type": "function_call", "call_id": "c1", "name": "Read"}
    deltas = [arguments[:9], arguments[9:]] if streamed else []
    out = stream.feed(
        event("response.output_item.added", output_index=0, item={**call, "arguments": ""})
        + b"".join(event("response.function_call_arguments.delta", output_index=0, delta=one) for one in deltas)
        + event("response.output_item.done", output_index=0, item={**call, "arguments": arguments})
    )
    pieces = [
        json.loads(line[6:])["delta"]["partial_json"] for line in out.split(b"\n") if b'"input_json_delta"' in line
    ]
    seen = json.loads("".join(pieces))
    assert seen == ({"path": "a.py"} if mode == "strict" else {"path": "a.py", "limit": None})
