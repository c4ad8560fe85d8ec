"""What a client of the Responses API asks for: ``POST /v1/responses`` and the frame ``response.create``.

Only the fields that Turnout reads are typed; all of them are kept as they came, since most go on unchanged. The reading
side of requests that Turnout itself translates for other servers is `turnout.protocol.response_requests`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import NULL, is_null, mended, refuse


class Reasoning(msgspec.Struct):
    """``reasoning``: how the model is to reason."""

    effort: str | None = None


class Wishes(msgspec.Struct):
    """What is read of a request. Fields as in the openai SDK's ``ResponseCreateParams``."""

    model: str
    input: Raw = NULL
    """A string, or items (`items_of`)."""
    instructions: str | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = NULL
    reasoning: Reasoning | None = None
    text: dict[str, Raw] | None = None
    include: list[str] | None = None
    service_tier: Raw = NULL
    prompt_cache_key: str | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    previous_response_id: str | None = None
    generate: bool | None = None
    """False in a frame that only prepares the next one (codex-backend.md 7)."""
    turnout: Raw = NULL
    extra_body: Raw = NULL
    reasoning_effort: Raw = NULL
    """What requests say of their own way: `turnout.routing.overrides`."""


Fields = dict[str, Raw]
"""Every field of a request as it came."""


class ResponseCreate(msgspec.Struct, frozen=True):
    """A request."""

    wishes: Wishes
    fields: Fields

    @property
    def items(self) -> list[Raw]:
        """The items that ``input`` means. Raises `TurnoutError` (`BAD_REQUEST`)."""
        return items_of(self.wishes.input)


_decode = msgspec.json.Decoder(Wishes).decode
_decode_fields = msgspec.json.Decoder(Fields).decode
_decode_items = msgspec.json.Decoder(list[Raw]).decode
_MESSAGE = b'{"type":"message","role":"user","content":%s}'


def decode_create(body: bytes) -> ResponseCreate:
    """Reads a request. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body."""
    try:
        body.decode()
        request = ResponseCreate(_decode(body), _decode_fields(body))
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    except msgspec.DecodeError as error:
        return decode_create(mended(body, error))
    if not request.wishes.model:
        raise fail(FailureKind.BAD_REQUEST, "model: must not be empty.")
    return request


def items_of(given: Raw) -> list[Raw]:
    """The items that ``input`` means: a string is one message of the user's.

    Raises `TurnoutError` (`BAD_REQUEST`).
    """
    if is_null(given):
        return []
    start = bytes(memoryview(given)[:1])
    if start == b'"':
        return [Raw(_MESSAGE % bytes(given))]
    if start != b"[":
        raise fail(FailureKind.BAD_REQUEST, "input: expected a string or an array of items.")
    try:
        return _decode_items(given)
    except (msgspec.DecodeError, RecursionError) as error:
        refuse(error, "input")


class ItemHead(msgspec.Struct):
    """What is read of an input item; one without a type is a message."""

    type: str = "message"
    id: str | None = None
    role: str = ""
    call_id: str | None = None
    encrypted_content: Raw = NULL


_decode_head = msgspec.json.Decoder(ItemHead).decode


def head_of(item: Raw, path: str) -> ItemHead:
    """Reads an item's head. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    try:
        return _decode_head(item)
    except (msgspec.DecodeError, RecursionError) as error:
        refuse(error, path)
