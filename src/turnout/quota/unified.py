"""The quota as Anthropic's own headers on answers, ``anthropic-ratelimit-unified-*``. Pure.

Claude Code 2.1.328 reads them (the names are in its program); with a token in place of a login it shows nothing of them
(claude-code-wire.md 6), other clients do. Only windows of the lengths that the names stand for are named: five hours
and seven days.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from turnout.quota.windows import WEEK_MINUTES

if TYPE_CHECKING:
    from turnout.quota.windows import Quota, Window

PREFIX = b"anthropic-ratelimit-unified-"
CLAIMS = {300: (b"5h", b"five_hour"), WEEK_MINUTES: (b"7d", b"seven_day")}
"""Length in minutes → how headers and claims call the window."""
WARNING_PERCENT = 90.0

Headers = tuple[tuple[bytes, bytes], ...]


def headers(quota: Quota, now: float, *, refused: bool = False) -> Headers:
    """The headers for an answer. ``refused``: it is the refusal of a request. ``now``: Unix seconds."""
    if not quota.windows and not refused:
        return ()
    return _made(quota.windows, quota.resets_at if refused else None, int(now), refused)


@lru_cache(maxsize=64)  # the answers of a second mostly say the same
def _made(windows: tuple[Window, ...], reset: int | None, now: int, refused: bool) -> Headers:
    tightest = max(windows, key=lambda window: window.used(now), default=None)
    used = tightest.used(now) if tightest else 0.0
    status = b"rejected" if refused else b"allowed_warning" if used >= WARNING_PERCENT else b"allowed"
    made = [(PREFIX + b"status", status)]
    resets_at = reset if refused else tightest.resets_at if tightest else None
    if resets_at is not None:
        made.append((PREFIX + b"reset", b"%d" % resets_at))
    for window in windows:
        named = CLAIMS.get(window.minutes or 0)
        if named is None:
            continue
        short, claim = named
        if window is tightest:
            made.append((PREFIX + b"representative-claim", claim))
        made += _of_window(PREFIX + short, window, now, refused=refused)
    return tuple(made)


def _of_window(prefix: bytes, window: Window, now: float, *, refused: bool) -> list[tuple[bytes, bytes]]:
    used = window.used(now)
    full = refused and used >= 100
    status = b"rejected" if full else b"allowed_warning" if used >= WARNING_PERCENT else b"allowed"
    made = [(prefix + b"-status", status), (prefix + b"-utilization", b"%.4g" % (used / 100))]
    if window.resets_at is not None:
        made.append((prefix + b"-reset", b"%d" % window.resets_at))
    return made
