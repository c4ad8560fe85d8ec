"""Counts the tokens of a Responses request as the model reads it. Pure but for the vocabulary, which is loaded once.

Texts are counted exactly by their vocabulary, tools by their names, descriptions and schemas; images, PDFs and
encrypted reasoning are estimated. Counts of texts are remembered by their hash, since nine tenths of a request are the
one before: what is counted again costs a tenth. Knows nothing of clients and of upstreams.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.models.media import file_tokens, image_tokens
from turnout.protocol import surrogates
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.models.vocabulary import Vocabulary

ITEM_TOKENS = 4
"""Tokens that an item of a conversation has beside its text: who speaks, where it begins and ends."""
TOOL_TOKENS = 8
"""The same for a tool."""
REPLY_TOKENS = 3
"""What opens the answer."""

REASONING_OVERHEAD = 650
"""Bytes of encrypted reasoning that are no reasoning; the Codex client estimates so, and four bytes a token."""
BYTES_A_TOKEN = 4

_NULL = Raw(b"null")

REMEMBERED = 32_768
"""Texts whose counts are remembered, in some 5 MiB."""


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of one request."""

    texts: int
    """Of what was said, called and answered."""
    tools: int
    """Of the tools and the schema of the answer."""
    framing: int
    """Of what stands around each item and tool."""
    media: int
    """Of images and files, estimated."""
    reasoning: int
    """Of encrypted reasoning, estimated."""

    @property
    def total(self) -> int:
        """The best estimate of them all."""
        return self.texts + self.tools + self.framing + self.media + self.reasoning

    @property
    def least(self) -> int:
        """What the request has for certain: a server may write tools more briefly than in JSON, shrink images and leave
        reasoning of earlier turns out."""
        return self.texts + self.tools // 2


class _Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: str | None = None
    file_data: str | None = None
    filename: str | None = None


class _Item(msgspec.Struct):
    """Whatever of an item's fields the model reads."""

    type: str = "message"
    name: str | None = None
    content: str | list[_Part] | None = None
    arguments: Raw = _NULL
    input: str | None = None
    output: str | list[_Part] | None = None
    summary: list[_Part] | None = None
    encrypted_content: str | None = None
    tools: list[Raw] | None = None
    action: Raw = _NULL


class _Tool(msgspec.Struct):
    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: Raw = _NULL
    tools: list[Raw] | None = None


class _Format(msgspec.Struct):
    format: Raw = _NULL


class _Request(msgspec.Struct):
    instructions: str | None = None
    input: str | list[_Item] | None = None
    tools: list[Raw] | None = None
    text: _Format | None = None


class _TolerantRequest(msgspec.Struct):
    """The same, for requests that have an item of an unknown form: each is looked at by itself."""

    instructions: Raw = _NULL
    input: Raw = _NULL
    tools: Raw = _NULL
    text: Raw = _NULL


_decode_request = msgspec.json.Decoder(_Request).decode
_decode_tolerantly = msgspec.json.Decoder(_TolerantRequest).decode
_decode_item = msgspec.json.Decoder(_Item).decode
_decode_tool = msgspec.json.Decoder(_Tool).decode
_decode_list = msgspec.json.Decoder(list[Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode

READ = frozenset(
    {
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "tool_search_call",
        "tool_search_output",
        "additional_tools",
        "web_search_call",
        "local_shell_call",
        "compaction",
    }
)
"""The items whose fields are known; any other one counts as its JSON."""


class Survey:
    """What there is to count in a request."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.schemas: list[str] = []
        """Texts of the tools and of the answer's form."""
        self.framing = REPLY_TOKENS
        self.media = 0
        self.reasoning = 0

    def add_item(self, item: _Item) -> None:
        """An item of ``input``."""
        self.framing += ITEM_TOKENS
        for text in (item.name, item.input):
            if text:
                self.texts.append(text)
        for content in (item.content, item.output, item.summary):
            if isinstance(content, str):
                self.texts.append(content)
            elif content:
                for part in content:
                    self._add_part(part)
        if item.arguments != _NULL:
            self._add_value(item.arguments)
        if item.action != _NULL:
            self._add_value(item.action)
        if item.encrypted_content:
            thought = len(item.encrypted_content) * 3 // 4 - REASONING_OVERHEAD
            self.reasoning += max(0, thought // BYTES_A_TOKEN)
        for tool in item.tools or ():
            self.add_tool(tool)

    def add_unknown(self, raw: Raw) -> None:
        """An item or a field of an unknown form: its JSON."""
        self.framing += ITEM_TOKENS
        self._add_value(raw)

    def add_tool(self, raw: Raw) -> None:
        """A tool, or a namespace of tools."""
        try:
            tool = _decode_tool(raw)
        except msgspec.ValidationError:
            tool = _Tool(type="")
        self.framing += TOOL_TOKENS
        if tool.type == "namespace":
            for inner in tool.tools or ():
                self.add_tool(inner)
        elif tool.type == "function":
            self.schemas += [tool.name, tool.description or "", _text(tool.parameters)]
        else:
            self.schemas.append(_text(raw))

    def add_format(self, raw: Raw) -> None:
        """The schema that the answer is to have."""
        if raw != _NULL:
            self.schemas.append(_text(raw))

    def _add_part(self, part: _Part) -> None:
        for text in (part.text, part.refusal, part.filename):
            if text:
                self.texts.append(text)
        if part.type == "input_image":
            self.media += image_tokens(part.image_url or "", part.detail or "auto")
        elif part.type == "input_file":
            self.media += file_tokens(part.file_data or "")

    def _add_value(self, raw: Raw) -> None:
        value = _text(raw)
        self.texts.append(_decode_text(value) if value.startswith('"') else value)


def survey(request: bytes) -> Survey:
    """What there is to count in a request, which is an object in JSON. Raises `TurnoutError` (`BAD_REQUEST`)."""
    try:
        return _survey(request)
    except msgspec.ValidationError:
        raise fail(FailureKind.BAD_REQUEST, "Expected a Responses request, which is a JSON object.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        mended = surrogates.mend(request)
    try:
        return _survey(mended)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise fail(FailureKind.BAD_REQUEST, "The request is not valid JSON.") from None


def _survey(request: bytes) -> Survey:
    found = Survey()
    try:
        read = _decode_request(request)
        items = read.input
        if isinstance(items, list) and not all(item.type in READ for item in items):
            raise msgspec.ValidationError
    except msgspec.ValidationError:
        _survey_tolerantly(_decode_tolerantly(request), found)
        return found
    if read.instructions:
        found.framing += ITEM_TOKENS
        found.texts.append(read.instructions)
    if isinstance(items, str):
        found.framing += ITEM_TOKENS
        found.texts.append(items)
    else:
        for item in items or ():
            found.add_item(item)
    for tool in read.tools or ():
        found.add_tool(tool)
    if read.text is not None:
        found.add_format(read.text.format)
    return found


def _survey_tolerantly(request: _TolerantRequest, found: Survey) -> None:
    if request.instructions != _NULL:
        found.add_unknown(request.instructions)
    for raw in _elements(request.input):
        try:
            item = _decode_item(raw)
        except msgspec.ValidationError:
            found.add_unknown(raw)
            continue
        if item.type in READ:
            found.add_item(item)
        else:
            found.add_unknown(raw)
    for tool in _elements(request.tools):
        found.add_tool(tool)
    found.add_format(request.text)


def _elements(raw: Raw) -> list[Raw]:
    if raw == _NULL:
        return []
    return _decode_list(raw) if bytes(memoryview(raw)[:1]) == b"[" else [raw]


def _text(raw: Raw) -> str:
    return bytes(raw).decode()


class Counter:
    """Counts what surveys have found, and remembers the counts of texts, not the texts. For one thread."""

    def __init__(self, vocabulary: Vocabulary, limit: int = REMEMBERED) -> None:
        """``limit`` is the number of texts whose counts are remembered."""
        self._vocabulary = vocabulary
        self._limit = limit
        self._known: OrderedDict[tuple[int, int], int] = OrderedDict()
        """Tokens by a text's hash and length. Python's hash is keyed anew in each process, so that nobody can choose
        texts that share one."""

    def missing(self, found: Survey) -> list[str]:
        """The texts that have not been counted yet, each once."""
        known = self._known
        return list({key: text for text in (*found.texts, *found.schemas) if (key := _key(text)) not in known}.values())

    def learn(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        """The texts have so many tokens."""
        for text, tokens in zip(texts, counts, strict=True):
            self._known[_key(text)] = tokens
        while len(self._known) > self._limit:
            self._known.popitem(last=False)

    def count(self, found: Survey) -> Count:
        """The tokens of a request. Texts that were not learned are counted now."""
        return Count(
            texts=self._sum(found.texts),
            tools=self._sum(found.schemas),
            framing=found.framing,
            media=found.media,
            reasoning=found.reasoning,
        )

    def _sum(self, texts: Iterable[str]) -> int:
        total = 0
        known = self._known
        unknown: list[str] = []
        for text in texts:
            key = _key(text)
            tokens = known.get(key)
            if tokens is None:
                unknown.append(text)
            else:
                known.move_to_end(key)
                total += tokens
        if unknown:
            counts = self._vocabulary.counts(unknown)
            self.learn(unknown, counts)
            total += sum(counts)
        return total


def _key(text: str) -> tuple[int, int]:
    return hash(text), len(text)
