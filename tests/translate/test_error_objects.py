"""An error object is found in whatever an upstream answers; nothing that it answers is a crash."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import strategies
from turnout.protocol.responses import Error
from turnout.translate.error_objects import read_body, read_error

WHOLE = {
    "code": "usage_limit_reached",
    "type": "usage_limit",
    "message": "The limit is reached.",
    "param": "input",
    "resets_at": 1795000600,
    "resets_in_seconds": 600,
}
READ = Error(
    code="usage_limit_reached",
    type="usage_limit",
    message="The limit is reached.",
    param="input",
    resets_at=1795000600.0,
    resets_in_seconds=600.0,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"error": WHOLE}, READ),
        (WHOLE, READ),
        ({"type": "error", "error": WHOLE, "sequence_number": 3}, READ),
        ({"type": "error", "code": "c", "message": "m", "param": None}, Error(code="c", message="m")),
        ({"type": "error", "message": "outside", "error": {"code": "c"}}, Error(code="c", message="outside")),
        ({"error": {"message": "inside"}, "message": "outside"}, Error(message="inside")),
        ({"type": "error", "error": {"type": "api_error", "message": "m"}}, Error(type="api_error", message="m")),
        ({"error": "invalid_grant"}, Error(code="invalid_grant", message="invalid_grant")),
        ({"error": "invalid_grant", "message": "m"}, Error(code="invalid_grant", message="m")),
        ({"detail": "Unsupported parameter: x"}, Error(message="Unsupported parameter: x")),
        ({"detail": {"code": "c", "message": "m"}}, Error(code="c", message="m")),
        ({"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]}, None),
        ({"detail": ["first", "second"]}, Error(message="first")),
        ({"detail": {"loc": 5}}, Error(message='{"loc":5}')),
        ({"detail": []}, Error()),
        ({"detail": None}, Error()),
        ({"error": None, "detail": "d"}, Error(message="d")),
        ({"error": {"code": 429}}, Error(code=429)),
        ({"error": {"code": True, "message": ["m"], "resets_at": "soon", "param": 5}}, Error()),
        ({"error": {"code": False, "resets_at": True, "resets_in_seconds": 10**400}}, Error()),
        ({"error": {"message": "  <html>"}}, Error()),
        ({"detail": "<!doctype html>"}, Error()),
        ({"error": "\r"}, Error(code="\r")),
        ({}, Error()),
        ([], Error()),
        ("words", Error(message="words")),
        (None, Error()),
        (5, Error()),
    ],
)
def test_each_family_is_read(value: object, expected: Error | None) -> None:
    if expected is None:
        expected = Error(type="missing", message="field required")
    assert read_error(value) == expected
    assert read_body(json.dumps(value).encode()) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", None),
        (b"upstream connect error", "upstream connect error"),
        (b"  <html><body>502</body></html>", None),
        (b"<!DOCTYPE html>", None),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b'{"detail":"\xff"}', '{"detail":"\ufffd"}'),
        (b"x" * 9000, "x" * 500),
        (b"[" * 9000, "[" * 500),
    ],
)
def test_a_body_that_is_no_json_is_quoted_unless_it_is_html(body: bytes, message: str | None) -> None:
    assert read_body(body) == Error(message=message)


@settings(max_examples=200, deadline=None)
@given(strategies.JSON)
def test_any_json_is_read(value: object) -> None:
    read_error(value)
    for key in ("error", "detail", "message", "response"):
        read_error({key: value})


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=40))
def test_any_body_is_read(body: bytes) -> None:
    assert read_body(body).message is None or body
