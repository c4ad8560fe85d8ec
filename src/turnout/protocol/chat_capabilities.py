"""What a server takes that has only Chat Completions, declared once per upstream.

The defaults are those of OpenAI's own API as far as most compatible servers follow it; a server that takes less, or has
other names for it, says so here and nowhere in the code.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from turnout.protocol.capabilities import Capabilities

UNKNOWN_LONGEST = 8192
"""Tokens that the answers of any model of today may have."""

ReasoningField = Literal["", "reasoning_content", "reasoning"]


class ChatCapabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one such upstream accepts."""

    fields: frozenset[str] = frozenset({"temperature", "top_p"})
    """Further top-level fields that may be sent as they are: ``service_tier``, ``prompt_cache_key``, ``user``, …"""
    developer_role: bool = False
    """Knows the role ``developer``; else instructions have the role ``system``."""
    system_anywhere: bool = True
    """Instructions may stand behind other messages; else such ones are said by the user. Some models' templates refuse
    a second system message."""
    text_parts: bool = True
    """Takes a message's texts in parts; else they are joined."""
    images: bool = True
    """Takes ``image_url`` parts in user messages."""
    files: bool = False
    """Takes ``file`` parts in user messages."""
    tools: bool = True
    """Calls functions."""
    tool_choices: frozenset[str] = frozenset({"auto", "none", "required", "named"})
    """What ``tool_choice`` may be; ``named`` is a function by its name."""
    parallel_tool_calls: bool = False
    """Takes the field, which is only sent to switch parallel calls off."""
    strict: bool = False
    """Takes ``strict`` in functions and schemas."""
    response_formats: frozenset[str] = frozenset({"json_schema", "json_object"})
    """What ``response_format`` may be. Without ``json_schema`` the schema is told to the model."""
    reasoning_effort: bool = False
    """Takes ``reasoning_effort``."""
    verbosity: bool = False
    """Takes ``verbosity``."""
    replayed_reasoning: Literal["none", "turn", "all"] = "turn"
    """Earlier reasoning that is sent back: none of it, that since the user last spoke (which DeepSeek and Moonshot want
    while tools are called), or all."""
    max_tokens_field: Literal["", "max_tokens", "max_completion_tokens"] = "max_tokens"
    """The name of the limit on output."""
    longest_answer: int = 0
    """Tokens that an answer may have: higher limits are lowered to it. 0: not known; then limits above
    `UNKNOWN_LONGEST` are not sent, since servers refuse one that their model, or what is left of its window, cannot
    hold."""
    stream_usage: bool = True
    """Takes ``stream_options.include_usage``."""
    max_call_id: int = 64
    """Longest ``tool_call_id`` in characters."""
    max_tool_name: int = 64
    """Longest function name in characters."""
    refused_schema_keywords: frozenset[str] = frozenset({"$id", "$schema"})
    """As in `Capabilities`."""

    def as_responses(self) -> Capabilities:
        """The same for translators into the pivot, behind which the request becomes one of Chat Completions."""
        fields = Capabilities().fields - {"service_tier", "prompt_cache_key"} | self.fields
        if self.max_tokens_field:
            fields |= {"max_output_tokens"}
        return Capabilities(
            fields=fields,
            encrypted_reasoning=self.replayed_reasoning != "none",
            images=self.images,
            files=self.files,
            max_call_id=self.max_call_id,
            max_tool_name=self.max_tool_name,
            refused_schema_keywords=self.refused_schema_keywords,
        )
