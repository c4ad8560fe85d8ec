"""Reads the quota out of an answer: its headers, or the event ``codex.rate_limits``. Source: codex-backend.md 6.

Pure, and forgiving: the figures come beside an answer that must not suffer from them, so what cannot be read is left
out.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from turnout.quota.windows import Credits, FurtherLimit, Quota, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Credential
    from turnout.protocol.errors import Failure

PLAN = "codex"
"""The family of headers that speaks of the plan itself."""
EVENT = b"codex.rate_limits"
FAR_FUTURE = 4_102_444_800
"""Unix seconds of the year 2100: no window lasts until then."""
_END = "-primary-used-percent"
_ENDINGS = ("-percent", "-minutes", "-at", "-seconds", "-name", "-type", "-credits", "-unlimited", "-balance")
"""How the names of all headers end that are read here."""
_YES = frozenset({"true", "1"})


def from_headers(
    headers: Mapping[str, str], credential: Credential, now: float, *, refused: bool = False
) -> Quota | None:
    """The quota in the headers of an answer (names in any case); None if they say nothing. ``now``: Unix seconds.

    Only where the request was ``refused`` does a limit count as reached that they name: credits go on behind it.
    """
    if not headers:
        return None
    names, values = zip(*headers.items(), strict=True)
    places = _places(names)
    if not places:
        return None
    said = tuple([(name, values[place]) for name, place in places])
    figures = _read_once(said)
    if figures.spans:
        figures = _read(dict(said), now)
    return Quota(
        account=credential.account,
        tag=credential.tag,
        plan=figures.plan or credential.plan,
        windows=figures.windows,
        further=figures.further,
        credits=figures.credits,
        reached=figures.reached if refused else "",
        seen_at=now,
    )


def from_event(data: bytes, credential: Credential, now: float) -> Quota | None:
    """The quota in the data of an event ``codex.rate_limits``; None if it cannot be read or says nothing.

    That a limit is reached is left to the refusal that may follow: credits go on behind it.
    """
    try:
        event = _decode_event(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    limits = event.rate_limits
    if limits is None or event.metered_limit_name not in (None, "", PLAN):
        return None
    windows = tuple(
        made
        for said in (limits.primary, limits.secondary)
        if said and (made := window(said.used_percent, said.window_minutes, said.reset_at))
    )
    credits = event.credits
    return Quota(
        account=credential.account,
        tag=credential.tag,
        plan=event.plan_type or credential.plan,
        windows=windows,
        credits=Credits(credits.has_credits, credits.unlimited, _text(credits.balance)) if credits else None,
        seen_at=now,
        origin="event",
    )


def from_refusal(failure: Failure, headers: Mapping[str, str], credential: Credential, now: float) -> Quota:
    """The quota after upstream has refused a request with ``USAGE_LIMIT``. What its headers say comes along."""
    said = from_headers(headers, credential, now, refused=True)
    until = failure.resets_at
    if until is None and failure.retry_after is not None:
        until = int(now + failure.retry_after)
    known = said or Quota(account=credential.account, tag=credential.tag, plan=credential.plan)
    made = msgspec.structs.replace(
        known, reached=known.reached or failure.code or "rate_limit_reached", refused_at=now, seen_at=now
    )
    return msgspec.structs.replace(made, reached_until=until or made.resets_at, origin="refusal")


def window(used: float | None, minutes: float | None, resets_at: float | None) -> Window | None:
    """A window of these figures; None for one that is absent: nothing used, and nothing else said."""
    if used is None or not math.isfinite(used):
        return None
    length = int(minutes) if minutes is not None and 0 < minutes < FAR_FUTURE else None
    reset = int(resets_at) if resets_at is not None and 0 < resets_at < FAR_FUTURE else None
    if used <= 0 and length is None and reset is None:
        return None
    return Window(min(max(used, 0.0), 100.0), length, reset)


class _Figures(NamedTuple):
    """What headers say."""

    plan: str
    windows: tuple[Window, ...]
    further: tuple[FurtherLimit, ...]
    credits: Credits | None
    reached: str
    spans: bool
    """Times are told as spans: they mean something else with each answer."""


def _read(said: Mapping[str, str], now: float) -> _Figures:
    families = [name[2 : -len(_END)] for name in said if name.endswith(_END)]
    return _Figures(
        plan=said.get("x-codex-plan-type", ""),
        windows=_windows(said, PLAN, now),
        further=tuple(
            FurtherLimit(family.replace("-", "_"), windows, said.get(f"x-{family}-limit-name", ""))
            for family in families
            if family != PLAN and (windows := _windows(said, family, now))
        ),
        credits=_credits(said),
        reached=said.get("x-codex-rate-limit-reached-type", ""),
        spans=any(name.endswith("-seconds") for name in said),
    )


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """The headers that are read here, in lower case, and where each is among all ``names`` of an answer; none if they
    say nothing of the quota. Found once for answers that have the same headers, as most do."""
    lowered = ((name.lower(), place) for place, name in enumerate(names))
    read = tuple((name, place) for name, place in lowered if name.startswith("x-") and name.endswith(_ENDINGS))
    return read if any(name.endswith(_END) for name, _ in read) else ()


@lru_cache(maxsize=64)
def _read_once(said: tuple[tuple[str, str], ...]) -> _Figures:
    """`_read`, once for answers that say the same."""
    return _read(dict(said), 0.0)


def _windows(said: Mapping[str, str], family: str, now: float) -> tuple[Window, ...]:
    found = []
    for place in ("primary", "secondary"):
        prefix = f"x-{family}-{place}"
        reset = _number(said.get(f"{prefix}-reset-at"))
        if reset is None and (wait := _number(said.get(f"{prefix}-reset-after-seconds"))) is not None:
            reset = now + wait
        made = window(_number(said.get(f"{prefix}-used-percent")), _number(said.get(f"{prefix}-window-minutes")), reset)
        if made is not None:
            found.append(made)
    return tuple(found)


def _credits(said: Mapping[str, str]) -> Credits | None:
    has = said.get("x-codex-credits-has-credits")
    if has is None:
        return None
    unlimited = said.get("x-codex-credits-unlimited", "").lower() in _YES
    return Credits(has.lower() in _YES, unlimited, said.get("x-codex-credits-balance", ""))


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _text(balance: str | int | float | None) -> str:
    return "" if balance is None else str(balance)


class _EventWindow(msgspec.Struct, frozen=True):
    used_percent: float | None = None
    window_minutes: float | None = None
    reset_at: float | None = None


class _EventLimits(msgspec.Struct, frozen=True):
    primary: _EventWindow | None = None
    secondary: _EventWindow | None = None


class _EventCredits(msgspec.Struct, frozen=True):
    has_credits: bool = False
    unlimited: bool = False
    balance: str | int | float | None = None


class _Event(msgspec.Struct, frozen=True):
    plan_type: str | None = None
    rate_limits: _EventLimits | None = None
    credits: _EventCredits | None = None
    metered_limit_name: str | None = None


_decode_event = msgspec.json.Decoder(_Event).decode
