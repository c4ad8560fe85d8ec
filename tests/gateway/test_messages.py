"""The main job: a Messages request goes to the Codex backend and its answer comes back, streamed and not."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.gateway.client import MODEL, message, record, send, wait_for
from tests.gateway.conftest import SENT_MODEL
from tests.gateway.upstreams import Connection, ScriptedUpstream
from turnout.simulator.scenario import FunctionCall, Message, Reasoning, Turn

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway
    from turnout.simulator import Simulator

TOOL = {
    "name": "Read",
    "description": "Reads a file.",
    "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
}
TURN = Turn(
    output=[
        Reasoning(summary=["I should look."]),
        Message(text="Let me look."),
        FunctionCall(name="Read", arguments={"path": "a.py"}),
    ]
)


def test_a_streamed_answer(sim: Simulator, gateway: RunningGateway) -> None:
    sim.script(TURN)

    answer = send(gateway, message(stream=True, tools=[TOOL]))

    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    names = answer.names
    assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])
    start = answer.events[0][1]["message"]
    assert start["model"] == MODEL
    blocks = [data["content_block"]["type"] for name, data in answer.events if name == "content_block_start"]
    assert blocks == ["thinking", "text", "tool_use"]
    assert answer.text == "Let me look."
    ending = answer.events[-2][1]
    assert ending["delta"]["stop_reason"] == "tool_use"
    assert ending["usage"]["output_tokens"] > 0


@pytest.mark.parametrize("fields", [{}, {"stream": False}, {"stream": None}])
def test_the_same_answer_without_streaming(sim: Simulator, gateway: RunningGateway, fields: dict[str, object]) -> None:
    sim.script(TURN)

    answer = send(gateway, message(tools=[TOOL], **fields))

    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    content = answer.json
    assert (content["type"], content["role"], content["model"]) == ("message", "assistant", MODEL)
    assert [block["type"] for block in content["content"]] == ["thinking", "text", "tool_use"]
    assert content["content"][2]["input"] == {"path": "a.py"}
    assert content["stop_reason"] == "tool_use"
    assert content["usage"]["output_tokens"] > 0
    assert sim.requests[0].body is not None
    assert sim.requests[0].body["stream"] is True


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/", "/v1/messages?beta=true&x=%20", "/v1/messages?"])
def test_any_query_and_a_final_slash(gateway: RunningGateway, path: str) -> None:
    assert send(gateway, message(stream=True), path=path).status == 200


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_the_token_in_either_header(gateway: RunningGateway, header: str) -> None:
    value = f"Bearer {gateway.token}" if header == "authorization" else gateway.token

    assert send(gateway, message(), headers={"authorization": "", header: value}).status == 200


def test_a_name_of_openai_passes(sim: Simulator, gateway: RunningGateway) -> None:
    answer = send(gateway, message(model="gpt-5.5"))

    assert answer.json["model"] == "gpt-5.5"
    assert sim.requests[0].body is not None
    assert sim.requests[0].body["model"] == "gpt-5.5"


class TestWhatUpstreamSees:
    def test_who_is_asking_and_nothing_of_the_client(self, sim: Simulator, gateway: RunningGateway) -> None:
        client = {
            "anthropic-beta": "claude-code-20250219",
            "anthropic-version": "2023-06-01",
            "x-app": "cli",
            "cookie": "a=b",
            "user-agent": "claude-cli/2.1.328",
            "x-openai-internal-codex-responses-lite": "true",
            "x-stainless-os": "Linux",
        }
        send(gateway, message(stream=True), headers=client)

        seen = sim.requests[0].headers
        assert seen["authorization"].removeprefix("Bearer ").count(".") == 2
        assert gateway.token not in str(seen)
        assert seen["chatgpt-account-id"] == sim.account.account_id
        assert (seen["originator"], seen["version"]) == ("turnout", gateway.config.codex.client_version)
        assert seen["user-agent"].startswith("turnout/")
        assert seen["accept"] == "text/event-stream"
        assert set(seen) == {
            "host",
            "authorization",
            "chatgpt-account-id",
            "originator",
            "user-agent",
            "version",
            "accept",
            "content-type",
            "content-length",
        }

    def test_one_conversation_is_one_session_and_each_agent_has_its_own(
        self, sim: Simulator, gateway: RunningGateway
    ) -> None:
        session = "0d6f2c5e-6a1e-4f1c-9d2b-1a2b3c4d5e6f"
        user = {"user_id": f'{{"device_id":"d","account_uuid":"","session_id":"{session}"}}'}
        send(gateway, message(stream=True, metadata=user))
        send(gateway, message("Something else.", stream=True, metadata=user))
        send(gateway, message(stream=True), headers={"X-Claude-Code-Session-Id": session})
        send(gateway, message(stream=True, metadata=user), headers={"x-claude-code-agent-id": "a1b2c3d4e5f6a7b8c"})
        send(gateway, message(stream=True))

        first, second, by_header, agent, none = [
            (call.headers.get("session-id"), (call.body or {}).get("prompt_cache_key")) for call in sim.requests
        ]
        assert first == second == by_header
        assert None not in first
        assert sim.requests[0].headers["thread-id"] == first[0]
        assert agent[0] not in (None, first[0])
        assert agent[1] not in (None, first[1])
        assert none == (None, None)

    def test_connections_are_used_again(self, start: Start) -> None:
        def script(upstream: Connection) -> None:
            while upstream.read_request():
                upstream.answer("Hello")

        with ScriptedUpstream(script) as upstream:
            gateway = start(endpoint=upstream.url)
            for _ in range(5):
                assert send(gateway, message(stream=True)).text == "Hello"

        assert len(upstream.connections) == 1


class TestTheRecord:
    def test_says_what_happened(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.script(TURN)
        answer = send(gateway, message(stream=True, tools=[TOOL], output_config={"effort": "low"}))

        found = record(gateway, answer)
        assert found.request_id == answer.headers["request-id"]
        assert (found.model_asked, found.model, found.slot) == (MODEL, SENT_MODEL, "opus")
        assert (found.effort, found.status, found.attempts, found.failure) == ("low", 200, 1, None)
        assert found.usage is not None
        assert found.usage.output_tokens > 0
        assert found.ttft_ms is not None
        assert 0 < found.ttft_ms <= found.total_ms

    def test_is_a_log_line_without_a_word_of_the_conversation(
        self, sim: Simulator, gateway: RunningGateway, log_lines: io.StringIO
    ) -> None:
        answer = send(gateway, message("The secret is swordfish."), headers={"user-agent": "claude-cli/2.1.328 (x)"})
        request_id = answer.headers["request-id"]
        wait_for(lambda: request_id in log_lines.getvalue())

        (line,) = [line for line in log_lines.getvalue().splitlines() if request_id in line]
        for fact in (
            "POST",
            "/v1/messages",
            "claude-cli/2.1.328",
            MODEL,
            SENT_MODEL,
            "status=200",
            "tokens_in=",
            "tokens_out=",
            "ttft_ms=",
            "ms=",
        ):
            assert fact in line
        for secret in ("swordfish", gateway.token, sim.access_token()[:20], sim.account.account_id):
            assert secret not in line

    def test_every_answer_has_an_id_of_its_own(self, gateway: RunningGateway) -> None:
        answers = [send(gateway, message()), send(gateway, message()), send(gateway, b"{}"), send(gateway, path="/no")]

        ids = [answer.headers["request-id"] for answer in answers]
        assert len(set(ids)) == 4
        assert all(found.startswith("req_") and len(found) == 28 for found in ids)


def test_a_hundred_requests_at_once(gateway: RunningGateway) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: send(gateway, message(stream=number % 2 == 0)), range(100)))

    assert {answer.status for answer in answers} == {200}
    assert all(answer.text for answer in answers)
