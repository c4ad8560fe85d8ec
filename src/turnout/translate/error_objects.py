"""Finds the error object in what an upstream said, whatever its family; tells nothing of what it means.

The families are ``{"error": {…}}``, ``{"detail": …}`` and fields at the top; real servers mix them, and proxies in
between answer with HTML or nothing (codex-backend.md 2.4, 10.16). Hence nothing here raises, and a field of an
unexpected type costs that field only.
"""

from __future__ import annotations

from typing import Any

import msgspec

from turnout.protocol.responses import Error

_LONGEST_QUOTE = 500
"""Characters of an unknown body that are quoted."""
_GREATEST = 10**18
"""JSON has integers that no float can hold."""


def read_body(body: bytes) -> Error:
    """The error object in the body of an HTTP answer. HTML is never quoted."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Error(message=_words(body[:_LONGEST_QUOTE].decode("utf-8", "replace").strip()))
    return read_error(value)


def read_error(value: object) -> Error:
    """The error object in decoded JSON: an HTTP answer's body, an ``error`` event, a failed response."""
    if isinstance(value, str):
        return Error(message=_words(value))
    if not isinstance(value, dict):
        return Error()
    outside = _fields(value)
    if outside.type == "error":
        outside.type = None  # an event's name for itself
    if isinstance(inner := value.get("error"), str):
        outside.code, outside.message = inner, outside.message or _words(inner)
    elif isinstance(inner, dict):
        return _joined(_fields(inner), outside)
    elif "detail" in value:
        return _joined(_read_detail(value["detail"]), outside)
    return outside


def _read_detail(detail: object) -> Error:
    """``detail`` may be a string, an object or a list of either (codex-backend.md 2.4)."""
    if isinstance(detail, list) and detail:
        detail = detail[0]
    if isinstance(detail, str):
        return Error(message=_words(detail))
    found = _fields(detail) if isinstance(detail, dict) else Error()
    if not found.message and detail:
        found.message = msgspec.json.encode(detail)[:_LONGEST_QUOTE].decode("utf-8", "replace")
    return found


def _fields(value: dict[str, Any]) -> Error:
    return Error(
        code=_text(value.get("code")) or _whole(value.get("code")),
        type=_text(value.get("type")),
        message=_words(_text(value.get("message")) or _text(value.get("msg")) or ""),
        param=_text(value.get("param")),
        resets_at=_number(value.get("resets_at")),
        resets_in_seconds=_number(value.get("resets_in_seconds")),
    )


def _joined(first: Error, second: Error) -> Error:
    """`first`, and what only `second` says."""
    for field in Error.__struct_fields__:
        if getattr(first, field) is None:
            setattr(first, field, getattr(second, field))
    return first


def _words(text: str) -> str | None:
    return None if text.lstrip()[:1] in ("", "<") else text


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) > _GREATEST:
        return None
    return float(value)
