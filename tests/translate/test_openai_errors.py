"""Each kind of failure, as clients of OpenAI's API read it: the status decides on the SDK's exception."""

from __future__ import annotations

import json

import pytest

from turnout.protocol.errors import Failure, FailureKind
from turnout.translate.openai_errors import openai_error_body, to_openai

NOW = 1_795_000_000.0
K = FailureKind


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (K.BAD_REQUEST, 400, None),
        (K.UNAUTHENTICATED, 401, "invalid_api_key"),
        (K.SIGN_IN, 401, "sign_in_required"),
        (K.PERMISSION, 403, "permission_denied"),
        (K.BILLING, 429, "insufficient_quota"),
        (K.MODEL_UNAVAILABLE, 404, "model_not_found"),
        (K.CONTEXT_OVERFLOW, 400, "context_length_exceeded"),
        (K.USAGE_LIMIT, 429, "usage_limit_reached"),
        (K.RATE_LIMITED, 429, "rate_limit_exceeded"),
        (K.OVERLOADED, 503, "server_is_overloaded"),
        (K.UPSTREAM_ERROR, 500, "server_error"),
        (K.UNREACHABLE, 502, "upstream_unreachable"),
        (K.CUT, 502, "upstream_cut"),
        (K.UPSTREAM_TIMEOUT, 504, "upstream_timeout"),
        (K.BODY_TOO_LARGE, 413, "request_too_large"),
    ],
)
def test_statuses_and_codes(kind: FailureKind, status: int, code: str | None) -> None:
    answer = to_openai(Failure(kind=kind, message="It is so.", next_step="Do that."), "req_1", NOW)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (status, code)
    assert error["message"].startswith("It is so.")
    assert set(error) == {"message", "type", "param", "code"}
    assert answer.headers["x-request-id"] == "req_1"


@pytest.mark.parametrize("kind", list(FailureKind))
def test_every_kind_has_a_form(kind: FailureKind) -> None:
    answer = to_openai(Failure(kind=kind, message="x"), "req_1", NOW)
    assert 400 <= answer.status < 600
    assert json.loads(answer.body)["error"]["type"]


def test_what_helps_nothing_is_not_tried_again() -> None:
    def headers(kind: FailureKind, wait: float | None = None) -> dict[str, str]:
        return to_openai(Failure(kind=kind, message="x", retry_after=wait), "req_1", NOW).headers

    assert headers(K.USAGE_LIMIT)["x-should-retry"] == "false"
    assert headers(K.RATE_LIMITED, 900)["x-should-retry"] == "false"
    assert headers(K.RATE_LIMITED, 1.5)["retry-after"] == "2"
    assert "x-should-retry" not in headers(K.OVERLOADED)


def test_a_usage_limit_says_when_it_ends() -> None:
    failure = Failure(kind=K.USAGE_LIMIT, message="The limit is reached", resets_at=int(NOW) + 3600)
    error = json.loads(openai_error_body(failure, NOW))["error"]
    assert "It resets at" in error["message"]
    assert error["resets_at"] == int(NOW) + 3600


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("messages[3].content[0].text: expected a string.", "messages[3].content[0].text"),
        ("n: 2 answers to one request cannot be had here; one can.", "n"),
        ("The request body is not valid JSON.", None),
    ],
)
def test_the_place_in_the_body_is_the_param(message: str, param: str | None) -> None:
    assert json.loads(openai_error_body(Failure(kind=K.BAD_REQUEST, message=message), NOW))["error"]["param"] == param


def test_upstreams_own_code_and_status_are_kept_where_they_say_more() -> None:
    rejected = Failure(kind=K.REJECTED, message="Bad image.", code="invalid_image")
    assert json.loads(openai_error_body(rejected, NOW))["error"]["code"] == "invalid_image"
    assert to_openai(Failure(kind=K.UPSTREAM_ERROR, message="x", status=520), "req_1", NOW).status == 520
