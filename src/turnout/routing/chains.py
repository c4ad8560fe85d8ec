"""Chains of models, ``[a, b, c]``: the first one is asked, and the next where one fails. Pure."""

from __future__ import annotations

import re

_MARK = re.compile(r"\]\[[^\[\]]*\]$")
"""``[1m]`` behind a chain, which clients put behind any name (claude-code-wire.md 1): no part of it."""


def members(text: str) -> tuple[str, ...]:
    """The model strings of a chain; empty for a text that is none."""
    bare = _MARK.sub("]", text.strip())
    if not (bare.startswith("[") and bare.endswith("]")):
        return ()
    return tuple(filter(None, (member.strip() for member in bare[1:-1].split(","))))
