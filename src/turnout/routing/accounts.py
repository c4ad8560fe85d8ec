"""Decides which of a user's accounts a request is sent with, and in what order others are tried. Pure.

Knows accounts by nickname and by what upstream last said of their limits; nothing of credentials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.config import Config

ASKED_ANEW_SECONDS = 300.0
"""Age from which a refusal is doubted: credits may have been bought, a limit reset by hand."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One account, as far as the choice goes."""

    name: str
    dry: bool = False
    """Its limit is reached, as far as is known."""
    opens_at: float | None = None
    """Unix seconds at which it takes requests again; None if upstream did not say."""
    refused_at: float | None = None
    """Unix seconds at which it last refused a request."""


def in_order(standings: Sequence[Standing], stays: str, now: float, *, spills: bool) -> list[str]:
    """The accounts to try, one after the other, for a request of a session that was last sent with ``stays``.

    ``standings`` are in the user's order; ``now`` is in Unix seconds. A session stays where it is while it can: its
    prompt cache and its reasoning are there. Where every account is dry, one is asked all the same, since only upstream
    knows; but with somewhere else to go (``spills``) only one whose refusal is old.
    """
    open_ones = [each.name for each in standings if not each.dry]
    if open_ones:
        return sorted(open_ones, key=lambda name: name != stays)
    doubted = [each for each in standings if each.refused_at is None or now - each.refused_at >= ASKED_ANEW_SECONDS]
    asked = doubted if spills else doubted or list(standings)
    return [each.name for each in _by_opening(asked)[:1]]


def first_to_open(standings: Sequence[Standing]) -> Standing | None:
    """The account whose limit ends first; None without accounts."""
    return next(iter(_by_opening(standings)), None)


def at_a_limit(config: Config) -> str:
    """What happens when the limit of a plan is reached, as a line to print below those of `mapping`.

    Empty where no requests go by a plan.
    """
    if config.upstream != "codex":
        return ""
    settings = config.accounts
    ways = ["your next account"] if settings.policy == "failover" else []
    if settings.spill_to == "openai":
        ways.append(f"the OpenAI API for {settings.spill_limit:.2f} dollars a month at most")
    return f"limit  → {', then '.join(ways) or 'told to the client, with the time it opens again'}"


def _by_opening(standings: Sequence[Standing]) -> list[Standing]:
    return sorted(standings, key=lambda each: float("inf") if each.opens_at is None else each.opens_at)
