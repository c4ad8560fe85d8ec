"""The Anthropic Messages API as Claude Code speaks it: requests as typed records, and how to read one.

Texts, schemas and tool inputs stay `msgspec.Raw`: they are copied from JSON into JSON and never decoded. Fields that
are not listed are ignored, block types that are not listed become `UnknownBlock`; neither is ever an error, for new
ones come with each release of the client (claude-code-wire.md 13.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import EMPTY_STRING, NULL, decode_text, decoded, mended, refuse

if TYPE_CHECKING:
    from collections.abc import Sized


class Source(msgspec.Struct, gc=False):
    """Where a medium is: ``base64`` (media_type, data), ``url`` (url), ``text`` (data), ``content`` (content)."""

    type: str
    media_type: str = ""
    data: Raw = EMPTY_STRING
    url: Raw = EMPTY_STRING
    content: Raw = EMPTY_STRING


class TextBlock(msgspec.Struct, tag="text", gc=False):
    """Text of any author. ``cache_control`` and citations are not for the upstream."""

    text: Raw


class ImageBlock(msgspec.Struct, tag="image", gc=False):
    """An image in a user message or a tool result."""

    source: Source


class DocumentBlock(msgspec.Struct, tag="document", gc=False):
    """A PDF or a text document in a user message, beside or inside a tool result."""

    source: Source
    title: str | None = None
    context: str | None = None


class ToolUseBlock(msgspec.Struct, tag="tool_use", gc=False):
    """A call that the model made in an earlier turn."""

    id: str
    name: str
    input: Raw = Raw(b"{}")


class ToolResultBlock(msgspec.Struct, tag="tool_result", gc=False):
    """What a tool answered: a string or blocks (claude-code-wire.md 2, Round trip)."""

    tool_use_id: str
    content: Raw = EMPTY_STRING
    is_error: bool | None = None


class ThinkingBlock(msgspec.Struct, tag="thinking", gc=False):
    """Earlier reasoning. Only the signature matters: it carries the upstream's encrypted item."""

    signature: Raw = EMPTY_STRING


class RedactedThinkingBlock(msgspec.Struct, tag="redacted_thinking", gc=False):
    """Earlier reasoning without text."""

    data: Raw = EMPTY_STRING


class ToolReferenceBlock(msgspec.Struct, tag="tool_reference", gc=False):
    """In the result of a tool search: a tool that is loaded from now on."""

    tool_name: str


class ServerToolUseBlock(msgspec.Struct, tag="server_tool_use", gc=False):
    """A call of one of the provider's own tools, made and answered inside an earlier answer."""

    id: str
    name: str = ""
    input: Raw = Raw(b"{}")


class WebSearchResultBlock(msgspec.Struct, tag="web_search_tool_result", gc=False):
    """What such a search found: an array of results, or an error object (claude-code-wire.md 2, WebSearch)."""

    tool_use_id: str
    content: Raw = NULL


class UnknownBlock(msgspec.Struct, gc=False):
    """A block of a type that is not listed here, as it came."""

    type: str
    raw: Raw


KnownBlock = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ToolReferenceBlock
    | ServerToolUseBlock
    | WebSearchResultBlock
)
Block = KnownBlock | UnknownBlock

Role = Literal["user", "assistant", "system"]


class Message(msgspec.Struct, gc=False):
    """One message. ``system`` may stand anywhere (claude-code-wire.md 1)."""

    role: Role
    content: str | list[KnownBlock]


class TolerantMessage(msgspec.Struct):
    """A message whose blocks are looked at one by one, since one of them is of an unknown type."""

    role: Role
    content: str | list[Block]


class SystemBlock(msgspec.Struct):
    """One block of the top-level ``system`` array: always text."""

    text: Raw = EMPTY_STRING
    type: str = "text"


class Tool(msgspec.Struct):
    """A tool definition. Client tools have no ``type``; the provider's own have one (``web_search_20250305``)."""

    name: str = ""
    description: Raw = EMPTY_STRING
    input_schema: Raw = NULL
    type: str | None = None
    defer_loading: bool | None = None


class UserLocation(msgspec.Struct, omit_defaults=True):
    """Where the user of a web search is, roughly. Both families of protocols write it in the same way."""

    city: str | None = None
    region: str | None = None
    country: str | None = None
    timezone: str | None = None


class WebSearchTool(msgspec.Struct):
    """The definition of the provider's own web search (``web_search_20250305`` and later)."""

    name: str = "web_search"
    allowed_domains: list[str] | None = None
    """Domains (their subdomains included), or addresses from a domain on, that results must be from."""
    blocked_domains: list[str] | None = None
    """The same, that results must not be from."""
    max_uses: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Searches that one answer may make."""
    user_location: UserLocation | None = None


class ToolChoice(msgspec.Struct):
    """``auto``, ``any``, ``none`` or ``tool`` with a name."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct):
    """``adaptive``, ``enabled`` with a budget in tokens, or ``disabled``."""

    type: str
    budget_tokens: int | None = None


class OutputConfig(msgspec.Struct):
    """Effort (``low`` … ``max``) and the wanted format of the answer."""

    effort: str | None = None
    format: Raw = NULL


class Metadata(msgspec.Struct):
    """``user_id`` is an opaque string; Claude Code puts JSON into it (claude-code-wire.md 1)."""

    user_id: str | None = None


class _UserId(msgspec.Struct):
    session_id: str | None = None


class MessagesRequest(msgspec.Struct):
    """The body of ``POST /v1/messages``."""

    model: str
    messages: list[Message] | list[TolerantMessage] | Raw
    """Raw where only the rest of the request was read."""
    system: str | list[SystemBlock] | None = None
    tools: Raw = NULL
    tool_choice: ToolChoice | None = None
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    speed: Raw = NULL
    service_tier: Raw = NULL
    context_management: Raw = NULL
    safeguards: Raw = NULL
    reasoning_effort: Raw = NULL
    """OpenAI's field, which some clients send along."""
    turnout: Raw = NULL
    extra_body: Raw = NULL
    codex_capabilities: Raw = NULL
    """What the request says of its own way (`turnout.routing.overrides`)."""
    stream: bool | None = None

    def metadata_session(self) -> str | None:
        """The session id inside ``metadata.user_id``; None if it is not Claude Code's JSON or names none."""
        if self.metadata is None or not self.metadata.user_id:
            return None
        try:
            return msgspec.json.decode(self.metadata.user_id, type=_UserId).session_id or None
        except (msgspec.MsgspecError, RecursionError):
            return None  # a plain user id names a user, not a conversation: no key is better than a wrong one


class _TypedRequest(MessagesRequest):
    messages: list[Message]


class Envelope(MessagesRequest):
    """A request whose messages were not read."""

    messages: Raw


class _LooseMessage(msgspec.Struct):
    role: Role
    content: Raw


class _LooseRequest(MessagesRequest):
    messages: list[_LooseMessage]  # type: ignore[assignment]


class _BlockType(msgspec.Struct):
    type: str


_decode = msgspec.json.Decoder(_TypedRequest).decode
_decode_messages = msgspec.json.Decoder(list[Message]).decode
_decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_message = msgspec.json.Decoder(Message).decode
_decode_loose_message = msgspec.json.Decoder(_LooseMessage).decode
_decode_loose = msgspec.json.Decoder(_LooseRequest).decode
_decode_type = msgspec.json.Decoder(_BlockType).decode
_decode_block = msgspec.json.Decoder(KnownBlock).decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_tools = msgspec.json.Decoder(list[Tool]).decode
_decode_web_search = msgspec.json.Decoder(WebSearchTool).decode
_KNOWN_TYPES = frozenset(str(block.__struct_config__.tag) for block in KnownBlock.__args__)


def decode_request(body: bytes) -> MessagesRequest:
    """Reads the body of a Messages request.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body for anything that is not one. Raw fields are not
    looked into: `turnout.translate` checks what it copies.
    """
    try:
        request: MessagesRequest = _decode(body)
    except msgspec.ValidationError as error:
        if not str(error).endswith(".type`"):
            refuse(error)
        request = _decode_tolerantly(body)
    except msgspec.DecodeError as error:
        return decode_request(mended(body, error))
    except (UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    _check_model(request)
    _check_count(request.messages)
    return request


def decode_envelope(body: bytes) -> Envelope:
    """Reads the body of a Messages request but for the messages, which stay raw: most of them were there before.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    try:
        request: Envelope = _decode_envelope(body)
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    except msgspec.DecodeError as error:
        return decode_envelope(mended(body, error))
    _check_model(request)
    return request


def usual_messages(messages: Raw) -> list[Message] | None:
    """Reads an array of messages; None if one is not as it should be, or has a block of an unknown type."""
    try:
        return _decode_messages(messages)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def split_messages(messages: Raw) -> list[Raw]:
    """The messages of an array. Raises `TurnoutError` (`BAD_REQUEST`) if it is none, or empty."""
    raws = decoded(_decode_raws, messages, "messages")
    _check_count(raws)
    return raws


def decode_message(raw: Raw, index: int) -> Message | TolerantMessage:
    """Reads one message. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body."""
    try:
        return _decode_message(raw)
    except msgspec.ValidationError as error:
        if not str(error).endswith(".type`"):
            refuse(error, f"messages[{index}]")
        return _tolerantly(raw, index)
    except msgspec.DecodeError as error:
        # Half a surrogate pair that was not seen while it was skipped over.
        return decode_message(Raw(mended(bytes(raw), error)), index)
    except (UnicodeDecodeError, RecursionError) as error:
        refuse(error, f"messages[{index}]")


def _tolerantly(raw: Raw, index: int) -> TolerantMessage:
    loose = decoded(_decode_loose_message, raw, f"messages[{index}]")
    return _tolerant_message(loose, index)


def _tolerant_message(loose: _LooseMessage, index: int) -> TolerantMessage:
    path = f"messages[{index}].content"
    content: str | list[Block]
    if bytes(memoryview(loose.content)[:1]) == b"[":
        content = decode_blocks(loose.content, path)
    else:
        content = decode_text(loose.content, path)
    return TolerantMessage(loose.role, content)


def _check_model(request: MessagesRequest) -> None:
    if not request.model:
        raise fail(FailureKind.BAD_REQUEST, "model: must not be empty.")


def _check_count(messages: Sized) -> None:
    if not messages:
        raise fail(FailureKind.BAD_REQUEST, "messages: at least one message is required.")


def decode_blocks(content: Raw, path: str) -> list[Block]:
    """Reads an array of blocks, e.g. a tool result's content, keeping the unknown ones.

    Raises `TurnoutError` (`BAD_REQUEST`) with `path` as the place of the array in the body.
    """
    blocks: list[Block] = []
    try:
        raws = _decode_raws(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(error, path)
    for index, raw in enumerate(raws):
        try:
            kind = _decode_type(raw).type
            blocks.append(_decode_block(raw) if kind in _KNOWN_TYPES else UnknownBlock(kind, raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refuse(error, f"{path}[{index}]")
    return blocks


def decode_tools(tools: Raw | bytes) -> list[Tool]:
    """Reads the ``tools`` array. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    return decoded(_decode_tools, tools, "tools")


def decode_web_search(tools: Raw | bytes, index: int) -> WebSearchTool:
    """Reads the web search among the ``tools``. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    try:
        return _decode_web_search(_decode_raws(tools)[index])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(error, f"tools[{index}]")


def _decode_tolerantly(body: bytes) -> MessagesRequest:
    """The same, looking at each block's type first: the way for requests with a block type that is not listed."""
    try:
        loose = _decode_loose(body)
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    except msgspec.DecodeError as error:
        return _decode_tolerantly(mended(body, error))
    messages = [_tolerant_message(message, index) for index, message in enumerate(loose.messages)]
    fields: dict[str, Any] = {name: getattr(loose, name) for name in MessagesRequest.__struct_fields__}
    return MessagesRequest(**{**fields, "messages": messages})
