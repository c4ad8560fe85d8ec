"""WebSockets at the door of Responses, frame by frame."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.gateway.client import send, wait_for
from tests.translate.creating import hold_to_specification
from turnout.gateway import responses_socket
from turnout.simulator import FunctionCall, Message, Pacing, Reasoning, Simulator, Turn

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway

PATH = "/v1/responses"
MODEL = "gpt-5.5"
TOOL = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": False}
CALLING = Turn(output=[Reasoning(summary=["Hm."]), FunctionCall(name="look", arguments={"at": "橋"})])


class Socket:
    """One connection of a client's."""

    def __init__(self, gateway: RunningGateway, path: str = PATH, **headers: str) -> None:
        fields = {"authorization": f"Bearer {gateway.token}", **headers}
        address = f"ws://{urlsplit(gateway.base_url).netloc}{path}"
        self._opening = connect(address, additional_headers=fields, max_size=None)

    def __enter__(self) -> Self:
        self._connection = self._opening.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._opening.__exit__(None, None, None)

    def send(self, frame: object) -> None:
        self._connection.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._connection.recv(timeout=10))
        return found

    def create(self, given: object = "Say something.", **fields: Any) -> list[dict[str, Any]]:
        """Asks, and reads the answer to its end."""
        self.send({"type": "response.create", "model": MODEL, "input": given, **fields})
        return self.read_answer()

    def read_answer(self) -> list[dict[str, Any]]:
        found = [self.read()]
        while found[-1]["type"] not in ("response.completed", "response.failed", "response.incomplete", "error"):
            found.append(self.read())
        return found

    def closed(self) -> int:
        """The close code, once the gateway has closed the connection."""
        with pytest.raises(ConnectionClosed) as closed:
            self._connection.recv(timeout=10)
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code


def text_of(answer: list[dict[str, Any]]) -> str:
    output = answer[-1]["response"]["output"]
    return "".join(part["text"] for item in output if item["type"] == "message" for part in item["content"])


def test_an_answer_comes_in_frames(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="So be it. 🚂"), Message(text="Again."))
    with Socket(gateway) as socket:
        first = socket.create()
        hold_to_specification(first)
        assert text_of(first) == "So be it. 🚂"
        assert text_of(socket.create()) == "Again."
    assert sim.requests[0].headers["authorization"] != f"Bearer {gateway.token}"
    kept = [each for each in gateway.gateway.last if each.request_id.endswith(first[0]["response"]["id"][-24:])]
    assert [(each.status, each.model) for each in kept] == [(200, MODEL)]


def test_a_turn_goes_on_from_the_one_before_though_nothing_is_stored(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(CALLING, Message(text="Done."))
    with Socket(gateway) as socket:
        first = socket.create(tools=[TOOL], store=False)[-1]["response"]
        result = {"type": "function_call_output", "call_id": first["output"][1]["call_id"], "output": "seen"}
        second = socket.create([result], tools=[TOOL], store=False, previous_response_id=first["id"])
        assert text_of(second) == "Done."
        assert second[-1]["response"]["previous_response_id"] == first["id"]
    assert [item.get("type", "message") for item in (sim.requests[1].body or {})["input"]] == [
        "message",
        "reasoning",
        "function_call",
        "function_call_output",
    ]


def test_a_prepared_turn(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Ready."))
    developer = {"type": "message", "role": "developer", "content": "Be brief."}
    with Socket(gateway) as socket:
        prepared = socket.create([developer], generate=False, store=False)
        assert [each["type"] for each in prepared] == ["response.created", "response.in_progress", "response.completed"]
        assert prepared[-1]["response"]["output"] == []
        assert not sim.requests
        made = socket.create(store=False, previous_response_id=prepared[-1]["response"]["id"])
        assert text_of(made) == "Ready."
    assert [item["role"] for item in (sim.requests[0].body or {})["input"]] == ["developer", "user"]


def test_what_a_connection_alone_knew_is_stored_whole(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."), Message(text="Two."))
    with Socket(gateway) as socket:
        first = socket.create("A", store=False)[-1]["response"]
        second = socket.create("B", previous_response_id=first["id"])[-1]["response"]
    items = send(gateway, path=f"{PATH}/{second['id']}/input_items?order=asc", method="GET").json["data"]
    assert [item["content"][0]["text"] for item in items] == ["A", "One.", "B"]


def test_only_the_last_response_is_remembered(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."), Message(text="Two."))
    with Socket(gateway) as socket:
        first = socket.create(store=False)[-1]["response"]
        socket.create(store=False)
        (error,) = socket.create(previous_response_id=first["id"])
    assert (error["type"], error["status"]) == ("error", 400)
    assert error["error"]["code"] == "previous_response_not_found"
    assert error["error"]["param"] == "previous_response_id"


def test_a_failed_turn_is_not_gone_on_from(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."))
    with Socket(gateway) as socket:
        first = socket.create(store=False)[-1]["response"]
        sim.fault("429-burst", times=5)
        (error,) = socket.create(store=False, previous_response_id=first["id"])
        assert error["status"] == 429
        (error,) = socket.create(store=False, previous_response_id=first["id"])
        assert error["error"]["code"] == "previous_response_not_found"


def test_failures_are_error_frames_and_the_connection_lives_on(gateway: RunningGateway, sim: Simulator) -> None:
    with Socket(gateway) as socket:
        sim.fault("429-usage-limit", times=5)
        (error,) = socket.create()
        assert (error["type"], error["status"]) == ("error", 429)
        assert error["error"]["code"] == error["error"]["type"] == "usage_limit_reached"
        sim.reset()
        (error,) = socket.create([7])
        assert (error["status"], error["error"]["param"]) == (400, "input[0]")
        sim.script(Message(text="Yes."))
        assert text_of(socket.create()) == "Yes."


def test_a_failure_in_the_middle_is_the_response_s_own(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="word " * 50))
    sim.fault("drop-mid-text")
    with Socket(gateway) as socket:
        assert socket.create()[-1]["response"]["error"]["code"] == "server_error"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", "invalid_json"),
        ("[]", "invalid_json"),
        ({"type": "response.steer"}, "unknown_frame"),
        ({"model": MODEL}, "unknown_frame"),
    ],
)
def test_frames_that_are_none(gateway: RunningGateway, sim: Simulator, frame: object, code: str) -> None:
    sim.script(Message(text="Yes."))
    with Socket(gateway) as socket:
        socket.send(frame)
        assert socket.read()["error"]["code"] == code
        socket.send({"type": "response.processed", "response_id": "resp_1"})
        assert text_of(socket.create()) == "Yes."


def test_binary_frames_end_the_connection(gateway: RunningGateway) -> None:
    with Socket(gateway) as socket:
        socket.send(b"{}")
        assert socket.closed() == 1003


def test_too_many_frames_at_once_end_the_connection(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[Message(text="At last.")], pacing=Pacing(first_byte=1)))
    with Socket(gateway) as socket:
        for _ in range(responses_socket.FRAMES_WAITING + 2):
            socket.send({"type": "response.create", "model": MODEL, "input": "Hi"})
        assert socket.closed() == 1008


def test_frames_wait_for_each_other(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="One."), Message(text="Two."))
    with Socket(gateway) as socket:
        for _ in range(2):
            socket.send({"type": "response.create", "model": MODEL, "input": "Hi"})
        assert [text_of(socket.read_answer()) for _ in range(2)] == ["One.", "Two."]


def test_a_client_that_leaves_stops_the_upstream(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Turn(output=[Message(text="word " * 5000)], pacing=Pacing(delta=0.01)))
    with Socket(gateway) as socket:
        socket.send({"type": "response.create", "model": MODEL, "input": "Hi"})
        while socket.read()["type"] != "response.output_text.delta":
            pass
    sim.wait_until(lambda requests: requests[0].done)
    assert sim.requests[0].disconnected_at is not None


def test_a_connection_lives_for_an_hour(
    gateway: RunningGateway, sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(responses_socket, "LIFE_SECONDS", 0.5)
    sim.script(Turn(output=[Message(text="At last.")], pacing=Pacing(first_byte=1)))
    with Socket(gateway) as socket:
        assert text_of(socket.create()) == "At last.", "an answer that has begun is given"
        assert socket.read()["error"]["code"] == "websocket_connection_limit_reached"
        assert socket.closed() == 1000


# The handshake


def refused(gateway: RunningGateway, **arguments: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(InvalidStatus) as raised, Socket(gateway, **arguments):
        pass
    response = raised.value.response
    error: dict[str, Any] = json.loads(response.body or b"")["error"]
    return response.status_code, error


def test_a_stranger_is_refused(gateway: RunningGateway) -> None:
    status, error = refused(gateway, authorization="Bearer wrong")
    assert (status, error["code"]) == (401, "invalid_api_key")


def test_a_web_page_is_refused(gateway: RunningGateway) -> None:
    assert refused(gateway, origin="https://example.com")[0] == 403


def test_other_paths_have_none(gateway: RunningGateway) -> None:
    assert refused(gateway, path="/v1/messages")[0] == 404


def test_it_can_be_off(start: Start) -> None:
    status, error = refused(start(responses={"websocket": False}))
    assert status == 426
    assert "TURNOUT_RESPONSES_WEBSOCKET" in error["message"]


def test_the_token_may_be_in_the_other_header(gateway: RunningGateway, sim: Simulator) -> None:
    sim.script(Message(text="Yes."))
    with Socket(gateway, authorization="", **{"x-api-key": gateway.token}) as socket:
        assert text_of(socket.create()) == "Yes."


# The end of the gateway


def test_an_idle_connection_is_told_that_the_gateway_ends(start: Start) -> None:
    gateway = start()
    with Socket(gateway) as socket:
        gateway.end()
        assert socket.closed() == 1012


def test_an_answer_gets_its_time_when_the_gateway_ends(start: Start, sim: Simulator) -> None:
    gateway = start(server={"drain": 5})
    sim.script(Turn(output=[Message(text="At last.")], pacing=Pacing(first_byte=0.5)))
    with Socket(gateway) as socket:
        socket.send({"type": "response.create", "model": MODEL, "input": "Hi"})
        wait_for(lambda: sim.requests)
        began = time.monotonic()
        gateway.end()
        assert text_of(socket.read_answer()) == "At last."
        assert socket.closed() == 1012
        assert time.monotonic() - began < 4
