"""Upstream bodies as the translator lays them out, and records to go with them."""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.ledger.record import RequestRecord

BASH = {
    "type": "function",
    "name": "Bash",
    "description": "Runs a command.",
    "parameters": {"type": "object", "properties": {"command": {"type": "string", "description": "What to run."}}},
}
READ = {"type": "function", "name": "Read", "description": "Reads a file.", "parameters": {"type": "object"}}
SYSTEM = {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "You are an agent."}]}


def said(role: str, text: str) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text}]}


def called(name: str, arguments: str) -> dict[str, Any]:
    return {"type": "function_call", "call_id": "call_1", "name": name, "arguments": arguments}


HELLO = said("user", "hello there")


def body(*items: dict[str, Any], tools: Any = (BASH, READ), **fields: Any) -> bytes:
    """A body whose ``input`` is last, as it always is."""
    head = {"model": "gpt-6-astra", "tools": list(tools), "tool_choice": "auto", "store": False, **fields}
    return msgspec.json.encode({**head, "input": list(items)})


def record(**fields: Any) -> RequestRecord:
    return RequestRecord(**{"request_id": "req_1", "status": 200, **fields})
