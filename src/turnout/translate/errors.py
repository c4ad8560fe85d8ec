"""Failures of upstreams, told apart; and how each looks to an Anthropic client.

What upstream answers is in codex-backend.md 2.4, 2.6 and 3.3; what Claude Code does with an answer is measured in
claude-code-wire.md 6, and the table `_ANTHROPIC` follows from it.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.error_objects import read_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.protocol.responses import Error

K = FailureKind

_CODES = {
    "context_length_exceeded": K.CONTEXT_OVERFLOW,
    "string_above_max_length": K.REJECTED,
    "usage_limit_reached": K.USAGE_LIMIT,
    "workspace_owner_usage_limit_reached": K.USAGE_LIMIT,
    "workspace_member_usage_limit_reached": K.USAGE_LIMIT,
    "workspace_owner_credits_depleted": K.USAGE_LIMIT,
    "workspace_member_credits_depleted": K.USAGE_LIMIT,
    "usage_not_included": K.PERMISSION,
    "insufficient_quota": K.BILLING,
    "billing_hard_limit_reached": K.BILLING,
    "rate_limit_exceeded": K.RATE_LIMITED,
    "server_is_overloaded": K.OVERLOADED,
    "slow_down": K.OVERLOADED,
    "overloaded_error": K.OVERLOADED,
    "invalid_encrypted_content": K.REFUSED_REASONING,
    "model_not_found": K.MODEL_UNAVAILABLE,
    "invalid_prompt": K.POLICY,
    "cyber_policy": K.POLICY,
    "bio_policy": K.POLICY,
    "misalignment_policy_violation": K.POLICY,
    "content_policy_violation": K.POLICY,
    "data_residency_mismatch": K.PERMISSION,
    "invalid_api_key": K.SIGN_IN,
    "token_expired": K.SIGN_IN,
    "server_error": K.UPSTREAM_ERROR,
}
"""Upstream's codes (``error.code`` or ``error.type``) whose meaning does not depend on the HTTP status."""

_STATUSES = {
    401: K.SIGN_IN,
    402: K.BILLING,
    403: K.PERMISSION,
    404: K.MODEL_UNAVAILABLE,
    408: K.UPSTREAM_TIMEOUT,
    413: K.BODY_TOO_LARGE,
    429: K.RATE_LIMITED,
    503: K.OVERLOADED,
    529: K.OVERLOADED,
}

_OVERFLOW = re.compile(
    r"maximum context length|context_length_exceeded|exceeds the context window|context window of this model"
    r"|exceeds the available context size|the model is loaded with context length of"  # llama.cpp, LM Studio
    r"|prompt is too long|input is too long|ran out of room in the model's context",
    re.IGNORECASE,
)
MODEL_REFUSED = re.compile(
    r"model is not supported when using Codex|requires a newer version of Codex|model .*does not exist"
    r"|do(?:es)? not have access to (?:the )?model",
    re.IGNORECASE,
)
"""How upstreams say that an account, a client version or nobody has the model (codex-backend.md 2.4, 2.6)."""
_FRAMING = re.compile(r"Responses-Lite|Instructions are (?:required|not valid)", re.IGNORECASE)
_REASONING = re.compile(r"encrypted content .*could not be (?:verified|decrypted)", re.IGNORECASE | re.DOTALL)
_AGAIN = re.compile(r"try again in\s+(?=\d)", re.IGNORECASE)
_SPAN = re.compile(
    r"(?:,?\s*(?:and\s+)?)?(?P<number>\d{1,9}(?:\.\d{1,9})?)"
    r"(?:\s*(?:(?P<ms>ms|milliseconds?)|(?P<s>s|secs?|seconds?)|(?P<m>m|mins?|minutes?)|(?P<h>h|hrs?|hours?)|(?P<d>d|days?))"
    r"(?![a-z])|(?!\d|\.\d|\s*[a-z]))",
    re.IGNORECASE,
)
"""One part of a span of time in words: ``1.5s``, ``1h`` of ``1h2m``, ``20 minutes``, and a bare number of seconds."""
_UNITS = {"number": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LIMIT = re.compile(r"(?:maximum context length is|context length of only|limit of|>)\s*(\d[\d,]{0,15})")
_ASKED = re.compile(r"(?:resulted in|requested about|requested|too long:)\s*(\d[\d,]{0,15})")
_FAR_FUTURE = 4_102_444_800
"""Unix seconds of the year 2100: no server means a time behind it, and not every clock can show one."""


def classify_http(status: int, headers: Mapping[str, str], body: bytes) -> Failure:
    """The failure that an upstream's answer is: any status but 200, or a 200 that is no event stream.

    `headers` has lower-case names. The body may be of either family, HTML, or nothing (codex-backend.md 10.16); HTML is
    never quoted.
    """
    error = read_body(body)
    retry_after = _seconds(headers.get("retry-after"))
    failure = classify_error(error, status=status, retry_after=retry_after)
    if not error.message:
        words = f"The upstream answered HTTP {status}" + (" with a web page" if body.lstrip()[:1] == b"<" else "")
        failure = msgspec.structs.replace(failure, message=f"{words}.")
    return failure


def classify_error(error: Error, *, status: int = 0, retry_after: float | None = None) -> Failure:
    """The failure that an error object means, from an HTTP answer, a ``response.failed`` or an ``error`` event."""
    message = error.message or ""
    code = str(error.code or error.type or "")
    kind = _kind(error, status, message)
    if retry_after is None:
        retry_after = _wait_in(message)
    asked, limit = _ASKED.search(message), _LIMIT.search(message)
    return Failure(
        kind=kind,
        message=message or f"The upstream reported {code or 'a failure without a reason'}.",
        next_step=_NEXT_STEPS.get(kind, ""),
        status=status,
        code=code,
        retry_after=(_span(error.resets_in_seconds) if kind is K.USAGE_LIMIT else None) or retry_after,
        resets_at=int(_span(error.resets_at) or 0) or None,
        tokens=_number(asked) if kind is K.CONTEXT_OVERFLOW else None,
        maximum=_number(limit) if kind is K.CONTEXT_OVERFLOW else None,
    )


_NEXT_STEPS = {
    K.SIGN_IN: "Sign in again with: turnout login",
    K.PERMISSION: "Check the account's plan and region.",
    K.BILLING: "Check the account's plan and billing.",
}


def _kind(error: Error, status: int, message: str) -> FailureKind:
    if _OVERFLOW.search(message):  # in whatever status and with whatever code it comes (behaviours.md 36)
        return K.CONTEXT_OVERFLOW
    for name in (error.code, error.type):
        if isinstance(name, str) and name in _CODES:
            return _CODES[name]
    if _REASONING.search(message):
        return K.REFUSED_REASONING
    if MODEL_REFUSED.search(message):
        return K.MODEL_UNAVAILABLE
    if status in (0, 400) and (
        _FRAMING.search(message) or (error.code == "unsupported_value" and error.param == "tools")
    ):
        return K.REFUSED_FRAMING
    if status in _STATUSES:
        return _STATUSES[status]
    if 400 <= status < 500:
        return K.REJECTED
    if status == 0 and error.type == "invalid_request_error":
        return K.REJECTED
    return K.UPSTREAM_ERROR


def _seconds(value: str | None) -> float | None:
    """A ``Retry-After`` in seconds; dates and nonsense give None."""
    try:
        return _span(float(value)) if value else None
    except ValueError:
        return None


def _span(seconds: float | None) -> float | None:
    """`seconds`, as a time or a wait, unless nobody can mean them."""
    return seconds if seconds is not None and 0 <= seconds < _FAR_FUTURE else None


def _wait_in(message: str) -> float | None:
    """The wait named in words: ``try again in 1.5s``, ``in 1h2m`` (codex-backend.md 3.3); None if none is."""
    found = _AGAIN.search(message)
    place, wait = (found.end() if found else len(message)), None
    while part := _SPAN.match(message, place):
        wait = (wait or 0.0) + float(part["number"]) * _UNITS[part.lastgroup or "s"]
        place = part.end()
    return wait


def _number(found: re.Match[str] | None) -> int | None:
    return int(found[1].replace(",", "")) if found else None


class _Shape(msgspec.Struct, frozen=True):
    """How a kind looks to an Anthropic client."""

    status: int
    type: str
    retry: bool | None = None
    """False: ``x-should-retry: false``, since no repetition helps. True: a ``Retry-After`` the client will wait for."""


_ANTHROPIC = {
    K.BAD_REQUEST: _Shape(400, "invalid_request_error"),
    K.BODY_TOO_LARGE: _Shape(413, "request_too_large", False),
    K.NOT_FOUND: _Shape(404, "not_found_error", False),
    K.METHOD_NOT_ALLOWED: _Shape(405, "invalid_request_error", False),
    K.UNAUTHENTICATED: _Shape(401, "authentication_error", False),
    K.FORBIDDEN: _Shape(403, "permission_error", False),
    K.REQUEST_TIMEOUT: _Shape(408, "invalid_request_error"),
    # Not 401: the client would repeat it for minutes and then show its own "Please run /login" (claude-code-wire.md 6).
    K.SIGN_IN: _Shape(403, "authentication_error", False),
    K.PERMISSION: _Shape(403, "permission_error", False),
    K.BILLING: _Shape(402, "billing_error", False),
    K.MODEL_UNAVAILABLE: _Shape(404, "not_found_error", False),
    K.CONTEXT_OVERFLOW: _Shape(400, "invalid_request_error"),
    K.USAGE_LIMIT: _Shape(429, "rate_limit_error", False),
    K.RATE_LIMITED: _Shape(429, "rate_limit_error", True),
    K.OVERLOADED: _Shape(529, "overloaded_error", True),
    K.REFUSED_REASONING: _Shape(400, "invalid_request_error"),
    K.REFUSED_FRAMING: _Shape(400, "invalid_request_error"),
    K.REJECTED: _Shape(400, "invalid_request_error"),
    K.POLICY: _Shape(400, "invalid_request_error"),
    K.UPSTREAM_ERROR: _Shape(500, "api_error", True),
    K.UNREACHABLE: _Shape(502, "api_error", True),
    K.CUT: _Shape(502, "api_error", True),
    K.UPSTREAM_TIMEOUT: _Shape(504, "timeout_error", True),
    K.INTERNAL: _Shape(500, "api_error", False),
}

_LONGEST_WAIT = 60
"""Seconds. The client gives up at once when told to wait longer (claude-code-wire.md 6)."""
_SHORTEST_WAIT = 1


class ErrorAnswer(msgspec.Struct, frozen=True):
    """An HTTP error, ready to be sent."""

    status: int
    headers: dict[str, str]
    body: bytes


def to_anthropic(failure: Failure, request_id: str, now: float) -> ErrorAnswer:
    """The HTTP answer for `failure`. `now` is the time in Unix seconds."""
    shape = _ANTHROPIC[failure.kind]
    status = failure.status if failure.kind is K.UPSTREAM_ERROR and 500 <= failure.status < 600 else shape.status
    headers = {"content-type": "application/json", "request-id": request_id}
    wait = failure.retry_after
    if shape.retry is False or (wait is not None and wait > _LONGEST_WAIT):
        headers["x-should-retry"] = "false"
    elif shape.retry and wait is not None:
        headers["retry-after"] = str(max(_SHORTEST_WAIT, math.ceil(wait)))
    elif failure.kind in (K.RATE_LIMITED, K.OVERLOADED):
        headers["retry-after"] = str(_SHORTEST_WAIT)
    return ErrorAnswer(status, headers, _error_body(failure, request_id, now))


def anthropic_error_event(failure: Failure, now: float) -> bytes:
    """The data of the ``error`` event for a failure after the stream has begun."""
    # Behind a complete block an error of the type rate_limit_error ends the turn, one of overload does not (measured
    # with 2.1.328). A used-up plan shall end it.
    return _error_body(failure, "", now, "overloaded_error" if failure.kind is K.RATE_LIMITED else "")


def _error_body(failure: Failure, request_id: str, now: float, error_type: str = "") -> bytes:
    body: dict[str, object] = {
        "type": "error",
        "error": {
            "type": error_type or _ANTHROPIC[failure.kind].type,
            "message": anthropic_message(failure, now),
        },
    }
    if request_id:
        body["request_id"] = request_id
    return msgspec.json.encode(body)


def anthropic_message(failure: Failure, now: float) -> str:
    """What the user reads. An overflow has the wording on which the client compacts (claude-code-wire.md 6)."""
    if failure.kind is K.CONTEXT_OVERFLOW:
        if failure.maximum is None:
            return f"prompt is too long: {failure.message}"
        tokens = max(failure.tokens or 0, failure.maximum + 1)
        return f"prompt is too long: {tokens} tokens > {failure.maximum} maximum"
    if failure.kind is K.USAGE_LIMIT:
        return f"{failure.message.rstrip('.')}. {reset_words(failure, now)}".strip()
    if failure.kind is K.RATE_LIMITED and failure.retry_after is not None and failure.retry_after > _LONGEST_WAIT:
        return f"{failure.text} Try again in {_duration(failure.retry_after)}."
    return failure.text


def reset_words(failure: Failure, now: float) -> str:
    """When a used-up limit opens again, as a sentence. `now` is in Unix seconds."""
    resets_at = failure.resets_at
    if resets_at is None and failure.retry_after is not None:
        resets_at = int(now + failure.retry_after)
    if resets_at is None:
        return "The upstream did not say when it resets."
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(resets_at))
    return f"It resets at {when} (in {_duration(max(0.0, resets_at - now))})."


def _duration(seconds: float) -> str:
    minutes = math.ceil(seconds / 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes}m" if hours else f"{minutes}m"
