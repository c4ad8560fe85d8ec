"""Each fault fails the way its name says, once for each time it was ordered."""

import threading
import time

import pytest

from tests.simulator.wire import body, function, send, user
from turnout.simulator import FunctionCall, Message, Pacing, Reasoning, Simulator, Turn, faults

FULL = Turn(
    output=[
        Reasoning(summary=["Thinking about it for a while."]),
        Message(text="Here is what I will do, step by step."),
        FunctionCall(name="run_command", arguments={"command": "ls -la /a/long/path/to/somewhere"}),
    ]
)


@pytest.mark.parametrize(
    ("name", "status", "kind", "code"),
    [
        ("401", 401, "invalid_request_error", "token_expired"),
        ("429-usage-limit", 429, "usage_limit_reached", None),
        ("429-usage-not-included", 429, "usage_not_included", None),
        ("429-burst", 429, "requests", "rate_limit_exceeded"),
        ("429-insufficient-quota", 429, "insufficient_quota", "insufficient_quota"),
        ("500", 500, "server_error", None),
        ("503", 503, "service_unavailable_error", "server_is_overloaded"),
        ("lite-required", 400, "invalid_request_error", "unsupported_value"),
        ("context-400", 400, "invalid_request_error", "context_length_exceeded"),
        ("json-error-200", 200, "server_error", None),
    ],
)
def test_an_error_answer(sim: Simulator, name: str, status: int, kind: str, code: str | None) -> None:
    sim.fault(name)
    answer = send(sim, body())
    assert answer.status == status
    assert (answer.json["error"]["type"], answer.json["error"]["code"]) == (kind, code)
    assert answer.headers["content-type"] == "application/json"
    assert sim.requests[0].fault == name
    assert send(sim, body()).types[-1] == "response.completed"


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("403", 403, "Forbidden"),
        ("404-model", 404, "Model not found gpt-5.5"),
        ("413", 413, "Request Entity Too Large"),
    ],
)
def test_an_error_in_the_backends_own_family(sim: Simulator, name: str, status: int, text: str) -> None:
    sim.fault(name)
    answer = send(sim, body())
    assert (answer.status, answer.json) == (status, {"detail": text})


@pytest.mark.parametrize("name", ["403-html", "502-html"])
def test_a_page_of_the_network_in_front(sim: Simulator, name: str) -> None:
    sim.fault(name)
    answer = send(sim, body())
    assert answer.status == int(name[:3])
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.raw.startswith(b"<!DOCTYPE html>")


def test_a_usage_limit_tells_when_it_ends(sim: Simulator) -> None:
    sim.fault("429-usage-limit:90")
    error = send(sim, body()).json["error"]
    assert error["plan_type"] == "pro"
    assert error["resets_in_seconds"] == 90
    assert abs(error["resets_at"] - time.time() - 90) < 5


def test_a_burst_limit_with_and_without_retry_after(sim: Simulator) -> None:
    sim.fault("429-burst:2")
    assert send(sim, body()).headers["retry-after"] == "2"
    sim.fault("429-burst")
    assert "retry-after" not in send(sim, body()).headers


@pytest.mark.parametrize("code", [*faults.FAILURE_MESSAGES, "brand_new_code"])
def test_a_failure_inside_a_200(sim: Simulator, code: str) -> None:
    sim.fault(f"failed-in-200:{code}")
    answer = send(sim, body())
    assert answer.status == 200
    assert answer.types[-3:] == ["response.created", "response.in_progress", "response.failed"]
    assert answer.events[-1]["response"]["error"]["code"] == code
    assert answer.events[-1]["response"]["status"] == "failed"


def test_an_incomplete_answer(sim: Simulator) -> None:
    sim.script(FULL)
    sim.fault("incomplete:content_filter")
    last = send(sim, body()).events[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "content_filter"}
    assert last["response"]["usage"]["output_tokens"] > 0


def test_an_error_event(sim: Simulator) -> None:
    sim.fault("error-event:server_error")
    last = send(sim, body()).events[-1]
    assert (last["type"], last["code"]) == ("error", "server_error")


@pytest.mark.parametrize(
    ("place", "last"),
    [
        ("after-created", "response.in_progress"),
        ("mid-reasoning", "response.reasoning_summary_text.delta"),
        ("mid-text", "response.output_text.delta"),
        ("mid-arguments", "response.function_call_arguments.delta"),
        ("after-item", "response.output_item.done"),
        ("before-completed", "response.output_item.done"),
    ],
)
@pytest.mark.parametrize("kind", ["drop", "reset", "eof"])
def test_a_stream_that_ends_too_early(sim: Simulator, kind: str, place: str, last: str) -> None:
    sim.script(FULL)
    sim.fault(f"{kind}-{place}")
    answer = send(sim, body())
    assert answer.status == 200
    assert answer.cut == (kind != "eof")
    assert sim.requests[0].events[-1] == last
    if kind != "reset":  # A reset may overtake the last bytes.
        assert answer.types[-1] == last
    assert sim.requests[0].disconnected_at is None


@pytest.mark.parametrize("kind", ["drop", "reset"])
def test_a_connection_cut_before_the_first_byte(sim: Simulator, kind: str) -> None:
    sim.fault(f"{kind}-before-first-byte")
    answer = send(sim, body())
    assert answer.cut
    assert answer.status == 0


@pytest.mark.parametrize("limits", [True, False], ids=["with the quota's event", "without"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [("failed", "response.failed"), ("error-event", "error"), ("incomplete", "response.incomplete")],
)
def test_an_event_of_failure_before_the_first_byte_is_the_streams_first_and_only_one(
    sim: Simulator, fault: str, kind: str, limits: bool
) -> None:
    sim.settings.rate_limits_event = limits
    sim.fault(f"{fault}-before-first-byte")
    answer = send(sim, body(), timeout=5)
    assert (answer.status, answer.cut, answer.types) == (200, False, [kind])
    assert send(sim, body()).types[-1] == "response.completed"


@pytest.mark.parametrize("place", ["before-first-byte", "after-created", "mid-text"])
def test_a_stall_lasts_until_the_client_leaves(sim: Simulator, place: str) -> None:
    sim.script(Message(text="one two three"))
    sim.fault(f"stall-{place}")
    began = time.monotonic()
    answer = send(sim, body(), timeout=0.3)
    assert answer.cut
    assert "response.completed" not in answer.types
    sim.wait_until(lambda requests: requests[0].disconnected_at is not None)
    assert (sim.requests[0].disconnected_at or 0) - began < 2


def test_a_client_that_leaves_is_noticed(sim: Simulator) -> None:
    sim.script(Turn(output=[Message(text="word " * 500)], pacing=Pacing(delta=0.01)))
    reader = threading.Thread(target=_read_a_little, args=(sim.port, sim.headers()))
    reader.start()
    reader.join()
    sim.wait_until(lambda requests: bool(requests) and requests[0].disconnected_at is not None, timeout=2)
    assert 0 < sim.requests[0].events.count("response.output_text.delta") < 400
    assert sim.requests[0].finished_at is None


def _read_a_little(port: int, headers: dict[str, str]) -> None:
    import http.client

    import msgspec

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("POST", "/codex/responses", msgspec.json.encode(body()), headers)
    connection.getresponse().read1(2_000)
    time.sleep(0.1)
    connection.close()


def test_slow_answers(sim: Simulator) -> None:
    for name in ("slow-first-byte:0.2", "slow-first-event:0.2", "silence:0.2"):
        sim.fault(name)
        began = time.monotonic()
        answer = send(sim, body())
        assert time.monotonic() - began >= 0.2
        assert answer.types[-1] == "response.completed"


def test_a_silence_has_no_keepalive(sim: Simulator) -> None:
    sim.settings.keepalive_seconds = 0.02
    sim.fault("silence-mid-text:0.2")
    assert "keepalive" not in send(sim, body()).types


def test_a_fault_waits_for_a_request_that_it_fits(sim: Simulator) -> None:
    sim.fault("drop-mid-arguments")
    assert not send(sim, body(user("say `hi`"))).cut
    assert send(sim, body(user("run `ls`"))).cut


def test_encrypted_reasoning_is_refused_only_where_there_is_some(sim: Simulator) -> None:
    sim.fault("invalid-encrypted")
    first = send(sim, body())
    assert first.status == 200
    thought = {key: value for key, value in first.items[0].items() if key != "id"}
    refused = send(sim, body(user(), thought))
    assert (refused.status, refused.json["error"]["code"]) == (400, "invalid_encrypted_content")
    assert send(sim, body(user(), thought)).status == 200


def test_faults_are_counted_and_aimed(sim: Simulator) -> None:
    sim.fault("500", times=2, after=1)
    assert [send(sim, body()).status for _ in range(4)] == [200, 500, 500, 200]
    sim.fault("503", model="gpt-6")
    assert send(sim, body()).status == 200
    assert send(sim, body(model="gpt-6-sol")).status == 503


def test_a_scenario_names_faults_and_they_strike_once() -> None:
    with Simulator("stubborn") as sim:
        request = body(tools=[function()])
        assert [send(sim, request).status for _ in range(3)] == [503, 200, 200]


def test_a_header_orders_a_fault_for_one_request(sim: Simulator) -> None:
    assert send(sim, body(), x_sim_fault="503").status == 503
    assert send(sim, body()).status == 200
    assert "There is no fault called" in send(sim, body(), x_sim_fault="nonsense").json["detail"]


@pytest.mark.parametrize("name", ["nonsense", "drop-nowhere", "silence", "silence:long", "slow-first-byte"])
def test_an_unknown_fault_is_an_error_that_helps(name: str) -> None:
    with pytest.raises(ValueError, match="fault"):
        faults.parse(name)


@pytest.mark.parametrize(
    "name", ["429-burst:2", "drop-mid-text", "failed-mid-text:server_error", "slow-first-byte:1.5"]
)
def test_a_faults_name_is_stable(name: str) -> None:
    assert faults.parse(name).name == name
