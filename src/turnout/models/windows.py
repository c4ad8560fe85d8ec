"""How much a model reads at most, and from how much on a request is not worth sending. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.models.catalogue import ModelFacts

FEWEST_BYTES = 2
"""Bytes that a token of a request has at the least, on average: prose and code in any language have three to five."""


def whole(facts: ModelFacts | None, upstream: str) -> int | None:
    """The model's whole window in tokens at that upstream; None if it is not known.

    The usable window, which the client is told, is smaller: it leaves room for the answer.
    """
    if facts is None:
        return None
    return facts.window if upstream == "codex" else facts.api_window


def limit(facts: ModelFacts | None, upstream: str, share: float) -> int | None:
    """The tokens from which on a request is refused: a ``share`` (0 to 1) of the window; None for no limit."""
    window = whole(facts, upstream)
    return int(window * share) if window is not None and share > 0 else None


def most_tokens(size: int) -> int:
    """The most tokens that so many bytes of a request have: the cheap question before counting."""
    return max(0, size) // FEWEST_BYTES
