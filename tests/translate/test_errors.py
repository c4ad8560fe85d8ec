"""What upstream answers is told apart, and each kind looks to Claude Code so that it does the right thing."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.translate import strategies
from turnout.protocol.errors import Failure, FailureKind
from turnout.protocol.responses import Error
from turnout.translate.errors import anthropic_error_event, classify_error, classify_http, to_anthropic

K = FailureKind
NOW = 1_795_000_000.0


def detail(text: str) -> bytes:
    return json.dumps({"detail": text}).encode()


def error(message: str = "It went wrong.", **fields: object) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


def kind(status: int, body: bytes) -> FailureKind:
    return classify_http(status, {}, body).kind


def shown(failure: Failure) -> tuple[int, str, str]:
    """Status, error type and message of the HTTP answer."""
    answer = to_anthropic(failure, "req_1", NOW)
    body = json.loads(answer.body)
    assert body["type"] == "error"
    return answer.status, body["error"]["type"], body["error"]["message"]


def headers(failure: Failure) -> dict[str, str]:
    return to_anthropic(failure, "req_1", NOW).headers


# Telling them apart

OVERFLOWS = [
    "This model's maximum context length is 272000 tokens. However, your messages resulted in 300000 tokens.",
    "Your input exceeds the context window of this model. Please adjust your input and try again.",
    "prompt is too long: 300000 tokens > 272000 maximum",
    "context_length_exceeded",
    "Input is too long for requested model",
    "Codex ran out of room in the model's context window.",
    "the request exceeds the available context size. try increasing the context size or enable context shift",
    "Trying to keep the first 9000 tokens when context the overflows. However, the model is loaded with context length "
    "of only 4096 tokens, which is not enough.",
]


@pytest.mark.parametrize("message", OVERFLOWS)
@pytest.mark.parametrize("status", [0, 400, 413, 429, 500, 503])
def test_an_overflow_is_known_by_its_words_in_any_status(status: int, message: str) -> None:
    assert kind(status, error(message)) is K.CONTEXT_OVERFLOW
    assert kind(status, error(message, code="server_error")) is K.CONTEXT_OVERFLOW
    assert kind(status, detail(message.upper())) is K.CONTEXT_OVERFLOW


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("context_length_exceeded", K.CONTEXT_OVERFLOW),
        ("string_above_max_length", K.REJECTED),
        ("usage_limit_reached", K.USAGE_LIMIT),
        ("usage_not_included", K.PERMISSION),
        ("insufficient_quota", K.BILLING),
        ("billing_hard_limit_reached", K.BILLING),
        ("rate_limit_exceeded", K.RATE_LIMITED),
        ("server_is_overloaded", K.OVERLOADED),
        ("slow_down", K.OVERLOADED),
        ("overloaded_error", K.OVERLOADED),
        ("invalid_encrypted_content", K.REFUSED_REASONING),
        ("model_not_found", K.MODEL_UNAVAILABLE),
        ("invalid_prompt", K.POLICY),
        ("cyber_policy", K.POLICY),
        ("bio_policy", K.POLICY),
        ("misalignment_policy_violation", K.POLICY),
        ("content_policy_violation", K.POLICY),
        ("data_residency_mismatch", K.PERMISSION),
        ("invalid_api_key", K.SIGN_IN),
        ("token_expired", K.SIGN_IN),
        ("server_error", K.UPSTREAM_ERROR),
    ],
)
@pytest.mark.parametrize("field", ["code", "type"])
@pytest.mark.parametrize("status", [0, 400, 429])
def test_a_code_says_it_in_any_status(code: str, expected: FailureKind, field: str, status: int) -> None:
    failure = classify_http(status, {}, error(**{field: code}))
    assert failure.kind is expected
    assert failure.code == code


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, K.UPSTREAM_ERROR),
        (302, K.UPSTREAM_ERROR),
        (400, K.REJECTED),
        (401, K.SIGN_IN),
        (402, K.BILLING),
        (403, K.PERMISSION),
        (404, K.MODEL_UNAVAILABLE),
        (408, K.UPSTREAM_TIMEOUT),
        (409, K.REJECTED),
        (413, K.BODY_TOO_LARGE),
        (422, K.REJECTED),
        (429, K.RATE_LIMITED),
        (500, K.UPSTREAM_ERROR),
        (502, K.UPSTREAM_ERROR),
        (503, K.OVERLOADED),
        (529, K.OVERLOADED),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html></html>", b"{}", detail("No."), error("No.", code="unheard_of")])
def test_without_a_known_code_the_status_says_it(status: int, expected: FailureKind, body: bytes) -> None:
    failure = classify_http(status, {}, body)
    assert (failure.kind, failure.status) == (expected, status)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("The 'gpt-9' model is not supported when using Codex with a ChatGPT account.", K.MODEL_UNAVAILABLE),
        (
            "The 'gpt-9' model requires a newer version of Codex. Please upgrade to the latest app or CLI.",
            K.MODEL_UNAVAILABLE,
        ),
        ("The requested model 'gpt-9' does not exist.", K.MODEL_UNAVAILABLE),
        ("Your organization does not have access to model gpt-9.", K.MODEL_UNAVAILABLE),
        ("This model is not supported when using X-OpenAI-Internal-Codex-Responses-Lite.", K.REFUSED_FRAMING),
        ("Instructions are required", K.REFUSED_FRAMING),
        ("Instructions are not valid", K.REFUSED_FRAMING),
        ("The encrypted content gAAA...abc= could not be verified.", K.REFUSED_REASONING),
        ("Unsupported parameter: temperature", K.REJECTED),
        ("No tool output found for function call call_1.", K.REJECTED),
    ],
)
def test_upstreams_own_sentences_are_known(message: str, expected: FailureKind) -> None:
    assert kind(400, detail(message)) is expected
    assert kind(400, error(message, type="invalid_request_error")) is expected


def test_tools_in_the_wrong_framing_are_known_by_code_and_param() -> None:
    body = error("Unsupported value: 'tools'.", code="unsupported_value", param="tools")
    assert kind(400, body) is K.REFUSED_FRAMING
    other = error("Unsupported value.", code="unsupported_value", param="reasoning.effort")
    assert kind(400, other) is K.REJECTED
    assert kind(500, body) is K.UPSTREAM_ERROR
    assert classify_error(Error(message="Instructions are required")).kind is K.REFUSED_FRAMING


def test_an_event_without_a_status() -> None:
    assert classify_error(Error(code="invalid_image", type="invalid_request_error", message="Bad.")).kind is K.REJECTED
    assert classify_error(Error(message="Something new.")).kind is K.UPSTREAM_ERROR
    assert kind(500, error("Bad.", type="invalid_request_error")) is K.UPSTREAM_ERROR
    nothing = classify_error(Error())
    assert nothing.kind is K.UPSTREAM_ERROR
    assert nothing.message == "The upstream reported a failure without a reason."
    assert classify_error(Error(code="vector_store_timeout")).message == "The upstream reported vector_store_timeout."


@pytest.mark.parametrize("status", [400, 403, 500])
def test_upstreams_wording_is_kept(status: int) -> None:
    assert classify_http(status, {}, detail("Very particular words.")).message == "Very particular words."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The upstream answered HTTP 502."),
        (b"  <html>secret</html>", "The upstream answered HTTP 502 with a web page."),
        (detail("<html>secret</html>"), "The upstream answered HTTP 502."),
        (b"upstream connect error", "upstream connect error"),
    ],
)
def test_html_is_never_quoted(body: bytes, message: str) -> None:
    assert classify_http(502, {}, body).message == message


def test_the_numbers_of_an_overflow_are_read() -> None:
    for message in (
        "This model's maximum context length is 272,000 tokens. However, your messages resulted in 300,000 tokens.",
        "prompt is too long: 300000 tokens > 272000 maximum",
        "This model's maximum context length is 272000 tokens, however you requested 300000 tokens.",
    ):
        failure = classify_http(400, {}, error(message))
        assert (failure.tokens, failure.maximum) == (300_000, 272_000)
    limit = "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300044 tokens."
    failure = classify_http(400, {}, error(limit, code="context_length_exceeded"))
    assert (failure.tokens, failure.maximum) == (300_044, 272_000)


@pytest.mark.parametrize("odd", ["you requested, oh", "requested ,,,", "resulted in " + "9" * 5000, "> ,"])
def test_numbers_that_are_none_are_left_out(odd: str) -> None:
    failure = classify_http(400, {}, error(f"The maximum context length is exceeded: {odd}"))
    assert failure.kind is K.CONTEXT_OVERFLOW


def test_numbers_belong_to_overflows_only() -> None:
    failure = classify_http(400, {}, error("requested 5 of > 4 things"))
    assert (failure.tokens, failure.maximum) == (None, None)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("2", 2.0), ("1.5", 1.5), ("0", 0.0), ("", None), ("soon", None), ("-3", None), ("inf", None), ("nan", None)],
)
def test_retry_after_is_read(header: str, seconds: float | None) -> None:
    assert classify_http(429, {"retry-after": header}, b"").retry_after == seconds


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Please try again in 1.5s.", 1.5),
        ("Please try again in 714ms.", 0.714),
        ("Try again in 20 seconds", 20.0),
        ("try again in 20.", 20.0),
        ("try again in 6m0s. Visit the site.", 360.0),
        ("try again in 1h2m3s", 3723.0),
        ("try again in 1 hour and 30 minutes.", 5400.0),
        ("try again in 3 days, 2 hours", 266_400.0),
        ("try again in 12 Minutes", 720.0),
        ("try again in 2 months", None),
        ("try again in a moment", None),
        ("try again later", None),
        ("try again in " + "9" * 400 + "s", None),
    ],
)
def test_a_wait_in_words_is_read(words: str, seconds: float | None) -> None:
    failure = classify_error(Error(code="rate_limit_exceeded", message=f"Rate limit reached. {words}"))
    assert failure.retry_after == pytest.approx(seconds)


def test_the_header_counts_more_than_the_words() -> None:
    assert classify_http(429, {"retry-after": "7"}, error("try again in 3s")).retry_after == 7.0


def test_a_used_up_window_says_when_it_resets() -> None:
    body = error(
        "The usage limit has been reached", type="usage_limit_reached", resets_at=1_795_003_600, resets_in_seconds=9
    )
    failure = classify_http(429, {"retry-after": "1"}, body)
    assert (failure.kind, failure.resets_at, failure.retry_after) == (K.USAGE_LIMIT, 1_795_003_600, 9.0)


@pytest.mark.parametrize("value", [1e300, -5, 0, "soon", None, pytest.param(10**400, id="huge"), True])
def test_a_reset_that_nobody_can_mean_is_left_out(value: object) -> None:
    failure = classify_http(
        429, {}, error("Limit.", type="usage_limit_reached", resets_at=value, resets_in_seconds=value)
    )
    assert (failure.kind, failure.resets_at) == (K.USAGE_LIMIT, None)
    assert shown(failure)[2] == "Limit. The upstream did not say when it resets."


# How they look to the client (claude-code-wire.md 6)


def test_an_overflow_has_the_words_on_which_the_client_compacts() -> None:
    whole = Failure(kind=K.CONTEXT_OVERFLOW, message="Too long.", tokens=300_000, maximum=272_000)
    assert shown(whole) == (400, "invalid_request_error", "prompt is too long: 300000 tokens > 272000 maximum")


def test_an_overflow_always_shows_more_tokens_than_the_maximum() -> None:
    """The client works out from the numbers how much to cut."""
    for tokens in (None, 5, 272_000):
        failure = Failure(kind=K.CONTEXT_OVERFLOW, message="Too long.", tokens=tokens, maximum=272_000)
        assert shown(failure)[2] == "prompt is too long: 272001 tokens > 272000 maximum"


def test_an_overflow_without_numbers_keeps_the_words() -> None:
    failure = Failure(kind=K.CONTEXT_OVERFLOW, message="Your input exceeds the context window.")
    assert shown(failure)[2] == "prompt is too long: Your input exceeds the context window."


def test_a_used_up_plan_ends_the_turn_and_says_until_when() -> None:
    failure = Failure(
        kind=K.USAGE_LIMIT, message="The usage limit has been reached.", resets_at=int(NOW) + 2 * 86_400 + 3 * 3600
    )
    status, name, message = shown(failure)
    assert (status, name) == (429, "rate_limit_error")
    assert message == "The usage limit has been reached. It resets at 2026-11-20 14:06 UTC (in 2d 3h)."
    assert headers(failure)["x-should-retry"] == "false"
    assert "retry-after" not in headers(failure)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "in 0m"), (59, "in 1m"), (61, "in 2m"), (3600, "in 1h 0m"), (86_400, "in 1d 0h")]
)
def test_the_time_until_a_reset_is_never_told_too_short(seconds: int, words: str) -> None:
    failure = Failure(kind=K.USAGE_LIMIT, message="Limit", resets_at=int(NOW) + seconds)
    assert words in shown(failure)[2]
    waiting = Failure(kind=K.USAGE_LIMIT, message="Limit", retry_after=float(seconds))
    assert words in shown(waiting)[2]


def test_a_reset_in_the_past_is_told_as_now() -> None:
    assert "(in 0m)" in shown(Failure(kind=K.USAGE_LIMIT, message="Limit", resets_at=5))[2]


@pytest.mark.parametrize(
    ("wait", "expected"), [(0.0, "1"), (0.2, "1"), (1.5, "2"), (59.0, "59"), (59.5, "60"), (60.0, "60"), (None, "1")]
)
@pytest.mark.parametrize("limited", [K.RATE_LIMITED, K.OVERLOADED])
def test_what_may_pass_soon_has_a_wait_that_the_client_keeps(
    limited: FailureKind, wait: float | None, expected: str
) -> None:
    sent = headers(Failure(kind=limited, message="Busy.", retry_after=wait))
    assert sent["retry-after"] == expected
    assert "x-should-retry" not in sent


def test_what_takes_longer_ends_the_turn_and_says_how_long() -> None:
    failure = Failure(kind=K.RATE_LIMITED, message="Busy.", retry_after=61.0)
    assert headers(failure)["x-should-retry"] == "false"
    assert "retry-after" not in headers(failure)
    assert shown(failure)[2] == "Busy. Try again in 2m."


def test_a_sign_in_problem_is_quick_and_names_the_command() -> None:
    """With 401 the client would repeat it for minutes and then ask for its own /login."""
    failure = classify_http(401, {}, detail("Unauthorized"))
    status, name, message = shown(failure)
    assert (status, name) == (403, "authentication_error")
    assert message == "Unauthorized Sign in again with: turnout login"
    assert headers(failure)["x-should-retry"] == "false"


SHAPES = {
    K.BAD_REQUEST: (400, "invalid_request_error"),
    K.BODY_TOO_LARGE: (413, "request_too_large"),
    K.NOT_FOUND: (404, "not_found_error"),
    K.METHOD_NOT_ALLOWED: (405, "invalid_request_error"),
    K.UNAUTHENTICATED: (401, "authentication_error"),
    K.FORBIDDEN: (403, "permission_error"),
    K.REQUEST_TIMEOUT: (408, "invalid_request_error"),
    K.SIGN_IN: (403, "authentication_error"),
    K.PERMISSION: (403, "permission_error"),
    K.BILLING: (402, "billing_error"),
    K.MODEL_UNAVAILABLE: (404, "not_found_error"),
    K.CONTEXT_OVERFLOW: (400, "invalid_request_error"),
    K.USAGE_LIMIT: (429, "rate_limit_error"),
    K.RATE_LIMITED: (429, "rate_limit_error"),
    K.OVERLOADED: (529, "overloaded_error"),
    K.REFUSED_REASONING: (400, "invalid_request_error"),
    K.REFUSED_FRAMING: (400, "invalid_request_error"),
    K.REJECTED: (400, "invalid_request_error"),
    K.POLICY: (400, "invalid_request_error"),
    K.UPSTREAM_ERROR: (500, "api_error"),
    K.UNREACHABLE: (502, "api_error"),
    K.CUT: (502, "api_error"),
    K.UPSTREAM_TIMEOUT: (504, "timeout_error"),
    K.INTERNAL: (500, "api_error"),
}
USELESS_TO_REPEAT = {
    K.BODY_TOO_LARGE,
    K.NOT_FOUND,
    K.METHOD_NOT_ALLOWED,
    K.UNAUTHENTICATED,
    K.FORBIDDEN,
    K.SIGN_IN,
    K.PERMISSION,
    K.BILLING,
    K.MODEL_UNAVAILABLE,
    K.USAGE_LIMIT,
    K.INTERNAL,
}


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_its_shape(kind: FailureKind) -> None:
    failure = Failure(kind=kind, message="It went wrong.", next_step="Do this.")
    status, name, message = shown(failure)
    assert (status, name) == SHAPES[kind]
    assert "t went wrong." in message
    sent = headers(failure)
    assert (sent.get("x-should-retry") == "false") == (kind in USELESS_TO_REPEAT)
    assert sent["request-id"] == "req_1"
    assert sent["content-type"] == "application/json"


@pytest.mark.parametrize(("status", "expected"), [(500, 500), (502, 502), (599, 599), (302, 500), (200, 500), (0, 500)])
def test_a_5xx_keeps_its_status(status: int, expected: int) -> None:
    assert shown(classify_http(status, {}, b""))[0] == expected


def test_the_request_id_is_in_the_body_too() -> None:
    body = json.loads(to_anthropic(Failure(kind=K.CUT, message="Cut."), "req_1", NOW).body)
    assert body["request_id"] == "req_1"


def test_an_error_in_the_stream_says_the_same() -> None:
    failure = Failure(kind=K.UPSTREAM_ERROR, message="It broke.", next_step="Try again.")
    assert json.loads(anthropic_error_event(failure, NOW)) == {
        "type": "error",
        "error": {"type": "api_error", "message": "It broke. Try again."},
    }
    limit = json.loads(anthropic_error_event(Failure(kind=K.USAGE_LIMIT, message="Limit.", resets_at=int(NOW)), NOW))
    assert limit["error"]["type"] == "rate_limit_error"
    assert "It resets at" in limit["error"]["message"]


def test_a_burst_limit_in_the_stream_is_an_overload() -> None:
    """A rate_limit_error behind a complete block would end the client's turn."""
    burst = json.loads(anthropic_error_event(Failure(kind=K.RATE_LIMITED, message="Busy."), NOW))
    assert burst["error"]["type"] == "overloaded_error"


@settings(max_examples=250, deadline=None)
@given(
    st.integers(0, 599),
    st.sampled_from([{}, {"retry-after": "3"}, {"retry-after": "1e30"}, {"retry-after": "x"}]),
    st.binary(max_size=20)
    | st.builds(
        lambda fields, key: json.dumps({key: fields}).encode(),
        st.fixed_dictionaries(
            {},
            optional={
                "message": st.sampled_from([*OVERFLOWS, "try again in 9999999h", "x"]) | strategies.WORDS,
                "code": st.sampled_from(["usage_limit_reached", "rate_limit_exceeded"]) | strategies.ODD,
                "type": strategies.ODD,
                "resets_at": strategies.ODD | st.floats(allow_nan=False, allow_infinity=False) | st.integers(),
                "resets_in_seconds": strategies.ODD | st.floats(allow_nan=False, allow_infinity=False),
            },
        ),
        st.sampled_from(["error", "detail", "response"]),
    ),
)
def test_any_answer_can_be_shown(status: int, sent: dict[str, Any], body: bytes) -> None:
    failure = classify_http(status, sent, body)
    answer = to_anthropic(failure, "req_1", NOW)
    told = json.loads(answer.body)
    assert 400 <= answer.status <= 599
    assert told["error"]["message"].strip()
    assert math.isfinite(float(answer.headers.get("retry-after", "1")))
    assert 1 <= float(answer.headers.get("retry-after", "1")) <= 60
    json.loads(anthropic_error_event(failure, NOW))
