"""A Messages request → a Responses request, as bytes.

The body is written so that a session's requests share the longest possible prefix: ``input`` is last and only grows,
every message has one canonical form whatever form the client gave it this time, and what changes from turn to turn
(the attribution line, ``cache_control``, per-message settings) is not sent (claude-code-wire.md 11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol import messages as wire
from turnout.protocol.errors import FailureKind, fail
from turnout.translate import reasoning
from turnout.translate.tools import ToolsCache, TranslatedTools, short_call_id, short_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from turnout.translate.target import Target

_encode = msgspec.json.encode

_ATTRIBUTION = "x-anthropic-billing-header:"
_FAILED = "The tool call failed:\n"
_NO_RESULT = b'"The tool call was interrupted: there is no result."'
_MIN_OUTPUT_TOKENS = 4096
"""A smaller ``max_tokens`` is not passed on: upstream counts hidden reasoning into it and would cut the answer."""


class Translation(msgspec.Struct, frozen=True):
    """A request for the upstream, and what is needed to read its answer."""

    body: bytes
    full_names: dict[str, str]
    """Tool names to restore in the answer: short → full."""
    notes: tuple[str, ...]
    """What was approximated or left out, in words."""


def translate(request: wire.MessagesRequest, target: Target, cache: ToolsCache | None = None) -> Translation:
    """The request as `target` wants it.

    Pure but for `cache`, which only saves work. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    tools = (cache or ToolsCache(0)).translate(request.tools, target.capabilities.max_tool_name)
    items = _Items(target, tools)
    if target.framing == "lite":
        items.add_tools()
    items.add_system(request.system)
    items.add_messages(request.messages)
    if not items.said:
        raise fail(FailureKind.BAD_REQUEST, "messages: there is nothing in them to send.")
    allowed = target.capabilities.fields
    fields = _fields(request, target, tools, items.notes)
    head = b",".join(b'"%s":%s' % (name.encode(), value) for name, value in fields if name in allowed)
    for part in items.parts:
        # The client's texts are copied without being decoded; this is where they are held to be UTF-8. Asking each item
        # whether it is ASCII costs a tenth of decoding the whole body.
        if not part.isascii():
            _check_utf8(part)
    body = b"".join((b"{", head, b',"input":[', b",".join(items.parts), b"]}"))
    return Translation(body, {**tools.full_names, **items.full_names}, (*tools.notes, *items.notes))


def _check_utf8(part: bytes) -> None:
    try:
        part.decode()
    except UnicodeDecodeError:
        raise fail(FailureKind.BAD_REQUEST, "The request body is not valid UTF-8.") from None


def _fields(
    request: wire.MessagesRequest, target: Target, tools: TranslatedTools, notes: list[str]
) -> Iterable[tuple[str, bytes]]:
    """Every field but ``input``, in wire order; the caller drops those that the upstream does not take."""
    plain = target.framing == "plain"
    yield "model", _encode(target.model)
    if plain and target.capabilities.instructions_required:
        # The system prompt travels as the first developer message, as the Codex CLI sends it (codex-backend.md 0.1).
        yield "instructions", b'""'
    if tools.functions:
        if plain:
            yield "tools", b"[%s]" % tools.functions
        yield "tool_choice", _tool_choice(request.tool_choice, tools, target)
        choice = request.tool_choice
        parallel = plain and not (choice and choice.disable_parallel_tool_use)
        yield "parallel_tool_calls", b"true" if parallel else b"false"
    yield "reasoning", _reasoning(request, target)
    yield "store", b"false"
    yield "stream", b"true"
    if target.capabilities.encrypted_reasoning:
        yield "include", b'["reasoning.encrypted_content"]'
    if target.session:
        yield "prompt_cache_key", _encode(target.session)
    if text := _text(request, notes):
        yield "text", text
    if request.speed == "fast":
        yield "service_tier", b'"priority"'
    if request.max_tokens is not None and "max_output_tokens" in target.capabilities.fields:
        if request.max_tokens >= _MIN_OUTPUT_TOKENS:
            yield "max_output_tokens", b"%d" % request.max_tokens
        else:
            notes.append(f"max_tokens {request.max_tokens} was not passed on: it would count hidden reasoning")


def _reasoning(request: wire.MessagesRequest, target: Target) -> bytes:
    fields: dict[str, str] = {}
    if target.effort:
        fields["effort"] = target.effort
    if not (request.thinking and request.thinking.type == "disabled"):
        fields["summary"] = "auto"  # without it no reasoning text is streamed (codex-backend.md 2.2)
    if target.framing == "lite":
        fields["context"] = "all_turns"
    return _encode(fields)


def _tool_choice(choice: wire.ToolChoice | None, tools: TranslatedTools, target: Target) -> bytes:
    if choice is None or choice.type == "auto":
        return b'"auto"'
    if choice.type == "any":
        return b'"required"'
    if choice.type == "none":
        return b'"none"'
    if choice.type == "tool" and choice.name in tools.names:
        return _encode({"type": "function", "name": short_name(choice.name, target.capabilities.max_tool_name)})
    if choice.type == "tool":
        raise fail(FailureKind.BAD_REQUEST, f"tool_choice.name: there is no tool {choice.name!r} in tools.")
    raise fail(FailureKind.BAD_REQUEST, "tool_choice.type: expected auto, any, none or tool.")


class _Format(msgspec.Struct):
    type: str = ""
    schema: Raw = wire.NULL


def _text(request: wire.MessagesRequest, notes: list[str]) -> bytes:
    config = request.output_config
    if config is None or wire.is_null(config.format):
        return b""
    try:
        wanted = msgspec.json.decode(config.format, type=_Format)
    except msgspec.DecodeError:
        raise fail(FailureKind.BAD_REQUEST, "output_config.format: expected an object with a type.") from None
    if wanted.type != "json_schema" or wire.is_null(wanted.schema):
        notes.append(f"output_config.format {wanted.type!r} is not known and was left out")
        return b""
    return b'{"format":{"type":"json_schema","name":"answer","strict":false,"schema":%s}}' % bytes(wanted.schema)


class _Items:
    """Builds the ``input`` list, item by item."""

    def __init__(self, target: Target, tools: TranslatedTools) -> None:
        self.parts: list[bytes] = []
        self.said = 0
        """How many items came from the client's messages."""
        self.full_names: dict[str, str] = {}
        self.notes: list[str] = []
        self._target = target
        self._tools = tools
        self._calls: set[str] = set()
        self._results: set[str] = set()

    def add_tools(self) -> None:
        """Tools in lite framing are the first item (codex-backend.md 2.3)."""
        if self._tools.functions:
            self.parts.append(
                b'{"type":"additional_tools","role":"developer","tools":'
                b'[{"type":"namespace","name":"functions","description":"","tools":[%s]}]}' % self._tools.functions
            )

    def add_system(self, system: str | list[wire.SystemBlock] | None) -> None:
        """The system prompt as the first developer message, without the client's attribution line."""
        if not system:
            return
        if isinstance(system, str):
            texts: list[bytes | Raw] = [_encode(_without_attribution(system))]
        else:
            texts = [wire.text_of(block.text, f"system[{index}].text") for index, block in enumerate(system)]
            if bytes(memoryview(texts[0])[1 : len(_ATTRIBUTION) + 1]) == _ATTRIBUTION.encode():
                texts[0] = _encode(_without_attribution(wire.decode_text(system[0].text, "system[0].text")))
        self._add_message(b"developer", [_text_part(b"input_text", text) for text in texts if not _is_empty(text)])

    def add_messages(self, messages: Sequence[wire.Message | wire.TolerantMessage]) -> None:
        """All messages in order. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
        before = len(self.parts)
        for message in messages:
            if message.role == "user" and not isinstance(message.content, str):
                for block in message.content:
                    if isinstance(block, wire.ToolResultBlock):
                        self._results.add(block.tool_use_id)
        for index, message in enumerate(messages):
            content, path = message.content, f"messages[{index}].content"
            if isinstance(content, str):
                kind = b"output_text" if message.role == "assistant" else b"input_text"
                role = b"developer" if message.role == "system" else message.role.encode()
                self._add_message(role, [_text_part(kind, _encode(content))] if content else [])
            elif message.role == "assistant":
                self._add_assistant(content, path)
            else:
                self._add_user(b"developer" if message.role == "system" else b"user", content, path)
        self.said = len(self.parts) - before

    def _add_message(self, role: bytes, parts: list[bytes]) -> None:
        if parts:
            self.parts.append(b'{"type":"message","role":"%s","content":[%s]}' % (role, b",".join(parts)))

    def _add_user(self, role: bytes, blocks: Sequence[wire.Block], path: str) -> None:
        parts: list[bytes] = []
        for index, block in enumerate(blocks):
            if isinstance(block, wire.ToolResultBlock):
                self._add_message(role, parts)
                parts = []
                self._add_result(block, f"{path}[{index}]")
            elif not isinstance(block, wire.ThinkingBlock | wire.RedactedThinkingBlock | wire.ToolUseBlock):
                parts += self._content(block, f"{path}[{index}]")
            else:
                self.notes.append(f"{path}[{index}]: a {_kind(block)} block has no place in a {role.decode()} message")
        self._add_message(role, parts)

    def _add_assistant(self, blocks: Sequence[wire.Block], path: str) -> None:
        parts: list[bytes] = []
        for index, block in enumerate(blocks):
            if isinstance(block, wire.TextBlock):
                text = wire.text_of(block.text, f"{path}[{index}].text")
                if not _is_empty(text):
                    parts.append(_text_part(b"output_text", text))
                continue
            self._add_message(b"assistant", parts)
            parts = []
            if isinstance(block, wire.ToolUseBlock):
                self._add_call(block)
            elif isinstance(block, wire.ThinkingBlock):
                self._add_reasoning(block.signature, f"{path}[{index}]")
            elif isinstance(block, wire.RedactedThinkingBlock):
                self._add_reasoning(block.data, f"{path}[{index}]")
            else:
                self.notes.append(f"{path}[{index}]: a {_kind(block)} block of an assistant was left out")
        self._add_message(b"assistant", parts)

    def _add_reasoning(self, signature: Raw, path: str) -> None:
        sealed = reasoning.unseal(bytes(signature)[1:-1])
        target = self._target
        if sealed is None or not target.capabilities.encrypted_reasoning:
            return  # foreign thinking: another provider's, or text only
        if not target.replay_reasoning or (sealed.account, sealed.model) != (target.account, target.model):
            self.notes.append(f"{path}: reasoning of another account or model cannot be read there and was left out")
            return
        item_id = b'"id":"%s",' % sealed.item_id.encode() if sealed.item_id else b""
        self.parts.append(
            b'{"type":"reasoning",%s"summary":[],"encrypted_content":%s}'
            % (item_id, _encode(sealed.ciphertext.decode()))
        )

    def _add_call(self, block: wire.ToolUseBlock) -> None:
        limits = self._target.capabilities
        name = short_name(block.name, limits.max_tool_name)
        if name != block.name:
            self.full_names[name] = block.name
        call_id = _encode(short_call_id(block.id, limits.max_call_id))
        self._calls.add(block.id)
        self.parts.append(
            b'{"type":"function_call","call_id":%s,"name":%s,"arguments":%s}'
            % (call_id, _encode(name), _encode(str(memoryview(block.input), "utf-8")))
        )
        if block.id not in self._results:
            # Upstream refuses a call without its output (codex-backend.md 2.5).
            self.parts.append(b'{"type":"function_call_output","call_id":%s,"output":%s}' % (call_id, _NO_RESULT))

    def _add_result(self, block: wire.ToolResultBlock, path: str) -> None:
        if block.tool_use_id not in self._calls:
            self._add_orphan(block, path)
            return
        call_id = _encode(short_call_id(block.tool_use_id, self._target.capabilities.max_call_id))
        output = self._output(block, path)
        self.parts.append(b'{"type":"function_call_output","call_id":%s,"output":%s}' % (call_id, output))

    def _output(self, block: wire.ToolResultBlock, path: str) -> bytes:
        content = bytes(block.content)
        if content == b"null":
            content = b'""'
        if content[:1] == b'"':
            return _mark_failed(content) if block.is_error else content
        parts = self._result_parts(block, path)
        return b"[%s]" % b",".join(parts) if parts else b'""'

    def _result_parts(self, block: wire.ToolResultBlock, path: str) -> list[bytes]:
        if bytes(memoryview(block.content)[:1]) != b"[":
            raise fail(FailureKind.BAD_REQUEST, f"{path}.content: expected a string or an array of blocks.")
        parts = [_text_part(b"input_text", _encode(_FAILED))] if block.is_error else []
        for index, inner in enumerate(wire.decode_blocks(block.content, f"{path}.content")):
            parts += self._content(inner, f"{path}.content[{index}]")
        return parts

    def _add_orphan(self, block: wire.ToolResultBlock, path: str) -> None:
        """A result whose call is gone (after a compaction): refused as a result, still of use to the model as text."""
        self.notes.append(f"{path}: the result of an unknown call was sent as text")
        intro = _text_part(b"input_text", b'"Result of an earlier tool call:"')
        if bytes(memoryview(block.content)[:1]) == b'"':
            parts = [] if _is_empty(block.content) else [_text_part(b"input_text", block.content)]
        else:
            parts = self._result_parts(block, path)
        self._add_message(b"user", [intro, *parts])

    def _content(self, block: wire.Block, path: str) -> list[bytes]:
        """Content parts of a user message or a tool result."""
        match block:
            case wire.TextBlock():
                text = wire.text_of(block.text, f"{path}.text")
                return [] if _is_empty(text) else [_text_part(b"input_text", text)]
            case wire.ImageBlock():
                return [
                    b'{"type":"input_image","image_url":%s,"detail":"auto"}' % _address(block.source, path, "image")
                ]
            case wire.DocumentBlock():
                return self._document(block, path)
            case wire.ToolReferenceBlock():
                return [_text_part(b"input_text", _encode(f"The tool {block.tool_name} is available now."))]
            case wire.UnknownBlock():
                self.notes.append(f"{path}: a {block.type} block was sent as its JSON text")
                return [_text_part(b"input_text", _encode(str(memoryview(block.raw), "utf-8")))]
            case _:
                self.notes.append(f"{path}: a {_kind(block)} block has no place here")
                return []

    def _document(self, block: wire.DocumentBlock, path: str) -> list[bytes]:
        source = block.source
        if source.type == "text":
            return [_text_part(b"input_text", wire.text_of(source.data, f"{path}.source.data"))]
        if source.type == "content":
            if bytes(memoryview(source.content)[:1]) == b'"':
                return [_text_part(b"input_text", source.content)]
            inner = wire.decode_blocks(source.content, f"{path}.source.content")
            return [
                part
                for index, one in enumerate(inner)
                for part in self._content(one, f"{path}.source.content[{index}]")
            ]
        address = _address(source, path, "document")
        if source.type == "url":
            return [b'{"type":"input_file","file_url":%s}' % address]
        name = _encode(block.title or "document.pdf")
        return [b'{"type":"input_file","filename":%s,"file_data":%s}' % (name, address)]


def _address(source: wire.Source, path: str, what: str) -> bytes | Raw:
    """The JSON string that upstream takes for a medium: a URL as it is, base64 data as a data URL."""
    if source.type == "url" and not _is_empty(source.url):
        return wire.text_of(source.url, f"{path}.source.url")
    if source.type == "base64":
        data = wire.text_of(source.data, f"{path}.source.data")
        if _is_empty(data):
            raise fail(FailureKind.BAD_REQUEST, f"{path}.source.data: must not be empty.")
        if not source.media_type:
            raise fail(FailureKind.BAD_REQUEST, f"{path}.source.media_type: this field is required.")
        return b'"data:%s;base64,%s' % (_encode(source.media_type)[1:-1], bytes(data)[1:])
    raise fail(
        FailureKind.BAD_REQUEST, f"{path}.source: the {what} source type {source.type!r} cannot be sent upstream."
    )


def _text_part(kind: bytes, text: bytes | Raw) -> bytes:
    return b"".join((b'{"type":"', kind, b'","text":', text, b"}"))


def _mark_failed(text: bytes) -> bytes:
    return _encode(_FAILED)[:-1] + text[1:]


def _is_empty(text: bytes | Raw) -> bool:
    return len(text) <= 2


def _kind(block: wire.Block) -> str:
    return block.type if isinstance(block, wire.UnknownBlock) else str(block.__struct_config__.tag)


def _without_attribution(text: str) -> str:
    """`text` without the client's attribution line, which differs between equal conversations."""
    if not text.startswith(_ATTRIBUTION):
        return text
    return text.partition("\n")[2].lstrip("\n")
