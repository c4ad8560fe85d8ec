"""What a server of the Responses API takes, declared once per upstream.

Translators and routing read these values and never ask which upstream it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What one upstream accepts. The defaults are those of a plain, modern Responses server."""

    fields: frozenset[str] = frozenset(
        {
            "model",
            "instructions",
            "input",
            "tools",
            "tool_choice",
            "parallel_tool_calls",
            "reasoning",
            "store",
            "stream",
            "include",
            "prompt_cache_key",
            "text",
            "service_tier",
        }
    )
    """The allow-list of top-level request fields; nothing else is ever sent (codex-backend.md 2.4)."""
    instructions_required: bool = False
    """``instructions`` must be present, be it empty (codex-backend.md 0.1)."""
    encrypted_reasoning: bool = True
    """Reasoning items come with ``encrypted_content`` and are accepted back."""
    lite_framing: bool = False
    """Knows the Responses Lite framing (codex-backend.md 2.3)."""
    max_call_id: int = 64
    """Longest ``call_id`` in characters (codex-backend.md 2.5)."""
    max_tool_name: int = 64
    """Longest function name in characters (codex-backend.md 2.5)."""
    images: bool = True
    """Takes ``input_image`` parts."""
    files: bool = True
    """Takes ``input_file`` parts (PDFs)."""
    hosted_search: bool = False
    """Searches the web itself, with the tool ``web_search`` (codex-backend.md 2.5). Only in plain framing (2.3)."""
    search_filters: frozenset[str] = frozenset({"allowed_domains"})
    """The filters of that tool; OpenAI's guide ("Domain filtering") also has ``blocked_domains``, Codex uses it not."""
    search_sources: bool = False
    """Takes ``web_search_call.action.sources`` in ``include`` (codex-backend.md 2.5)."""
    unfinished_turns: bool = False
    """May end an answer with ``end_turn: false``, which asks for another request (codex-backend.md 3.2)."""
    tool_search: bool = False
    """Has client-executed ``tool_search``: tools may be loaded while a conversation runs (codex-backend.md 2.5)."""
    tiers: frozenset[str] = frozenset({"flex", "priority"})
    """Values of ``service_tier`` that may be asked for (codex-backend.md 2.2)."""
    catalogued: bool = False
    """Serves the models of the catalogue and no others, and each with the tiers and plans that it names there."""
    client_fields: frozenset[str] = frozenset()
    """Further request fields, which are sent only where a client of the Responses API has sent them itself."""
    includes: frozenset[str] | None = None
    """Values of ``include`` that it takes; None for all."""
    stored_responses: bool = False
    """Keeps responses and conversations, and takes their ids back (codex-backend.md 4)."""
    system_role: bool = True
    """Takes messages of the role ``system``; else they are a developer's (codex-backend.md 2.4)."""
    internal_metadata: bool = False
    """Takes the Codex CLI's own notes on items (codex-backend.md 2.2)."""
    zstd: bool = False
    """Takes zstd-compressed request bodies."""
    refused_schema_keywords: frozenset[str] = frozenset({"$id", "$schema"})
    """JSON Schema keywords that a tool's schema must not hold anywhere; ``$ref`` for a server that takes no references
    (codex-backend.md 2.5)."""
    refused_root_keywords: frozenset[str] = frozenset({"allOf", "anyOf", "enum", "not", "oneOf"})
    """JSON Schema keywords that must not stand at the top level of a tool's schema (reported as ``schema must have type
    'object' and not have …``)."""


CODEX = Capabilities(
    tool_search=True,
    instructions_required=True,
    lite_framing=True,
    hosted_search=True,
    unfinished_turns=True,
    tiers=frozenset({"priority"}),
    catalogued=True,
    client_fields=frozenset({"client_metadata"}),
    includes=frozenset({"reasoning.encrypted_content"}),
    system_role=False,
    internal_metadata=True,
)
"""The ChatGPT (Codex) backend. The fields are the defaults: exactly the allow-list of codex-backend.md 2.4, without
``client_metadata``, which only the Codex CLI has reason to send."""

OPENAI = Capabilities(
    fields=Capabilities().fields | {"max_output_tokens", "max_tool_calls"},
    hosted_search=True,
    tool_search=True,
    search_filters=frozenset({"allowed_domains", "blocked_domains"}),
    search_sources=True,
    client_fields=frozenset(
        {
            "context_management",
            "conversation",
            "metadata",
            "moderation",
            "previous_response_id",
            "prompt",
            "prompt_cache_options",
            "prompt_cache_retention",
            "safety_identifier",
            "temperature",
            "top_logprobs",
            "top_p",
            "truncation",
            "user",
        }
    ),
    stored_responses=True,
)
"""The OpenAI API. ``temperature`` and ``top_p`` are left out of the usual fields: the reasoning models refuse them
(codex-backend.md 4)."""

USUAL: Mapping[str, Capabilities] = {"codex": CODEX, "openai": OPENAI}
"""The upstreams that there are, by name."""
