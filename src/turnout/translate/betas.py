"""The betas that a client asks for by header: which of them mean something here.

The list is open, new ones come with each release, and none is ever refused (claude-code-wire.md 1, 13.4).
"""

from __future__ import annotations

from functools import lru_cache

from turnout.protocol.fidelity import Note, ignored

CARRIED = (
    "claude-code-",
    "interleaved-thinking-",
    "mid-conversation-system-2",
    "mid-conversation-tool-changes-",
    "per-turn-control-",
    "effort-",
    "advanced-tool-use-",
    "structured-outputs-",
    "fine-grained-tool-streaming-",
    "token-counting-",
    "fast-mode-",
    "web-search-",
    "thinking-token-count-",
)
"""Beginnings of the betas whose features are carried over, or which ask for what upstream does anyway."""


@lru_cache(maxsize=64)  # a client sends the same header with each request
def beta_notes(header: str) -> tuple[Note, ...]:
    """What there is to say of the header ``anthropic-beta``."""
    names = [name.strip() for name in header.split(",")]
    without = [name for name in names if name and not name.startswith(CARRIED)]
    if not without:
        return ()
    return (ignored("anthropic-beta", f"without effect upstream: {', '.join(without)[:500]}"),)
