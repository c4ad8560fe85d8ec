"""The Chat Completions API: requests as typed records, and how to read one.

Texts, schemas and arguments stay `msgspec.Raw`: they are copied from JSON into JSON and never decoded. Fields that are
not listed are ignored. Names and shapes are those of the openai SDK's types (``openai.types.chat``); what is marked as
an extension is not OpenAI's, but widely sent and read.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import EMPTY_STRING, NULL, decoded, mended, refuse


class Function(msgspec.Struct):
    """A function that may be called, as it stands in ``tools`` and in the older ``functions``."""

    name: str = ""
    description: Raw = EMPTY_STRING
    parameters: Raw = NULL
    strict: bool | None = None


class CustomTool(msgspec.Struct):
    """A tool that is called with free text."""

    name: str = ""
    description: Raw = EMPTY_STRING
    format: Raw = NULL
    """``{"type":"text"}`` or ``{"type":"grammar","grammar":{…}}``: `Format`."""


class Grammar(msgspec.Struct):
    """What such a text must look like."""

    definition: Raw = EMPTY_STRING
    syntax: Raw = EMPTY_STRING


class Format(msgspec.Struct):
    """`CustomTool.format`."""

    type: str = "text"
    grammar: Grammar | None = None


class Tool(msgspec.Struct):
    """One of ``tools``."""

    type: str = "function"
    function: Function | None = None
    custom: CustomTool | None = None


class FunctionCall(msgspec.Struct):
    """A function that was called."""

    name: str = ""
    arguments: Raw = EMPTY_STRING
    """A string that holds JSON."""


class CustomCall(msgspec.Struct):
    """A custom tool that was called."""

    name: str = ""
    input: Raw = EMPTY_STRING


class ToolCall(msgspec.Struct):
    """A call that the model made in an earlier answer."""

    id: str = ""
    type: str | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


class Message(msgspec.Struct):
    """One message of any role."""

    role: str
    content: Raw = NULL
    """A string, an array of parts (`decode_parts`), or null."""
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None
    """The older form of a call, which has no id."""
    tool_call_id: str | None = None
    name: str | None = None
    """Of the role ``function``: the function whose result this is."""
    refusal: Raw = NULL
    reasoning_details: Raw = NULL
    """Extension (OpenRouter's): the model's reasoning, kept for it by the client: `decode_details`."""


class ImageUrl(msgspec.Struct):
    """Where an image is: an address or a data URL."""

    url: Raw = EMPTY_STRING
    detail: str | None = None


class File(msgspec.Struct):
    """A file, by its content or by the id that it has upstream."""

    file_data: Raw = NULL
    """A data URL; some clients send bare base64."""
    file_id: Raw = NULL
    filename: Raw = NULL


class Part(msgspec.Struct):
    """A part of a message's content: ``text``, ``refusal``, ``image_url``, ``file``, ``input_audio``."""

    type: str = ""
    text: Raw = NULL
    refusal: Raw = NULL
    image_url: ImageUrl | str | None = None
    file: File | None = None


class ReasoningDetail(msgspec.Struct):
    """An entry of ``reasoning_details``; only ``reasoning.encrypted`` has data."""

    type: str = ""
    data: Raw = NULL


class JsonSchema(msgspec.Struct):
    """The schema that an answer is to follow."""

    name: str = "answer"
    description: Raw = NULL
    schema: Raw = NULL
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    """``text``, ``json_object`` or ``json_schema``."""

    type: str = "text"
    json_schema: JsonSchema | None = None


class NamedTool(msgspec.Struct):
    """A tool by its name only."""

    name: str = ""


class ToolReference(msgspec.Struct):
    """``{"type":"function","function":{"name":…}}``."""

    type: str = "function"
    function: NamedTool | None = None
    custom: NamedTool | None = None

    @property
    def name(self) -> str:
        """The tool's name; empty if there is none."""
        named = self.custom if self.type == "custom" else self.function
        return named.name if named else ""


class AllowedTools(msgspec.Struct):
    """The tools of which the model may use some, or has to use one."""

    mode: str = "auto"
    tools: list[ToolReference] = []


class ToolChoice(ToolReference):
    """A choice in the form of an object; the others are words."""

    allowed_tools: AllowedTools | None = None


class SearchLocation(msgspec.Struct):
    """Where the user of a web search is: an object with city, country, region and timezone."""

    approximate: Raw = NULL


class SearchOptions(msgspec.Struct):
    """``web_search_options``: the answer may search the web."""

    search_context_size: str | None = None
    user_location: SearchLocation | None = None


class StreamOptions(msgspec.Struct):
    """What a stream holds besides the answer."""

    include_usage: bool | None = None


class UsageWanted(msgspec.Struct):
    """Extension (OpenRouter's): its clients ask in this way for what `StreamOptions` is there for."""

    include: bool | None = None


class Reasoning(msgspec.Struct):
    """Extension (OpenRouter's): effort in an object, and whether the client wants to see reasoning."""

    effort: str | None = None
    exclude: bool | None = None


class ChatRequest(msgspec.Struct):
    """The body of ``POST /v1/chat/completions``."""

    model: str
    messages: list[Message]
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    functions: list[Function] | None = None
    function_call: str | NamedTool | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    usage: UsageWanted | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning: Reasoning | None = None
    verbosity: str | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    logit_bias: Raw = NULL
    modalities: list[str] | None = None
    audio: Raw = NULL
    prediction: Raw = NULL
    web_search_options: Raw = NULL
    """`SearchOptions`."""
    service_tier: Raw = NULL
    store: bool | None = None
    metadata: Raw = NULL
    user: Raw = NULL
    safety_identifier: Raw = NULL
    prompt_cache_key: str | None = None
    prompt_cache_retention: Raw = NULL

    turnout: Raw = NULL
    extra_body: Raw = NULL
    codex_capabilities: Raw = NULL
    """All for Turnout itself: `turnout.routing.overrides`."""

    @property
    def effort(self) -> str | None:
        """The effort that the client asks for."""
        return self.reasoning_effort or (self.reasoning.effort if self.reasoning else None)

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop sequences."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(sequence for sequence in given if sequence)


_decode = msgspec.json.Decoder(ChatRequest).decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_part = msgspec.json.Decoder(Part).decode
_decode_format = msgspec.json.Decoder(Format).decode
_decode_search_options = msgspec.json.Decoder(SearchOptions).decode
_decode_details = msgspec.json.Decoder(list[ReasoningDetail]).decode


def decode_request(body: bytes) -> ChatRequest:
    """Reads the body of a Chat Completions request.

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body for anything that is not one. Raw fields are not
    looked into: `turnout.translate` checks what it copies.
    """
    try:
        request = _decode(body)
    except (msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        refuse(error)
    except msgspec.DecodeError as error:
        return decode_request(mended(body, error))
    if not request.model:
        raise fail(FailureKind.BAD_REQUEST, "model: must not be empty.")
    if not request.messages:
        raise fail(FailureKind.BAD_REQUEST, "messages: at least one message is required.")
    return request


def decode_parts(content: Raw, path: str) -> list[tuple[Part, Raw]]:
    """Reads an array of content parts; each comes with its own JSON, for those of a type that is not known.

    Raises `TurnoutError` (`BAD_REQUEST`) with `path` as the place of the array in the body.
    """
    place = path
    parts: list[tuple[Part, Raw]] = []
    try:
        for index, raw in enumerate(_decode_raws(content)):
            place = f"{path}[{index}]"
            parts.append((_decode_part(raw), raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(error, place)
    return parts


def decode_format(raw: Raw, path: str) -> Format:
    """Reads a custom tool's format. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    return decoded(_decode_format, raw, path)


def decode_search_options(raw: Raw, path: str) -> SearchOptions:
    """Reads ``web_search_options``. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    return decoded(_decode_search_options, raw, path)


def decode_details(raw: Raw) -> list[ReasoningDetail]:
    """Reads ``reasoning_details``; nothing of what is none of its kind, for other servers have forms of their own."""
    try:
        return _decode_details(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
