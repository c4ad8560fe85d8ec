"""What upstream's failures become: real HTTP errors as Claude Code acts on them (claude-code-wire.md 6), and how often
upstream is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.gateway.client import message, record, send
from tests.gateway.conftest import SENT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway
    from turnout.simulator import Simulator

FOR_GOOD = {"x-should-retry": "false"}


class Refusal(NamedTuple):
    """A fault of upstream's, and what the client gets."""

    fault: str
    calls: int
    """Requests that upstream sees."""
    status: int
    type: str
    headers: dict[str, str]
    words: str
    """In the message."""


REFUSALS = [
    Refusal("403", 1, 403, "permission_error", FOR_GOOD, ""),
    Refusal("403-html", 1, 403, "permission_error", FOR_GOOD, "HTTP 403"),
    Refusal("404-model", 1, 404, "not_found_error", FOR_GOOD, "Model not found"),
    Refusal("413", 1, 413, "request_too_large", FOR_GOOD, ""),
    Refusal("429-usage-limit:3600", 1, 429, "rate_limit_error", FOR_GOOD, "It resets at "),
    Refusal("429-usage-not-included", 1, 403, "permission_error", FOR_GOOD, ""),
    Refusal("429-insufficient-quota", 1, 402, "billing_error", FOR_GOOD, "quota"),
    Refusal("429-burst:7", 1, 429, "rate_limit_error", {"retry-after": "7"}, ""),
    Refusal("429-burst", 1, 429, "rate_limit_error", {"retry-after": "1"}, ""),
    Refusal("429-burst:90", 1, 429, "rate_limit_error", FOR_GOOD, "2m"),
    Refusal("503", 2, 529, "overloaded_error", {"retry-after": "1"}, ""),
    Refusal("500", 2, 500, "api_error", {}, ""),
    Refusal("502-html", 2, 502, "api_error", {}, "HTTP 502"),
    Refusal("context-400", 1, 400, "invalid_request_error", {}, "prompt is too long: "),
    Refusal("failed:context_length_exceeded", 1, 400, "invalid_request_error", {}, "prompt is too long: "),
    Refusal("failed:insufficient_quota", 1, 402, "billing_error", FOR_GOOD, "quota"),
    Refusal("failed:usage_not_included", 1, 403, "permission_error", FOR_GOOD, ""),
    Refusal("failed:rate_limit_exceeded", 1, 429, "rate_limit_error", {"retry-after": "2"}, ""),
    Refusal("failed:server_is_overloaded", 2, 529, "overloaded_error", {"retry-after": "1"}, ""),
    Refusal("failed:slow_down", 2, 529, "overloaded_error", {"retry-after": "1"}, ""),
    Refusal("failed:usage_limit_reached", 1, 429, "rate_limit_error", FOR_GOOD, "did not say when it resets"),
    Refusal("failed:workspace_member_credits_depleted", 1, 429, "rate_limit_error", FOR_GOOD, ""),
    Refusal("failed:invalid_prompt", 1, 400, "invalid_request_error", {}, "usage policy"),
    Refusal("failed:bio_policy", 1, 400, "invalid_request_error", {}, "biological"),
    Refusal("failed:misalignment_policy_violation", 1, 400, "invalid_request_error", {}, "safety policy"),
    Refusal("failed:cyber_policy", 1, 400, "invalid_request_error", {}, "cybersecurity"),
    Refusal("failed:server_error", 2, 500, "api_error", {}, ""),
    Refusal("failed:never_seen_before", 2, 500, "api_error", {}, ""),
    Refusal("error-event:server_error", 2, 500, "api_error", {}, ""),
    Refusal("failed-before-first-byte:server_error", 2, 500, "api_error", {}, ""),
    Refusal("error-event-before-first-byte:server_error", 2, 500, "api_error", {}, ""),
    Refusal("drop-before-first-byte", 2, 502, "api_error", {}, "closed the connection"),
    Refusal("reset-before-first-byte", 2, 502, "api_error", {}, "closed the connection"),
    Refusal("drop-after-created", 2, 502, "api_error", {}, ""),
    Refusal("eof-after-created", 2, 502, "api_error", {}, "cut"),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("refusal", REFUSALS, ids=[refusal.fault for refusal in REFUSALS])
def test_a_failure_before_output_is_a_real_http_error(
    sim: Simulator, gateway: RunningGateway, refusal: Refusal, stream: bool
) -> None:
    sim.fault(refusal.fault, times=5)

    answer = send(gateway, message(stream=stream))

    assert (answer.status, answer.error[0]) == (refusal.status, refusal.type), answer.body
    assert refusal.words in answer.error[1]
    assert "<" not in answer.error[1]
    assert {name: answer.headers.get(name) for name in refusal.headers} == refusal.headers
    assert int(answer.headers.get("retry-after", "0")) <= 60
    assert answer.headers["request-id"] == answer.json["request_id"]
    assert answer.headers["content-type"] == "application/json"
    assert len(sim.requests) == refusal.calls
    found = record(gateway, answer)
    assert (found.status, found.attempts) == (refusal.status, refusal.calls)
    assert found.failure is not None


LIMITS = ("429-usage-limit", "429-burst:7", "429-usage-not-included", "429-insufficient-quota", "503")


def test_the_five_ways_to_have_no_quota_are_told_apart(sim: Simulator, gateway: RunningGateway) -> None:
    """codex-backend.md 3.3: each has a message, a status or type, and a rule for retries of its own."""
    found = []
    for fault in LIMITS:
        sim.fault(fault, times=2 if fault == "503" else 1)
        answer = send(gateway, message(stream=True))
        retry = (answer.headers.get("x-should-retry"), "retry-after" in answer.headers)
        found.append((answer.status, *answer.error, record(gateway, answer).failure.value, retry))
    assert [(status, kind, failure, retry) for status, kind, _, failure, retry in found] == [
        (429, "rate_limit_error", "usage_limit", ("false", False)),
        (429, "rate_limit_error", "rate_limited", (None, True)),
        (403, "permission_error", "permission", ("false", False)),
        (402, "billing_error", "billing", ("false", False)),
        (529, "overloaded_error", "overloaded", (None, True)),
    ]
    assert len({words for _, _, words, _, _ in found}) == len(LIMITS)
    assert len(sim.requests) == len(LIMITS) + 1, "only an overload is sent again by the gateway, once"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", ["500", "drop-before-first-byte", "failed:server_error", "drop-after-created"])
def test_one_failure_before_output_is_not_noticed(
    sim: Simulator, gateway: RunningGateway, stream: bool, fault: str
) -> None:
    sim.fault(fault)

    answer = send(gateway, message(stream=stream))

    assert answer.status == 200
    assert answer.text
    assert len(sim.requests) == 2
    assert sim.requests[0].raw == sim.requests[1].raw
    found = record(gateway, answer)
    assert (found.attempts, found.failure) == (2, None)
    assert any("once more" in str(note) for note in found.notes)


def test_after_output_a_cut_is_an_error_event_and_nothing_is_sent_again(
    sim: Simulator, gateway: RunningGateway
) -> None:
    sim.fault("drop-mid-text", times=5)

    answer = send(gateway, message(stream=True))

    assert answer.status == 200
    assert answer.names[0] == "message_start"
    assert answer.names[-1] == "error"
    assert "message_stop" not in answer.names
    assert len(sim.requests) == 1
    found = record(gateway, answer)
    assert (found.status, found.failure, found.attempts) == (200, "cut", 1)


def test_without_streaming_the_same_cut_is_an_http_error(sim: Simulator, gateway: RunningGateway) -> None:
    sim.fault("drop-mid-text", times=5)

    answer = send(gateway, message(stream=False))

    assert (answer.status, answer.error[0]) == (502, "api_error")
    assert len(sim.requests) == 1


def test_an_overflow_names_the_window_that_the_client_compacts_to(sim: Simulator, gateway: RunningGateway) -> None:
    sim.fault("failed:context_length_exceeded")

    kind, text = send(gateway, message(stream=True)).error

    assert kind == "invalid_request_error"
    prefix, _, maximum = text.partition(" tokens > ")
    assert prefix.startswith("prompt is too long: ")
    assert int(maximum.removesuffix(" maximum")) < int(prefix.rpartition(" ")[2])


def test_a_json_error_in_place_of_a_stream_is_an_error(sim: Simulator, gateway: RunningGateway) -> None:
    sim.fault("json-error-200", times=5)

    answer = send(gateway, message(stream=True))

    assert answer.status >= 400
    assert answer.error[1]


def test_no_login_is_said_quickly_with_the_command_that_helps(start: Start, sim: Simulator) -> None:
    gateway = start(codex={"home": "nowhere/at/all"})

    answer = send(gateway, message(stream=True))

    assert (answer.status, answer.error[0]) == (403, "authentication_error")
    assert "turnout login" in answer.error[1]
    assert answer.headers["x-should-retry"] == "false"
    assert not sim.requests


def test_an_upstream_that_cannot_be_reached(start: Start) -> None:
    gateway = start(endpoint="http://127.0.0.1:9/responses")

    answer = send(gateway, message(stream=True))

    assert (answer.status, answer.error[0]) == (502, "api_error")
    assert "No connection to 127.0.0.1" in answer.error[1]
    assert record(gateway, answer).attempts == 2


class TestReasoningThatUpstreamCannotRead:
    def test_is_left_out_on_the_one_retry(self, sim: Simulator, gateway: RunningGateway) -> None:
        first = send(gateway, message(stream=False)).json
        history = [
            *message()["messages"],
            {"role": "assistant", "content": first["content"]},
            {"role": "user", "content": "Go on."},
        ]
        sim.fault("invalid-encrypted")

        answer = send(gateway, message(stream=True, messages=history))

        assert answer.status == 200
        _, refused, sent = sim.requests
        assert [item["type"] for item in refused.input].count("reasoning") == 1
        assert [item["type"] for item in sent.input].count("reasoning") == 0


class TestFraming:
    @pytest.fixture
    def lite_only(self, sim: Simulator) -> Iterator[Simulator]:
        sim.settings.require_lite = {SENT_MODEL}
        yield sim
        sim.settings.require_lite = set()

    def test_the_one_that_upstream_wants_is_found_and_remembered(self, start: Start, lite_only: Simulator) -> None:
        gateway = start()

        first = send(gateway, message(stream=True))
        second = send(gateway, message(stream=True))

        assert (first.status, second.status) == (200, 200)
        plain, lite, again = lite_only.requests
        header = "x-openai-internal-codex-responses-lite"
        assert [request.headers.get(header) for request in (plain, lite, again)] == [None, "true", "true"]
        assert "tools" not in (lite.body or {})

    def test_one_that_was_chosen_is_kept(self, start: Start, lite_only: Simulator) -> None:
        gateway = start(codex={"framing": {SENT_MODEL: "plain"}})

        answer = send(gateway, message(stream=True))

        assert answer.status == 400
        assert len(lite_only.requests) == 1
