"""Answers of Chat Completions as typed records: only the fields that Turnout reads, and as loosely as servers write.

Fields follow the openai SDK's types; what compatible servers add is marked with whose it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol.reading import NULL

if TYPE_CHECKING:
    from collections.abc import Callable


class FunctionDelta(msgspec.Struct):
    """More of a function's call."""

    name: str | None = None
    arguments: Raw = NULL
    """A piece of JSON text; the object itself from some servers."""


class CallDelta(msgspec.Struct):
    """More of one of the calls."""

    index: int | None = None
    """Missing where a server sends each call whole."""
    id: str | None = None
    function: FunctionDelta | None = None


class Delta(msgspec.Struct):
    """What a chunk adds to the answer, or a whole message."""

    content: Raw = NULL
    """A string; parts (`Part`) from Mistral's servers."""
    refusal: Raw = NULL
    reasoning_content: Raw = NULL
    """Of DeepSeek, Moonshot, vLLM, llama.cpp, SGLang and others."""
    reasoning: Raw = NULL
    """The same of OpenRouter, Groq, Ollama and newer vLLM."""
    reasoning_details: Raw = NULL
    """Of OpenRouter: what it wants back with the next request."""
    tool_calls: list[CallDelta] | None = None
    function_call: FunctionDelta | None = None


class Part(msgspec.Struct):
    """A part of the content: ``text``, or ``thinking`` with parts of its own."""

    type: str = ""
    text: str | None = None
    thinking: list[Part] | str | None = None


class Choice(msgspec.Struct):
    """One answer. Only the first is read: no more were asked for."""

    index: int = 0
    delta: Delta | None = None
    message: Delta | None = None
    """In place of ``delta`` in an answer that is no stream."""
    finish_reason: str | None = None
    usage: Raw = NULL
    """Of Moonshot."""


class Chunk(msgspec.Struct):
    """A chunk of the stream, or a whole answer."""

    choices: list[Choice] | None = None
    usage: Raw = NULL
    """`Usage`; the last one counts."""
    error: Raw = NULL
    """An error object: the answer has failed."""


class PromptDetails(msgspec.Struct):
    """``usage.prompt_tokens_details``."""

    cached_tokens: int | float | None = None
    cache_write_tokens: int | float | None = None


class CompletionDetails(msgspec.Struct):
    """``usage.completion_tokens_details``."""

    reasoning_tokens: int | float | None = None


class Usage(msgspec.Struct):
    """Tokens: the prompt's include the cached ones, the completion's the reasoning."""

    prompt_tokens: int | float | None = None
    completion_tokens: int | float | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | float | None = None
    """Of DeepSeek."""
    cached_tokens: int | float | None = None
    """Of Moonshot."""


_decode_chunk = msgspec.json.Decoder(Chunk).decode
_decode_usage: Callable[[Raw], Usage | None] = msgspec.json.Decoder(Usage | None).decode
_decode_text: Callable[[Raw], str | list[Part] | None] = msgspec.json.Decoder(str | list[Part] | None).decode


def decode_chunk(data: bytes) -> Chunk:
    """Reads a chunk, or a whole answer. Raises `msgspec.DecodeError`."""
    return _decode_chunk(data)


def decode_usage(raw: Raw) -> Usage | None:
    """Reads the usage; None if there is none, or none that can be read: the answer does not hang on it."""
    try:
        return _decode_usage(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def decode_content(raw: Raw) -> tuple[str, str]:
    """The thinking and the text in a content. Raises `msgspec.DecodeError`."""
    content = _decode_text(raw)
    if isinstance(content, str) or content is None:
        return "", content or ""
    thinking = "".join(_thinking(part) for part in content if part.type == "thinking")
    return thinking, "".join(part.text or "" for part in content if part.type == "text")


def _thinking(part: Part) -> str:
    inside = part.thinking
    return inside if isinstance(inside, str) else "".join(each.text or "" for each in inside or ())
