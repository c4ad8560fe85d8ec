"""What can go wrong with a request, as one closed set of values.

Every floor speaks of failures in these terms: upstreams classify what they met into a `Failure`, doors
render it in their protocol's shape. Nothing here knows a provider or a frontend.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class FailureKind(StrEnum):
    """The kinds of failure a user or client must be able to tell apart. The values are stable names."""

    BAD_REQUEST = "bad_request"
    """The client's request is malformed; the message names the path in the body."""
    BODY_TOO_LARGE = "body_too_large"
    """The request is larger than the gateway or the upstream takes."""
    NOT_FOUND = "not_found"
    """No such path on this gateway."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """The path exists, the method does not."""
    UNAUTHENTICATED = "unauthenticated"
    """The client did not show the gateway's own token or key."""
    FORBIDDEN = "forbidden"
    """The client may not do this (a foreign Host or Origin, a key without the right)."""
    REQUEST_TIMEOUT = "request_timeout"
    """The client sent its request too slowly."""
    SIGN_IN = "sign_in"
    """The account's credential is missing, expired or refused: the user must sign in."""
    PERMISSION = "permission"
    """The upstream refuses this account (plan, region, policy)."""
    BILLING = "billing"
    """The account has no quota or credit that time brings back."""
    MODEL_UNAVAILABLE = "model_unavailable"
    """The upstream does not offer this model to this account or client version."""
    CONTEXT_OVERFLOW = "context_overflow"
    """The conversation is longer than the model's window."""
    USAGE_LIMIT = "usage_limit"
    """The plan's window is used up until `resets_at`: no retry helps."""
    RATE_LIMITED = "rate_limited"
    """Too many requests for the moment: soon it may pass."""
    OVERLOADED = "overloaded"
    """The upstream has no capacity for the moment: soon it may pass."""
    REFUSED_REASONING = "refused_reasoning"
    """The upstream cannot read replayed encrypted reasoning (`invalid_encrypted_content`)."""
    REFUSED_FRAMING = "refused_framing"
    """The upstream wants this model in the other framing, plain or lite (codex-backend.md 2.3)."""
    REJECTED = "rejected"
    """The upstream says the request is invalid; its own words are in the message."""
    POLICY = "policy"
    """The upstream's safety policy refuses the request."""
    UPSTREAM_ERROR = "upstream_error"
    """The upstream failed (5xx, an unknown failure code, an answer that is no answer)."""
    UNREACHABLE = "unreachable"
    """No connection to the upstream could be made."""
    CUT = "cut"
    """The upstream's stream ended before it was finished."""
    UPSTREAM_TIMEOUT = "upstream_timeout"
    """The upstream sent nothing for longer than the configured deadline."""
    INTERNAL = "internal"
    """A defect of Turnout's own."""


RETRIED_ONCE = frozenset({FailureKind.UPSTREAM_ERROR, FailureKind.CUT, FailureKind.UNREACHABLE, FailureKind.OVERLOADED})
"""Failures that Turnout tries once more itself, before any output only (codex-backend.md 3.3, behaviours.md 38)."""

OF_THE_ACCOUNT = frozenset(
    {
        FailureKind.SIGN_IN,
        FailureKind.PERMISSION,
        FailureKind.BILLING,
        FailureKind.MODEL_UNAVAILABLE,
        FailureKind.USAGE_LIMIT,
        FailureKind.RATE_LIMITED,
    }
)
"""Failures that say something of the account that a request was sent with, and nothing of the request."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failure, ready to be shown to a user or rendered in any protocol."""

    kind: FailureKind
    message: str
    """What happened and why, in the upstream's words where they help; never a secret, never HTML."""
    next_step: str = ""
    """What the user can do, as a full sentence; empty when nothing is to be done."""
    status: int = 0
    """The upstream's HTTP status, 0 if the failure did not come as one."""
    code: str = ""
    """The upstream's own code, e.g. ``usage_limit_reached``."""
    retry_after: float | None = None
    """Seconds after which another try may pass, as far as the upstream said."""
    resets_at: int | None = None
    """Unix seconds at which a used-up window opens again, as far as the upstream said."""
    tokens: int | None = None
    """Tokens in the refused request (`CONTEXT_OVERFLOW`), if known."""
    maximum: int | None = None
    """The model's limit in tokens (`CONTEXT_OVERFLOW`), if known."""

    @property
    def text(self) -> str:
        """Message and next step as one text."""
        return f"{self.message} {self.next_step}".strip()


class TurnoutError(Exception):
    """Carries a `Failure` up to the door, which renders it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


def fail(kind: FailureKind, message: str, next_step: str = "") -> TurnoutError:
    """The error to raise for a failure that needs no further facts."""
    return TurnoutError(Failure(kind=kind, message=message, next_step=next_step))
