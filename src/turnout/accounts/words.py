"""What users are told of logins, in one place for those who look at them and those who renew them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from turnout.accounts.account import SourceKind
from turnout.protocol.errors import Failure, FailureKind

if TYPE_CHECKING:
    from turnout.accounts.documents import Login
    from turnout.accounts.places import Place


def sign_in_again(place: Place) -> str:
    """What helps once a login cannot be renewed."""
    if place.source is SourceKind.CODEX:
        return "Sign in again with: turnout login (or, for Codex too, with: codex login)"
    return "Sign in again with: turnout login"


def other_account(place: Place, found: Login) -> Failure:
    """The failure for a place where someone else has signed in meanwhile."""
    who = found.email or "another account"
    return Failure(
        kind=FailureKind.SIGN_IN,
        message=f"{place.owner} is signed in as {who} now ({place.label}), which is not the account that was adopted.",
        next_step=f"Adopt it again if you mean that one: turnout accounts adopt {place.source.value}",
    )


def expired(place: Place, login: Login, now: float) -> Failure:
    """The failure for a login whose time is over. ``now`` is in Unix seconds."""
    since = ""
    if login.expires_at is not None and login.expires_at <= now:
        when = datetime.fromtimestamp(login.expires_at, UTC)
        since = f" {duration(now - login.expires_at)} ago, on {when:%Y-%m-%d at %H:%M} UTC"
    step = sign_in_again(place) if place.renewable else let_the_owner(place)
    message = f"The {place.owner} login in {place.label} expired{since}."
    return Failure(kind=FailureKind.SIGN_IN, message=message, next_step=step)


def let_the_owner(place: Place) -> str:
    """What helps where only another tool may renew a login."""
    return (
        f"Use {place.owner} once, which renews its login (Turnout may not: each renewal is good for one program only), "
        "or give Turnout a login of its own with: turnout login"
    )


def duration(seconds: float) -> str:
    """A time in words, by its largest unit."""
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a minute"
