"""What a server of the Responses API takes, declared once per upstream.

Translators and routing read these values and never ask which upstream it is.
"""

from __future__ import annotations

import msgspec


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
    zstd: bool = False
    """Takes zstd-compressed request bodies."""
