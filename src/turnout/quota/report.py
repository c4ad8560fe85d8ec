"""The quota of all accounts, as `turnout quota` and ``GET /turnout/quota`` tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.account import State
from turnout.protocol.errors import TurnoutError
from turnout.quota.usage import UsageEndpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from turnout.accounts.account import Account, Kind
    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.quota.board import Board
    from turnout.quota.windows import Credits, FurtherLimit, Origin, Quota, Window

UNSERVED = frozenset({State.SIGN_IN_AGAIN, State.UNREADABLE, State.MISSING})
"""States of accounts that nobody can be asked about."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say of one account."""

    account: Account
    quota: Quota | None = None
    """The last known figures."""
    problem: str = ""
    """Why there are none, or none newer; full sentences."""

    @property
    def sign_in_again(self) -> bool:
        """Whether only signing in helps."""
        return self.account.state in UNSERVED


class Reporter:
    """Gathers the figures, and asks for those that are old."""

    def __init__(self, config: Config, environ: Mapping[str, str], accounts: Accounts, board: Board) -> None:
        self._accounts = accounts
        self._board = board
        self._endpoint = UsageEndpoint(config, environ, accounts, board)

    async def lines(self, accounts: Iterable[Account]) -> list[Line]:
        """A line for each account, one after the other: a burst of questions is what looks like a robot."""
        return [await self._line(account) for account in accounts]

    async def _line(self, account: Account) -> Line:
        if account.kind == "api_key":
            return Line(account=account, problem="An API key has no plan: OpenAI bills what is used.")
        problem = account.reason
        if account.state not in UNSERVED:
            try:
                await self._endpoint.fresh(account.name)
                problem = ""
            except TurnoutError as error:
                problem = error.failure.text
                account = self._accounts.get(account.name)  # the question may have shown that it does not serve
        return Line(account=account, quota=self._board.get(account.name, account.tag), problem=problem)


class WindowFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A window in the JSON."""

    name: str
    used_percent: float
    minutes: int | None
    resets_at: int | None
    resets_in_seconds: int | None


class LimitFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A limit beside the plan's own in the JSON."""

    id: str
    name: str
    windows: list[WindowFigures]


class CreditFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Credits in the JSON."""

    has_credits: bool
    unlimited: bool
    balance: str


class AccountFigures(msgspec.Struct, frozen=True, kw_only=True):
    """An account in the JSON. ``null`` stands for what is not known."""

    account: str
    kind: Kind
    email: str
    plan: str
    default: bool
    state: State
    sign_in_again: bool
    problem: str
    windows: list[WindowFigures]
    further_limits: list[LimitFigures]
    credits: CreditFigures | None
    limit_reached: bool
    reached: str
    reached_until: int | None
    seen_at: float | None
    age_seconds: int | None
    origin: Origin | None


def as_json(lines: Iterable[Line], now: float) -> bytes:
    """``{"at": …, "accounts": […]}``. ``now``: Unix seconds."""
    return msgspec.json.encode({"at": round(now, 3), "accounts": [figures(line, now) for line in lines]})


def figures(line: Line, now: float) -> AccountFigures:
    """One account's entry in the JSON."""
    account, quota = line.account, line.quota
    reached = quota is not None and quota.is_reached(now)
    return AccountFigures(
        account=account.name,
        kind=account.kind,
        email=account.email,
        plan=(quota.plan if quota else "") or account.plan,
        default=account.default,
        state=account.state,
        sign_in_again=line.sign_in_again,
        problem=line.problem,
        windows=_windows(quota.windows, now) if quota else [],
        further_limits=[_limit(each, now) for each in quota.further] if quota else [],
        credits=_credits(quota.credits) if quota and quota.credits else None,
        limit_reached=reached,
        reached=quota.reached if quota and reached else "",
        reached_until=quota.resets_at if quota and reached else None,
        seen_at=quota.seen_at if quota else None,
        age_seconds=max(0, int(now - quota.seen_at)) if quota else None,
        origin=quota.origin if quota else None,
    )


def _limit(limit: FurtherLimit, now: float) -> LimitFigures:
    return LimitFigures(id=limit.id, name=limit.name or limit.id, windows=_windows(limit.windows, now))


def _credits(credits: Credits) -> CreditFigures:
    return CreditFigures(has_credits=credits.has_credits, unlimited=credits.unlimited, balance=credits.balance)


def _windows(windows: Iterable[Window], now: float) -> list[WindowFigures]:
    return [
        WindowFigures(
            name=window.name,
            used_percent=round(window.used(now), 2),
            minutes=window.minutes,
            resets_at=window.resets_at,
            resets_in_seconds=None if window.resets_at is None else max(0, window.resets_at - int(now)),
        )
        for window in windows
    ]
