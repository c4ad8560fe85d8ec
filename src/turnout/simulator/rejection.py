"""Refusals: an HTTP answer that is not a stream, in the two body families of codex-backend.md 2.4."""

import msgspec

from turnout.simulator.jsontypes import JsonObject


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """An error answer: status, body as sent, and headers beyond the usual ones."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = {}


class Refused(Exception):
    """Raised inside the checks at the first thing that is wrong; carries the answer."""

    def __init__(self, rejection: Rejection) -> None:
        super().__init__(rejection.body.decode())
        self.rejection = rejection


def detail(text: str, status: int = 400) -> Rejection:
    """The Codex backend's own family: `{"detail": text}`."""
    return Rejection(status=status, body=msgspec.json.encode({"detail": text}))


def api_error(
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    kind: str = "invalid_request_error",
    status: int = 400,
    headers: dict[str, str] | None = None,
    **extra: object,
) -> Rejection:
    """The API's family: `{"error": {message, type, param, code}}`; `extra` fields join the error object."""
    error: JsonObject = {"message": message, "type": kind, "param": param, "code": code, **extra}
    return Rejection(status=status, body=msgspec.json.encode({"error": error}), headers=headers or {})


def choices(values: tuple[str, ...] | list[str]) -> str:
    """The service's way to list values: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"


def missing(param: str) -> Refused:
    """A required field is absent."""
    return Refused(api_error(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"))


def unknown(param: str) -> Refused:
    """A field nobody knows."""
    return Refused(api_error(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter"))


def wrong_type(param: str, expected: str, value: object) -> Refused:
    """A field of the wrong JSON type; `expected` with its article, such as "a string"."""
    message = f"Invalid type for '{param}': expected {expected}, but got {json_type(value)} instead."
    return Refused(api_error(message, param=param, code="invalid_type"))


def wrong_value(param: str, value: object, allowed: tuple[str, ...] | list[str]) -> Refused:
    """A field whose value is not one of the listed ones."""
    message = f"Invalid value: '{value}'. Supported values are: {choices(allowed)}."
    return Refused(api_error(message, param=param, code="invalid_value"))


def too_long(param: str, value: str, maximum: int) -> Refused:
    """A string over its maximum length."""
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {maximum}, "
        f"but got a string with length {len(value)} instead."
    )
    return Refused(api_error(message, param=param, code="string_above_max_length"))


def invalid(message: str, param: str, code: str = "invalid_value") -> Refused:
    """Any other refusal about one field."""
    return Refused(api_error(message, param=param, code=code))


def json_type(value: object) -> str:
    """What a JSON value is, with its article, in the service's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a decimal number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
