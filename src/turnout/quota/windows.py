"""The quota of an account as values: its windows, its credits, whether a limit is reached. Pure.

Knows nothing of where the figures come from (`turnout.quota.readers`, `turnout.quota.wham`) or are kept
(`turnout.quota.board`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Origin = Literal["headers", "event", "usage", "refusal"]
"""``headers``, ``event``: of an answer, for free. ``usage``: the usage endpoint. ``refusal``: a limit was reached."""

DAY_MINUTES = 24 * 60
WEEK_MINUTES = 7 * DAY_MINUTES
MONTH_MINUTES = (28 * DAY_MINUTES, 31 * DAY_MINUTES)


class Window(msgspec.Struct, frozen=True, omit_defaults=True):
    """A stretch of time in which only so much may be used."""

    used_percent: float
    """0 to 100."""
    minutes: int | None = None
    """Its length; None if it was not said. Never to be guessed from its place (codex-backend.md 6)."""
    resets_at: int | None = None
    """Unix seconds at which it begins anew."""

    def used(self, now: float) -> float:
        """Percent used at ``now`` (Unix seconds): none, once the window has begun anew."""
        return 0.0 if self.resets_at is not None and self.resets_at <= now else self.used_percent

    @property
    def name(self) -> str:
        """Its length in words: ``5 h``, ``weekly``, ``monthly``."""
        minutes = self.minutes
        if minutes is None:
            return "window"
        if minutes == DAY_MINUTES:
            return "daily"
        if minutes == WEEK_MINUTES:
            return "weekly"
        if MONTH_MINUTES[0] <= minutes <= MONTH_MINUTES[1]:
            return "monthly"
        if minutes % DAY_MINUTES == 0:
            return f"{minutes // DAY_MINUTES} d"
        return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


class Credits(msgspec.Struct, frozen=True, omit_defaults=True):
    """Credits that go on where the plan ends."""

    has_credits: bool = False
    unlimited: bool = False
    balance: str = ""
    """As upstream writes it; empty if it does not."""


class FurtherLimit(msgspec.Struct, frozen=True, omit_defaults=True):
    """A limit beside the plan's own, mostly for certain models."""

    id: str
    windows: tuple[Window, ...]
    name: str = ""
    """What upstream calls it in words."""


class Quota(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of one account's quota."""

    account: str
    """Its nickname."""
    tag: str = ""
    """`Account.tag`: figures of another account under the same nickname are not its own."""
    plan: str = ""
    windows: tuple[Window, ...] = ()
    """The plan's, in upstream's order."""
    further: tuple[FurtherLimit, ...] = ()
    credits: Credits | None = None
    reached: str = ""
    """Upstream's word for the limit that is reached (``rate_limit_reached``); empty if none is."""
    reached_until: int | None = None
    """Unix seconds at which upstream said that it takes requests again."""
    refused_at: float | None = None
    """Unix seconds at which it last refused one for that."""
    seen_at: float = 0.0
    """Unix seconds at which these figures were said."""
    origin: Origin = "headers"

    def is_reached(self, now: float) -> bool:
        """Whether a limit is reached at ``now`` (Unix seconds), as far as is known."""
        return bool(self.reached) and (self.resets_at is None or self.resets_at > now)

    @property
    def resets_at(self) -> int | None:
        """When requests are taken again: as said in a refusal, else the latest reset of the windows that are full."""
        if self.reached_until is not None:
            return self.reached_until
        full = [window.resets_at for window in self.windows if window.used_percent >= 100 and window.resets_at]
        return max(full, default=None)


def joined(known: Quota | None, seen: Quota) -> Quota:
    """What is known after ``seen``. Answers do not say everything each time: what one leaves out still counts."""
    if known is None or known.tag != seen.tag or known.seen_at > seen.seen_at:
        return seen if known is None or known.tag != seen.tag else known
    refusal = seen.origin == "refusal"
    return msgspec.structs.replace(
        seen,
        plan=seen.plan or known.plan,
        windows=seen.windows or known.windows,
        further=seen.further if seen.further or seen.origin == "usage" else known.further,
        credits=seen.credits or known.credits,
        refused_at=seen.refused_at if refusal else None,
    )
