"""A small MCP server on standard input and output, with awkward tools as real ones have them (claude-code-wire.md 5).

Run as a script by the client. Every tool answers with its own name and the arguments it was called with, so a test sees
that a call reached the right tool unharmed. `broken` fails, `picture` answers with an image. It also has a resource to
read and a prompt to ask with.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SERVER = "awkward"

LONG_NAME = "a_tool_name_that_goes_on_" * 3 + "until_its_"
"""The two long tools differ only after the 64th character of their wire names, where OpenAI's names end."""

LONG_TOOLS = [LONG_NAME + "one", LONG_NAME + "two"]
WIRE_NAMES = [f"mcp__{SERVER}__{name}" for name in LONG_TOOLS]
"""What the client calls them on the wire."""
assert {len(name) for name in WIRE_NAMES} == {102}

_TREE = {
    "type": "object",
    "properties": {"label": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
    "required": ["label"],
}

SCHEMAS: dict[str, dict[str, Any]] = {
    **{
        name: {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]}
        for name in LONG_TOOLS
    },
    "no_properties": {"type": "object"},
    "recursive": {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://example.com/tree",
        "type": "object",
        "$defs": {"node": _TREE},
        "properties": {"root": {"$ref": "#/$defs/node"}},
    },
    "choices": {
        "type": "object",
        "properties": {
            "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "any": {"anyOf": [{"const": 1}, {"enum": ["a", None]}]},
            "nullable": {"type": ["string", "null"], "default": None},
            "pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        },
    },
    "patterns": {
        "type": "object",
        "properties": {"day": {"type": "string", "format": "date", "pattern": "^[0-9-]+$"}},
        "patternProperties": {"^x-": {"type": "number", "minimum": 0, "maximum": 9}},
        "additionalProperties": False,
        "if": {"required": ["day"]},
        "then": {"minProperties": 1},
    },
    "broken": {"type": "object", "properties": {}},
    "picture": {"type": "object", "properties": {}},
}

DESCRIPTIONS = {
    LONG_TOOLS[0]: "The first of the long names.",
    LONG_TOOLS[1]: "The second of the long names.",
    "broken": "Always fails.",
    "picture": "Answers with an image.",
}
"""The other tools have no description at all: that occurs."""

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
"""A PNG of one pixel, base64."""


RESOURCE = "plan://bridge"
RESOURCE_TEXT = "The bridge has forty planks."
PROMPT = "inspect"


def prompt_text(place: str) -> str:
    """What the prompt `inspect` asks the model about `place`."""
    return f"Inspect the bridge of {place}, plank by plank."


def client_options(folder: Path) -> list[str]:
    """The options that give the client this MCP server and no other one; they name a file written into `folder`."""
    server = {"command": sys.executable, "args": [__file__]}
    config = folder / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {SERVER: server}}), encoding="utf-8")
    return ["--mcp-config", str(config), "--strict-mcp-config"]


def _tool(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    described = {"description": DESCRIPTIONS[name]} if name in DESCRIPTIONS else {}
    return {"name": name, "inputSchema": schema, **described}


def _call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    if name == "broken":
        return {"content": [{"type": "text", "text": "the awkward tool broke"}], "isError": True}
    if name == "picture":
        return {"content": [{"type": "image", "data": PIXEL, "mimeType": "image/png"}]}
    return {"content": [{"type": "text", "text": f"{name} was called with {json.dumps(arguments, sort_keys=True)}"}]}


def _result(method: str, params: dict[str, Any]) -> dict[str, Any]:
    match method:
        case "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {}, "resources": {}, "prompts": {}},
                "serverInfo": {"name": SERVER, "version": "1"},
            }
        case "tools/list":
            return {"tools": [_tool(name, schema) for name, schema in SCHEMAS.items()]}
        case "tools/call":
            return _call(params["name"], params.get("arguments") or {})
        case "resources/list":
            return {"resources": [{"uri": RESOURCE, "name": "The plan of the bridge", "mimeType": "text/plain"}]}
        case "resources/read":
            return {"contents": [{"uri": params["uri"], "mimeType": "text/plain", "text": RESOURCE_TEXT}]}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case "prompts/list":
            place = {"name": "place", "description": "Where the bridge is", "required": True}
            return {"prompts": [{"name": PROMPT, "description": "Inspects a bridge", "arguments": [place]}]}
        case "prompts/get":
            content = {"type": "text", "text": prompt_text(params["arguments"]["place"])}
            return {"messages": [{"role": "user", "content": content}]}
        case _:
            return {}


def main() -> None:
    """Answer JSON-RPC requests, one a line, until standard input ends."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" in message:  # a notification has none and gets no answer
            answer = {
                "jsonrpc": "2.0",
                "id": message["id"],
                "result": _result(message["method"], message.get("params", {})),
            }
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
