"""Requests as routing sees them."""

from __future__ import annotations

import msgspec
from msgspec import Raw

NULL = Raw(b"null")
SOME_TOOLS = Raw(b'[{"name":"Bash"}]')


class Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class OutputConfig(msgspec.Struct):
    effort: str | None = None


class Request(msgspec.Struct):
    model: str = "claude-opus-5-5"
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    tools: Raw = SOME_TOOLS
    speed: Raw = NULL
    service_tier: Raw = NULL


def asking(effort: str | None = None, thinking: Thinking | None = None, model: str = "claude-opus-5-5") -> Request:
    return Request(model=model, thinking=thinking, output_config=None if effort is None else OutputConfig(effort))
