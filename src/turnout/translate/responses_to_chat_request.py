"""A Responses request → a Chat Completions request, for servers that have nothing else. Pure.

What the server takes is read from its `ChatCapabilities`. The answer's way back is
`turnout.translate.chat_stream_to_responses`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import response_requests as wire
from turnout.protocol.chat_capabilities import UNKNOWN_LONGEST
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.fidelity import Note, approximated, ignored, mapped
from turnout.protocol.reading import is_null
from turnout.translate.body import joined
from turnout.translate.chat_request_messages import ChatMessages
from turnout.translate.chat_request_tools import Called, ChatTools

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from msgspec import Raw

    from turnout.protocol.chat_capabilities import ChatCapabilities

_encode = msgspec.json.encode


class ChatCall(msgspec.Struct, frozen=True):
    """A request for the server, and what is needed to read its answer."""

    body: bytes
    called: dict[str, Called]
    """By the functions' names in the answer, what they stand for."""
    notes: tuple[Note, ...]


def translate(body: bytes, capabilities: ChatCapabilities) -> ChatCall:
    """The request in `body`, as the server takes it; always streamed.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    request, fields = wire.decode_request(body)
    notes: list[Note] = []
    tools = ChatTools(capabilities, notes)
    tools.add(request.tools or (), "tools")
    messages = ChatMessages(capabilities, tools, notes)
    if request.instructions:
        messages.add_instructions(request.instructions)
    form, words = _format(request, capabilities, notes)
    if words:
        messages.add_instructions(words)
    if isinstance(request.input, str):
        said = msgspec.Raw(_encode({"role": "user", "content": request.input}))
        messages.add([said])
    else:
        messages.add(request.input)
    if not messages.messages:
        raise fail(FailureKind.BAD_REQUEST, "input: there is nothing in it to send.")
    made = [
        ("model", _encode(request.model)),
        *tools.fields(request),
        *_limits(request, capabilities, notes),
        *([("response_format", form)] if form else ()),
        *_further(fields, capabilities, notes),
        ("stream", b"true"),
        *([("stream_options", b'{"include_usage":true}')] if capabilities.stream_usage else ()),
        ("messages", b"[%s]" % b",".join(messages.messages)),
    ]
    whole = b"{%s}" % joined(made)
    try:
        whole.decode()
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "The request body is not valid UTF-8.") from None
    return ChatCall(whole, tools.called, tuple(notes))


def _limits(
    request: wire.ResponsesRequest, capabilities: ChatCapabilities, notes: list[Note]
) -> Iterable[tuple[str, bytes]]:
    """How much the model may write and think, and how wordily."""
    if (limit := request.max_output_tokens) is not None:
        most = capabilities.longest_answer
        if not capabilities.max_tokens_field:
            notes.append(approximated("max_output_tokens", "was not passed on: the server does not take it"))
        elif not most and limit > UNKNOWN_LONGEST:
            why = f"{limit} was left to the server: nothing says that its model's answers may be so long"
            notes.append(mapped("max_output_tokens", why))
        else:
            if most and limit > most:
                notes.append(mapped("max_output_tokens", f"{limit} became {most}, the longest answer of the model"))
            yield capabilities.max_tokens_field, b"%d" % min(limit, most or limit)
    if request.reasoning is not None and request.reasoning.effort:
        if capabilities.reasoning_effort:
            yield "reasoning_effort", _encode(request.reasoning.effort)
        else:
            notes.append(approximated("reasoning.effort", "was not passed on: the server does not take it"))
    if request.text is not None and request.text.verbosity:
        if capabilities.verbosity:
            yield "verbosity", _encode(request.text.verbosity)
        else:
            notes.append(ignored("text.verbosity", "the server does not take it"))


_TRANSLATED = frozenset(
    {
        "background",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "store",
        "stream",
        "stream_options",
        "text",
        "tool_choice",
        "tools",
    }
)
"""Fields that have been dealt with, or that mean nothing to a server that keeps nothing."""


def _further(
    fields: Mapping[str, Raw], capabilities: ChatCapabilities, notes: list[Note]
) -> Iterable[tuple[str, bytes]]:
    """Fields with the same name and meaning in both APIs."""
    for name, value in fields.items():
        if name in _TRANSLATED or is_null(value):
            continue
        if name in capabilities.fields:
            yield name, bytes(value)
        else:
            notes.append(ignored(name, "the server does not take it"))


def _format(request: wire.ResponsesRequest, capabilities: ChatCapabilities, notes: list[Note]) -> tuple[bytes, str]:
    """``response_format``, and what the model is told where the server cannot hold it to a form."""
    form = request.text.format if request.text else None
    if form is None or form.type == "text":
        return b"", ""
    known = capabilities.response_formats
    if form.type == "json_object":
        if "json_object" in known:
            return b'{"type":"json_object"}', ""
        notes.append(approximated("text.format", "told to the model: the server does not take it"))
        return b"", "Answer with one JSON object and nothing else."
    if form.type != "json_schema" or is_null(form.schema):
        raise fail(FailureKind.BAD_REQUEST, "text.format.type: expected text, json_object or json_schema.")
    if "json_schema" in known:
        about = b"" if is_null(form.description) else b',"description":%s' % bytes(form.description)
        strict = b',"strict":true' if form.strict and capabilities.strict else b""
        made = b'{"type":"json_schema","json_schema":{"name":%s%s%s,"schema":%s}}'
        return made % (_encode(form.name), about, strict, bytes(form.schema)), ""
    notes.append(approximated("text.format", "its schema is told to the model: the server does not take it"))
    words = (
        f"Answer with JSON that follows this schema, and nothing else: {bytes(form.schema).decode('utf-8', 'replace')}"
    )
    return (b'{"type":"json_object"}' if "json_object" in known else b""), words
