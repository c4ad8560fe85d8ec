"""What a gateway remembers of each request: where it went, how it continued the one before, and no word of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import MODEL, Answer, Wire, message, record, send, wait_for
from tests.gateway.conftest import SENT_MODEL, config
from turnout.gateway.server import RunningGateway
from turnout.ledger.record import RequestRecord, short_name
from turnout.ledger.store import JsonLinesStore
from turnout.protocol.errors import FailureKind
from turnout.simulator.scenario import Message, Pacing, Reasoning, Turn, Usage

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence
    from pathlib import Path

    from turnout.simulator import Simulator

SESSION = "3d1c9a52-6f0b-4e7d-9b64-2b1f00000001"
LONG = "You are an agent. " * 400
"""Long enough for the prompt cache."""
SECRET = "swordfish"


def tool(name: str, description: str = "Does something.") -> dict[str, Any]:
    return {"name": name, "description": description, "input_schema": {"type": "object", "properties": {}}}


def turn(*texts: str, session: str = SESSION, tools: Sequence[dict[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    """A request of a session: what the user and the model have said by turns."""
    user_id = json.dumps({"device_id": "d" * 64, "account_uuid": "", "session_id": session})
    roles = ["user", "assistant"] * len(texts)
    said = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=False)]
    return message(system=LONG, messages=said, tools=list(tools), metadata={"user_id": user_id}, **fields)


def remembered(gateway: RunningGateway, body: object, **headers: str) -> RequestRecord:
    found: RequestRecord = record(gateway, send(gateway, body, headers=headers))
    return found


def admin(gateway: RunningGateway, path: str, **options: Any) -> Answer:
    return send(gateway, method="GET", path=path, **options)


class TestARecord:
    def test_it_says_where_a_request_went_and_what_it_cost(self, sim: Simulator, gateway: RunningGateway) -> None:
        figures = Usage(input_tokens=3000, cached_tokens=2048, output_tokens=50, reasoning_tokens=20)
        sim.script(Turn(output=[Reasoning(summary=["Hm."]), Message(text="Yes.")], usage=figures))
        agent = {"user-agent": "claude-cli/2.1.328 (external, cli)", "x-claude-code-agent-id": "a1b2"}
        body = turn("Hello.", stream=True, speed="fast", output_config={"effort": "max"})
        found = remembered(gateway, body, **agent)

        assert (found.client, found.client_version) == ("claude-cli", "2.1.328")
        assert (found.session, found.agent) == (short_name(SESSION), short_name("a1b2"))
        assert (found.model_asked, found.model, found.slot) == (MODEL, SENT_MODEL, "opus")
        assert (found.upstream, found.framing, found.tier) == ("codex", "plain", "priority")
        assert found.effort_asked == "max"
        assert found.effort
        assert len(found.account) == 8
        assert (found.status, found.attempts, found.streamed, found.strict) == (200, 1, True, False)
        assert found.usage is not None
        assert (found.prompt_tokens, found.usage.output_tokens, found.usage.reasoning_tokens) == (3000, 50, 20)
        assert found.cached_share == pytest.approx(2048 / 3000)
        assert found.body_bytes == int(sim.requests[-1].headers["content-length"])
        assert found.failure is None

    def test_its_times_follow_one_another(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.script(Turn(output=[Message(text="word " * 20)], pacing=Pacing(first_byte=0.05, delta=0.005)))
        found = remembered(gateway, turn("Hello.", stream=True))
        assert found.sent_ms is not None
        assert found.opened_ms is not None
        assert found.ttft_ms is not None
        assert 0 < found.sent_ms <= found.opened_ms <= found.ttft_ms < found.total_ms

    def test_no_word_no_key_and_no_id_is_in_it(self, sim: Simulator, gateway: RunningGateway) -> None:
        send(gateway, turn(f"The word is {SECRET}.", tools=[tool("Bash")]))
        sim.fault("failed-mid-text:server_error")
        changed = turn(f"The new word is {SECRET}.", tools=[tool("Bash", f"{SECRET} again")])
        found = remembered(gateway, changed, **{"x-api-key": "sk-ant-abcdefghijklmnopqrst"})
        kept = msgspec.json.encode(found)
        assert found.prefix is not None
        assert found.prefix.parting is not None
        for secret in (SECRET, SESSION, gateway.token, "sk-ant", sim.account.account_id, "d" * 64, sim.account.email):
            assert secret.encode() not in kept

    def test_a_failure_is_told_without_what_looks_like_a_secret(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.fault("context-400")
        found = remembered(gateway, turn("Hello."))
        assert found.failure is FailureKind.CONTEXT_OVERFLOW
        assert found.failure_text
        assert found.prefix is None

    def test_a_request_that_cannot_be_read_has_one_as_well(self, gateway: RunningGateway) -> None:
        found = remembered(gateway, b"{", **{"user-agent": "curl/8.5.0"})
        assert (found.status, found.failure, found.client) == (400, FailureKind.BAD_REQUEST, "curl")
        assert (found.model, found.sent_ms, found.attempts) == ("", None, 0)

    def test_a_client_that_left(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.script(Turn(output=[Message(text="word " * 2000)], pacing=Pacing(delta=0.01)))
        before = len(gateway.gateway.last)
        with Wire(gateway) as client:
            client.post(turn("Hello.", stream=True))
            client.read_until(b"text_delta")
        wait_for(lambda: len(gateway.gateway.last) > before)
        found = gateway.gateway.last[-1]
        assert found.status == 499
        assert found.ttft_ms is not None
        assert found.prefix is not None

    def test_the_times_are_those_of_the_last_attempt(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.fault("500")
        found = remembered(gateway, turn("Hello."))
        assert found.attempts == 2
        assert found.sent_ms is not None
        assert found.sent_ms > 200  # behind the pause

    def test_an_answer_of_several_rounds(self, sim: Simulator, gateway: RunningGateway) -> None:
        sim.script(Turn(output=[Message(text="First.")], end_turn=False), Turn(output=[Message(text="Second.")]))
        found = remembered(gateway, turn("Hello.", session="rounds"))
        assert (found.attempts, found.rounds) == (2, 2)
        after = remembered(gateway, turn("Hello.", "First. Second.", "On.", session="rounds"))
        assert (after.attempts, after.rounds) == (1, 1)
        assert after.prefix is not None
        assert (after.prefix.verdict, after.prefix.tokens) == ("unchanged", 0)

    def test_notes_are_bounded(self, gateway: RunningGateway) -> None:
        orphans = [{"type": "tool_result", "tool_use_id": f"toolu_{n}", "content": "x"} for n in range(80)]
        found = remembered(gateway, message(messages=[{"role": "user", "content": orphans}]))
        assert len(found.notes) + found.more_notes >= 80
        assert len(found.notes) == 50


class TestThePrefix:
    def test_a_session_that_goes_on_is_unchanged(self, sim: Simulator, gateway: RunningGateway) -> None:
        session = "grows"
        first = remembered(gateway, turn("Hello.", session=session))
        second = remembered(gateway, turn("Hello.", "Yes?", "Go on.", session=session))
        assert first.prefix is not None
        assert first.prefix.verdict == "first"
        assert second.prefix is not None
        assert (second.prefix.verdict, second.prefix.against) == ("unchanged", first.request_id)
        assert second.prefix.tokens == first.prompt_tokens
        assert second.cached_share is not None
        assert second.cached_share > 0.8

    @pytest.mark.parametrize("stream", [True, False])
    def test_a_changed_tool_is_named_to_the_byte(self, gateway: RunningGateway, stream: bool) -> None:
        session = f"tools-{stream}"
        tools = [tool("Bash"), tool("Read", "Reads a file.")]
        remembered(gateway, turn("Hello.", session=session, tools=tools, stream=stream))
        tools[1] = tool("Read", "Reads a page.")
        found = remembered(gateway, turn("Hello.", "Yes?", "On.", session=session, tools=tools, stream=stream))
        assert found.prefix is not None
        parting = found.prefix.parting
        assert parting is not None
        assert (parting.place, parting.path, parting.detail) == (
            "tools[1] (Read)",
            ".description",
            "the text differs at byte 8 of 13",
        )
        assert found.usage is not None
        assert found.usage.cached_tokens == 0

    def test_subagents_have_conversations_of_their_own(self, gateway: RunningGateway) -> None:
        remembered(gateway, turn("Hello.", session="agents"))
        found = remembered(gateway, turn("Other.", session="agents"), **{"x-claude-code-agent-id": "a1"})
        assert found.prefix is not None
        assert found.prefix.verdict == "first"

    def test_bodies_are_held_within_the_budget(self, gateway: RunningGateway) -> None:
        for number in range(12):
            send(gateway, turn("x" * 1_000_000, session=f"large-{number}"))
        assert 0 < gateway.gateway.ledger.previous.held <= 8 * 1024 * 1024

    def test_a_defect_of_the_ledger_costs_no_answer(
        self, gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch, log_lines: io.StringIO
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(gateway.gateway.ledger.previous, "follow", broken)
        answer = send(gateway, turn("Hello.", stream=True))
        assert answer.names[-1] == "message_stop"
        assert record(gateway, answer).prefix is None
        wait_for(lambda: "ZeroDivisionError" in log_lines.getvalue())


class TestTheDoors:
    def test_the_latest_requests_newest_first(self, gateway: RunningGateway) -> None:
        ids = [record(gateway, send(gateway, turn("Hello."))).request_id for _ in range(3)]
        answer = admin(gateway, "/turnout/requests?limit=2")
        assert answer.status == 200
        assert [each["request_id"] for each in answer.json["requests"]] == ids[:0:-1]
        assert answer.json["requests"][0]["model"] == SENT_MODEL
        assert len(admin(gateway, "/turnout/requests").json["requests"]) >= 3

    def test_one_request(self, gateway: RunningGateway) -> None:
        found = remembered(gateway, turn("Hello.", session="one", safeguards={"a": 1}))
        told = admin(gateway, f"/turnout/requests/{found.request_id}").json
        assert told["request_id"] == found.request_id
        assert told["notes"][0]["place"] == "safeguards"
        assert told["cache_missed"] is False
        assert told["cached_share"] == round(found.cached_share or 0, 4)
        assert "conversation" in told["cache"] or "prompt" in told["cache"]

    def test_an_unknown_one(self, gateway: RunningGateway) -> None:
        answer = admin(gateway, "/turnout/requests/req_nothing")
        assert answer.status == 404
        assert "req_nothing" in answer.error[1]

    @pytest.mark.parametrize("limit", ["0", "1001", "x", "-1"])
    def test_a_limit_that_is_none(self, gateway: RunningGateway, limit: str) -> None:
        answer = admin(gateway, f"/turnout/requests?limit={limit}")
        assert (answer.status, answer.error[1].split(":")[0]) == (400, "limit")

    @pytest.mark.parametrize("path", ["/turnout/requests", "/turnout/requests/req_1", "/turnout/trace"])
    def test_the_same_rules_as_everywhere(self, gateway: RunningGateway, path: str) -> None:
        method = "POST" if path.endswith("trace") else "GET"
        assert send(gateway, method=method, path=path, headers={"authorization": "Bearer no"}).status == 401
        assert send(gateway, method=method, path=path, headers={"host": "evil.example"}).status == 403
        assert send(gateway, method=method, path=path, headers={"origin": "https://evil.example"}).status == 403
        wrong = send(gateway, method="DELETE", path=path)
        assert (wrong.status, wrong.headers["allow"]) == (405, method)

    def test_there_is_nothing_else(self, gateway: RunningGateway) -> None:
        assert admin(gateway, "/turnout/else").status == 404


class TestTheStore:
    @pytest.fixture
    def store(self, tmp_path: Path) -> JsonLinesStore:
        return JsonLinesStore(tmp_path / "requests")

    def started(self, sim: Simulator, home: Path, store: JsonLinesStore) -> RunningGateway:
        return RunningGateway(config(f"{sim.codex_url}/responses", home), store=store)

    def test_records_are_written_while_the_gateway_runs(
        self, sim: Simulator, home: Path, store: JsonLinesStore
    ) -> None:
        with self.started(sim, home, store) as gateway:
            found = remembered(gateway, turn("Hello."))
            wait_for(lambda: store.latest(1))
            assert store.latest(1) == [found]

    def test_none_is_lost_when_it_stops(self, sim: Simulator, home: Path, store: JsonLinesStore) -> None:
        with self.started(sim, home, store) as gateway:
            ids = [send(gateway, turn("Hello.")).headers["request-id"] for _ in range(3)]
        assert [found.request_id for found in store.latest(9)] == ids[::-1]

    def test_the_next_gateway_finds_them(self, sim: Simulator, home: Path, store: JsonLinesStore) -> None:
        with self.started(sim, home, store) as gateway:
            request_id = send(gateway, turn("Hello.")).headers["request-id"]
        with self.started(sim, home, store) as gateway:
            assert admin(gateway, f"/turnout/requests/{request_id}").json["model"] == SENT_MODEL
            assert admin(gateway, f"/turnout/requests/{request_id[:-1]}").status == 404

    def test_a_store_that_fails_costs_no_answer_and_is_told_once(
        self, sim: Simulator, home: Path, tmp_path: Path, log_lines: io.StringIO
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        log_lines.truncate(0)
        with self.started(sim, home, JsonLinesStore(tmp_path / "file" / "requests")) as gateway:
            assert send(gateway, turn("Hello.")).status == 200
            wait_for(lambda: "records cannot be written" in log_lines.getvalue())
            assert send(gateway, turn("Hello.")).status == 200
        assert log_lines.getvalue().count("records cannot be written") == 1
