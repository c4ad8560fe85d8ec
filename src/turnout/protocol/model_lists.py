"""Lists of models as the Anthropic API and the OpenAI API give them. Records only."""

from __future__ import annotations

from typing import Literal

import msgspec

EPOCH = "1970-01-01T00:00:00Z"
"""What Anthropic's API says of models whose release day is not known."""


class AnthropicModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of ``GET /v1/models``; the fields are those of anthropic-python 2.10's ``ModelInfo``.

    Claude Code reads ``id`` and ``display_name`` only (claude-code-wire.md 8).
    """

    type: Literal["model"] = "model"
    id: str
    display_name: str
    created_at: str = EPOCH
    lifecycle: Literal["active"] = "active"
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class AnthropicPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them."""

    data: list[AnthropicModel]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the OpenAI API's list (codex-backend.md 4), and its window, which many other servers tell as well."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    """Unix time; nobody has told."""
    owned_by: str = "openai"
    context_window: int | None = None


class OpenAIList(msgspec.Struct, frozen=True, kw_only=True):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[OpenAIModel]
