"""How each kind of failure looks to a client of OpenAI's API: Chat Completions and Responses alike.

Status, type and code are those that OpenAI's servers use; what the official SDKs repeat by themselves (408, 409, 429,
5xx) they leave alone where ``x-should-retry: false`` says that it is of no use.
"""

from __future__ import annotations

import math
import re

import msgspec

from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.errors import ErrorAnswer, reset_words

K = FailureKind

_LONGEST_WAIT = 60
"""Seconds. The SDKs wait no longer when they are told to."""
_PARAM = re.compile(r"(?P<path>[a-z_]+(?:\[\d+\]|\.[a-z_]+)*): ")
"""How messages begin that name a place in the body."""


_OWN_CODES = frozenset({K.BAD_REQUEST, K.REJECTED, K.POLICY, K.UPSTREAM_ERROR})
"""Kinds whose failures may have a code that says more."""


class _Shape(msgspec.Struct, frozen=True):
    status: int
    type: str
    code: str | None
    retry: bool = False
    """Another try may pass."""


_SHAPES = {
    K.BAD_REQUEST: _Shape(400, "invalid_request_error", None),
    K.BODY_TOO_LARGE: _Shape(413, "invalid_request_error", "request_too_large"),
    K.NOT_FOUND: _Shape(404, "invalid_request_error", "not_found"),
    K.METHOD_NOT_ALLOWED: _Shape(405, "invalid_request_error", "method_not_allowed"),
    K.UNAUTHENTICATED: _Shape(401, "invalid_request_error", "invalid_api_key"),
    K.FORBIDDEN: _Shape(403, "invalid_request_error", "forbidden"),
    K.REQUEST_TIMEOUT: _Shape(408, "invalid_request_error", "request_timeout"),
    K.SIGN_IN: _Shape(401, "authentication_error", "sign_in_required"),
    K.PERMISSION: _Shape(403, "permission_error", "permission_denied"),
    K.BILLING: _Shape(429, "insufficient_quota", "insufficient_quota"),
    K.MODEL_UNAVAILABLE: _Shape(404, "invalid_request_error", "model_not_found"),
    K.CONTEXT_OVERFLOW: _Shape(400, "invalid_request_error", "context_length_exceeded"),
    K.USAGE_LIMIT: _Shape(429, "usage_limit_reached", "usage_limit_reached"),
    K.RATE_LIMITED: _Shape(429, "rate_limit_error", "rate_limit_exceeded", retry=True),
    K.OVERLOADED: _Shape(503, "server_error", "server_is_overloaded", retry=True),
    K.REFUSED_REASONING: _Shape(400, "invalid_request_error", "invalid_encrypted_content"),
    K.REFUSED_FRAMING: _Shape(400, "invalid_request_error", "unsupported_value"),
    K.REJECTED: _Shape(400, "invalid_request_error", None),
    K.POLICY: _Shape(400, "invalid_request_error", "content_policy_violation"),
    K.UPSTREAM_ERROR: _Shape(500, "server_error", "server_error", retry=True),
    K.UNREACHABLE: _Shape(502, "server_error", "upstream_unreachable", retry=True),
    K.CUT: _Shape(502, "server_error", "upstream_cut", retry=True),
    K.UPSTREAM_TIMEOUT: _Shape(504, "server_error", "upstream_timeout", retry=True),
    K.INTERNAL: _Shape(500, "server_error", "internal_error"),
}
"""Types that are not OpenAI's own are named in its manner."""


def to_openai(failure: Failure, request_id: str, now: float) -> ErrorAnswer:
    """The HTTP answer for `failure`. `now` is the time in Unix seconds."""
    shape = _SHAPES.get(failure.kind) or _Shape(400, "invalid_request_error", failure.kind.value)
    status = failure.status if failure.kind is K.UPSTREAM_ERROR and 500 <= failure.status < 600 else shape.status
    headers = {"content-type": "application/json", "request-id": request_id, "x-request-id": request_id}
    wait = failure.retry_after
    if not shape.retry or (wait is not None and wait > _LONGEST_WAIT):
        headers["x-should-retry"] = "false"
    elif wait is not None:
        headers["retry-after"] = str(max(1, math.ceil(wait)))
    return ErrorAnswer(status, headers, openai_error_body(failure, now))


def openai_error_body(failure: Failure, now: float) -> bytes:
    """``{"error":{…}}``: the body of an HTTP error, and the last event of a stream that fails."""
    return msgspec.json.encode({"error": openai_error(failure, now)})


def openai_error(failure: Failure, now: float) -> dict[str, str | int | None]:
    """The error object. A code of upstream's own stands in it where it says more than the kind."""
    shape = _SHAPES.get(failure.kind) or _Shape(400, "invalid_request_error", failure.kind.value)
    message, param = failure.text, None
    if failure.kind is K.USAGE_LIMIT:
        message = f"{failure.message.rstrip('.')}. {reset_words(failure, now)}".strip()
    if failure.kind is K.BAD_REQUEST and (place := _PARAM.match(failure.message)):
        param = place["path"]
    code = failure.code or shape.code if failure.kind in _OWN_CODES else shape.code
    error: dict[str, str | int | None] = {"message": message, "type": shape.type, "param": param, "code": code}
    if failure.kind is K.USAGE_LIMIT and failure.resets_at is not None:
        error["resets_at"] = failure.resets_at
    return error
