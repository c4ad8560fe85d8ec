"""The usage endpoint's answer (codex-backend.md 6): read from the ChatGPT backend, written for Codex clients. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.quota.readers import window
from turnout.quota.windows import Credits, FurtherLimit, Quota, Window

if TYPE_CHECKING:
    from turnout.accounts.credential import Credential


class UsageWindow(msgspec.Struct, frozen=True, kw_only=True):
    """A window, with its length in seconds."""

    used_percent: float = 0
    limit_window_seconds: float | None = None
    reset_after_seconds: float | None = None
    reset_at: float | None = None


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit with its windows."""

    allowed: bool | None = None
    limit_reached: bool | None = None
    primary_window: UsageWindow | None = None
    secondary_window: UsageWindow | None = None


class UsageCredits(msgspec.Struct, frozen=True, kw_only=True):
    """Credits."""

    has_credits: bool = False
    unlimited: bool = False
    balance: str | int | float | None = None


class AdditionalLimit(msgspec.Struct, frozen=True, kw_only=True):
    """A limit beside the plan's own."""

    limit_name: str | None = None
    metered_feature: str | None = None
    rate_limit: RateLimit | None = None


class ReachedType(msgspec.Struct, frozen=True, kw_only=True):
    """Which limit is reached."""

    type: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer."""

    plan_type: str | None = None
    rate_limit: RateLimit | None = None
    credits: UsageCredits | None = None
    additional_rate_limits: list[AdditionalLimit] | None = None
    rate_limit_reached_type: ReachedType | None = None


_decode = msgspec.json.Decoder(Usage).decode


def read(body: bytes, credential: Credential, now: float) -> Quota:
    """The quota in the endpoint's answer. ``now``: Unix seconds. Raises `msgspec.DecodeError` if it is none."""
    usage = _decode(body)
    limit = usage.rate_limit
    windows = _windows(limit, now)
    reached = ""
    if limit is not None and (limit.allowed is False or (limit.allowed is None and limit.limit_reached)):
        named = usage.rate_limit_reached_type
        reached = named.type if named and named.type else "rate_limit_reached"
    further = tuple(
        FurtherLimit(each.metered_feature or each.limit_name or "", found, each.limit_name or "")
        for each in usage.additional_rate_limits or ()
        if (found := _windows(each.rate_limit, now))
    )
    credits = usage.credits
    balance = "" if credits is None or credits.balance is None else str(credits.balance)
    return Quota(
        account=credential.account,
        tag=credential.tag,
        plan=usage.plan_type or credential.plan,
        windows=windows,
        further=further,
        credits=Credits(credits.has_credits, credits.unlimited, balance) if credits else None,
        reached=reached,
        seen_at=now,
        origin="usage",
    )


def write(quota: Quota, now: float) -> bytes:
    """The endpoint's answer for what is known, in JSON. ``now``: Unix seconds."""
    credits = quota.credits
    reached = quota.is_reached(now)
    usage = Usage(
        plan_type=quota.plan or "unknown",
        rate_limit=_limit(quota.windows, now, reached=reached) if quota.windows else None,
        credits=UsageCredits(
            has_credits=credits.has_credits, unlimited=credits.unlimited, balance=credits.balance or None
        )
        if credits
        else None,
        additional_rate_limits=[
            AdditionalLimit(
                limit_name=each.name or each.id, metered_feature=each.id, rate_limit=_limit(each.windows, now)
            )
            for each in quota.further
        ],
        rate_limit_reached_type=ReachedType(type=quota.reached) if reached else None,
    )
    return msgspec.json.encode(usage)


def _windows(limit: RateLimit | None, now: float) -> tuple[Window, ...]:
    if limit is None:
        return ()
    found = []
    for said in (limit.primary_window, limit.secondary_window):
        if said is None:
            continue
        minutes = said.limit_window_seconds / 60 if said.limit_window_seconds else None
        resets_at = said.reset_at
        if resets_at is None and said.reset_after_seconds is not None:
            resets_at = now + said.reset_after_seconds
        if (made := window(said.used_percent, minutes, resets_at)) is not None:
            found.append(made)
    return tuple(found)


def _limit(windows: tuple[Window, ...], now: float, *, reached: bool = False) -> RateLimit:
    first, second = (*(_window(each, now) for each in windows), None, None)[:2]
    return RateLimit(allowed=not reached, limit_reached=reached, primary_window=first, secondary_window=second)


def _window(known: Window, now: float) -> UsageWindow:
    wait = None if known.resets_at is None else max(0, known.resets_at - int(now))
    return UsageWindow(
        used_percent=round(known.used(now)),
        limit_window_seconds=known.minutes * 60 if known.minutes else None,
        reset_after_seconds=wait,
        reset_at=known.resets_at,
    )
