"""The Responses API's requests as typed records: only the fields that Turnout reads.

Fields follow the openai SDK's types. Texts, schemas and outputs stay `msgspec.Raw`: they are copied, not decoded.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import NULL, decoded, mended, refuse


class Tool(msgspec.Struct):
    """One of ``tools``: ``function``, ``custom``, ``namespace`` (which has tools of its own), or a hosted one."""

    type: str = ""
    name: str = ""
    description: Raw = NULL
    parameters: Raw = NULL
    strict: bool | None = None
    format: Raw = NULL
    tools: list[Tool] | None = None


class NamedTool(msgspec.Struct):
    """A tool by its name."""

    type: str = ""
    name: str = ""
    mode: str = "auto"
    """Of the type ``allowed_tools``."""
    tools: list[NamedTool] = []
    """Likewise."""


class Item(msgspec.Struct):
    """An input item of any type. One without a type is a message."""

    type: str = "message"
    role: str = ""
    content: Raw = NULL
    """A string or parts (`decode_parts`)."""
    call_id: str = ""
    name: str = ""
    namespace: str | None = None
    arguments: Raw = NULL
    """A string; an object in a ``tool_search_call``."""
    input: Raw = NULL
    """Of a ``custom_tool_call``."""
    output: Raw = NULL
    """A string or parts."""
    encrypted_content: str | None = None
    tools: list[Tool] | None = None
    """Of ``additional_tools``."""


class Part(msgspec.Struct):
    """A content part: ``input_text``, ``output_text``, ``refusal``, ``input_image``, ``input_file``."""

    type: str = ""
    text: Raw = NULL
    refusal: Raw = NULL
    image_url: Raw = NULL
    detail: str | None = None
    file_data: Raw = NULL
    file_id: Raw = NULL
    file_url: Raw = NULL
    filename: Raw = NULL


class Reasoning(msgspec.Struct):
    """How the model is to reason."""

    effort: str | None = None
    summary: str | None = None


class TextFormat(msgspec.Struct):
    """``text``, ``json_object`` or ``json_schema``."""

    type: str = "text"
    name: str = "answer"
    description: Raw = NULL
    schema: Raw = NULL
    strict: bool | None = None


class Text(msgspec.Struct):
    """The form of the answer's text."""

    format: TextFormat | None = None
    verbosity: str | None = None


class ResponsesRequest(msgspec.Struct):
    """The body of ``POST /v1/responses``."""

    model: str
    input: str | list[Raw] = ""
    """Items: `decode_item`."""
    instructions: str | None = None
    tools: list[Tool] | None = None
    tool_choice: str | NamedTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: Text | None = None
    max_output_tokens: int | None = None


_decode = msgspec.json.Decoder(ResponsesRequest).decode
_decode_item = msgspec.json.Decoder(Item).decode
_decode_parts = msgspec.json.Decoder(list[Part]).decode
_decode_fields = msgspec.json.Decoder(dict[str, Raw]).decode


def decode_request(body: bytes) -> tuple[ResponsesRequest, dict[str, Raw]]:
    """Reads a request, and every field of it as it came.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    try:
        request, fields = _decode(body), _decode_fields(body)
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    except msgspec.DecodeError as error:
        return decode_request(mended(body, error))
    if not request.model:
        raise fail(FailureKind.BAD_REQUEST, "model: must not be empty.")
    return request, fields


def decode_item(raw: Raw, path: str) -> Item:
    """Reads an input item. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    return decoded(_decode_item, raw, path)


def decode_parts(content: Raw, path: str) -> list[Part]:
    """Reads an array of parts. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    return decoded(_decode_parts, content, path)
