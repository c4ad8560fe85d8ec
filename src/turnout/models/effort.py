"""Reasoning effort: its order, what a model supports of it, and what a thinking budget stands for. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnout.models.catalogue import ModelFacts

ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Efforts from least to most (codex-backend.md 5.3)."""

MULTI_AGENT = "ultra"
"""A client's preset and no effort of the server's: a model says what it stands for."""

USUAL = "high"
"""What an effort that nobody knows (any more) counts as: clients keep old values in their settings."""

BUDGETS = ((2_000, "low"), (8_000, "medium"), (24_001, "high"))
"""Thinking budgets in tokens below which an effort is meant; above them all it is ``xhigh`` (codex-backend.md 5.3)."""


def known(effort: str) -> bool:
    """Whether this is an effort at all."""
    return effort in ORDER or effort == MULTI_AGENT


def normal(effort: str) -> str:
    """The effort that a client's word means, in any case and with spaces around; `USUAL` for one that is none."""
    word = effort.strip().lower()
    return word if known(word) else USUAL


def cap(effort: str | None, facts: ModelFacts | None) -> str | None:
    """The effort to send for the one asked: the highest the model supports up to it, else the model's lowest.

    None, which leaves the effort to the server, if none is asked or if the model is unknown (a server refuses an
    effort that its model does not have, codex-backend.md 5.3).
    """
    if effort is None or facts is None or not known(effort) or not facts.efforts:
        return None
    if effort == MULTI_AGENT:
        effort = facts.multi_agent_effort or ORDER[-1]
    supported = sorted(facts.efforts, key=ORDER.index)
    within = [candidate for candidate in supported if ORDER.index(candidate) <= ORDER.index(effort)]
    return within[-1] if within else supported[0]


def of_budget(tokens: int) -> str:
    """The effort that a thinking budget in tokens stands for."""
    return next((effort for below, effort in BUDGETS if tokens < below), "xhigh")
