"""The user's rules: which one fits a request by its kind and size, and what is said of it. Pure."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.config import Rule
    from turnout.models.slots import SlotName

BYTES_A_TOKEN = 4
"""By which sizes are estimated: a rule need not count."""

_SEARCH = re.compile(rb'"type"\s*:\s*"web_search')
"""A web search that the server makes, among a client's tools; in a description its quotes would be escaped."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What rules ask of a request."""

    slot: SlotName
    subagent: bool
    """A subagent of the client's asks."""
    small: bool
    """It offers no tools."""
    searches: bool
    """It wants the web searched."""
    tokens: int
    """Its size, as far as it is known; 0: it is not."""

    @property
    def background(self) -> bool:
        """It is one of Claude Code's small helper calls."""
        return self.small and not self.subagent and self.slot in ("haiku", "background")


def first(rules: Iterable[Rule], seen: Seen) -> Rule | None:
    """The first rule that fits; None if none does."""
    return next((rule for rule in rules if fits(rule, seen)), None)


def fits(rule: Rule, seen: Seen) -> bool:
    """Whether all conditions of the rule hold. A size that is not known is neither above nor below anything."""
    kinds = {"": True, "background": seen.background, "subagent": seen.subagent, "web_search": seen.searches}
    return (
        kinds[rule.kind]
        and rule.slot in ("", seen.slot)
        and (not rule.above or seen.tokens > rule.above)
        and (not rule.below or 0 < seen.tokens < rule.below)
    )


class Watched(msgspec.Struct, frozen=True):
    """What of a request the rules look at, which makes a difference for nothing else."""

    searches: bool
    """Whether it wants the web searched."""
    above: float
    """Tokens above which the first condition on its size holds; infinite if there is none."""
    below: int
    """Tokens below which the first one holds; 0 if there is none."""

    @classmethod
    def by(cls, rules: Iterable[Rule]) -> Self:
        """What these rules look at."""
        there = list(rules)
        return cls(
            searches=any(rule.kind == "web_search" for rule in there),
            above=min((rule.above for rule in there if rule.above), default=math.inf),
            below=max((rule.below for rule in there), default=0),
        )

    def size(self, tokens: int) -> int:
        """The size, where any rule's condition on it holds; else 0, as if it were not known: that comes to the same."""
        return tokens if tokens > self.above or tokens < self.below else 0


def wants_search(tools: bytes) -> bool:
    """Whether a request's tools, as they were sent, hold a web search that the server makes."""
    return _SEARCH.search(tools) is not None


def reason(rule: Rule, number: int, seen: Seen) -> str:
    """What is said of the rule in a record. ``number`` is its place, from 1."""
    conditions = [
        rule.kind,
        f"slot {rule.slot}" if rule.slot else "",
        f"about {seen.tokens} tokens, above {rule.above}" if rule.above else "",
        f"about {seen.tokens} tokens, below {rule.below}" if rule.below else "",
    ]
    why = ", ".join(filter(None, conditions)) or "every request"
    return f"the rule {rule.name or number} applies ({why})"
