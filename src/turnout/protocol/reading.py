"""Reading parts of a request that stay raw, and what to say of one that cannot be read: its path, and what is wrong.

Shared by the doors' protocols; knows none of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec
from msgspec import Raw

from turnout.protocol import surrogates
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Callable

_Part = TypeVar("_Part")

EMPTY_STRING = Raw(b'""')
NULL = Raw(b"null")
"""What a raw field holds that is absent or null."""

_QUOTE = 0x22

_decode_string = msgspec.json.Decoder(str).decode
_PLACE = re.compile(r" - at `(?P<path>[^`]*)`$")


def mended(body: bytes, error: msgspec.DecodeError) -> bytes:
    """`body` without half surrogate pairs; refuses a body that has none and is no JSON for another reason."""
    whole = surrogates.mend(body)
    if whole == body:
        refuse(error)
    return whole


def refuse(error: Exception, path: str = "") -> NoReturn:
    """Raises what `error` means in the client's terms: ``messages[3].content[0].source: expected …``."""
    if isinstance(error, UnicodeDecodeError):
        raise fail(FailureKind.BAD_REQUEST, f"{path or 'The request body'} is not valid UTF-8.") from None
    if isinstance(error, RecursionError):
        raise fail(FailureKind.BAD_REQUEST, f"{path or 'The request body'} is nested too deeply.") from None
    text = str(error).removeprefix("JSON is malformed: ")
    if not isinstance(error, msgspec.ValidationError):
        what = f"{path}: not valid JSON" if path else "The request body is not valid JSON"
        raise fail(FailureKind.BAD_REQUEST, f"{what} ({text[:1].lower()}{text[1:]}).") from None
    if place := _PLACE.search(text):
        text = text[: place.start()]
        path += place["path"].removeprefix("$")
    if missing := re.fullmatch(r"Object missing required field `(?P<name>[^`]*)`", text):
        path, text = f"{path}.{missing['name']}", "this field is required"
    path = path.lstrip(".") or "request body"
    raise fail(FailureKind.BAD_REQUEST, f"{path}: {text[:1].lower()}{text[1:]}.".replace("`", "")) from None


def decoded(decode: Callable[[Raw | bytes], _Part], raw: Raw | bytes, path: str) -> _Part:
    """What ``decode`` reads from a part of a request. Raises `TurnoutError` (`BAD_REQUEST`) naming the path."""
    try:
        return decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        refuse(error, path)


def is_null(raw: Raw) -> bool:
    """Whether the field is absent or null."""
    return raw == NULL


def text_of(raw: Raw, path: str) -> Raw:
    """`raw` itself if it is a JSON string. Raises `TurnoutError` (`BAD_REQUEST`) naming the path if not."""
    if memoryview(raw)[0] != _QUOTE:
        raise fail(FailureKind.BAD_REQUEST, f"{path}: expected a string.")
    return raw


def decode_text(raw: Raw, path: str) -> str:
    """The string that `raw` holds. Raises `TurnoutError` (`BAD_REQUEST`) naming the path if it holds none."""
    return decoded(_decode_string, raw, path)
