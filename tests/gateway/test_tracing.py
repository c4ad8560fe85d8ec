"""A session's wire, recorded: all four sides of it, in order, without secrets, and only while somebody listens."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import Wire, message, record, send, wait_for
from tests.gateway.conftest import SENT_MODEL, config
from turnout.gateway import app, tap
from turnout.gateway.server import RunningGateway
from turnout.ledger import trace
from turnout.ledger.record import short_name
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.replay.record import RemoteTrace
from turnout.simulator.scenario import FunctionCall, Message, Pacing, Reasoning, Turn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.simulator import Simulator

EMAIL = "ada.lovelace@example.com"
DEVICE = "d" * 64
WORDS = "the words of a user"


def of_session(session: str, text: str = WORDS, **fields: Any) -> dict[str, Any]:
    user_id = json.dumps({"device_id": DEVICE, "account_uuid": "acc-1", "session_id": session})
    return message(text, metadata={"user_id": user_id}, **fields)


class Listener:
    """Somebody who has a gateway record a trace, in a thread."""

    def __init__(self, gateway: RunningGateway, session: str = "") -> None:
        self.lines: list[bytes] = []
        self._remote = RemoteTrace(gateway.base_url, gateway.token, session)
        self._remote.__enter__()
        self._gateway = gateway
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_for(lambda: self.lines)

    def _listen(self) -> None:
        self.lines.extend(self._remote)

    def has(self, kind: str, times: int = 1) -> None:
        """Waits for lines of a kind."""
        mark = f'{{"kind":"{kind}"'.encode()
        wait_for(lambda: sum(line.startswith(mark) for line in list(self.lines)) >= times)

    def leave(self) -> trace.Trace:
        """Stops listening; the trace."""
        self._remote.stop()
        self._thread.join(5)
        self._remote.__exit__(None, None, None)
        wait_for(lambda: self._gateway.gateway.tracer.recording is None)
        return trace.parse(self.lines)

    def ended(self) -> bool:
        """The gateway has ended the trace."""
        self._thread.join(5)
        return not self._thread.is_alive()


@pytest.fixture
def listen(gateway: RunningGateway) -> Iterator[Any]:
    listeners: list[Listener] = []

    def begin(session: str = "") -> Listener:
        listeners.append(Listener(gateway, session))
        return listeners[-1]

    yield begin
    for listener in listeners:
        listener.leave()


def kinds(exchange: trace.TracedExchange) -> list[str]:
    """Names of the steps, repeated ones once."""
    names = [type(step).__name__ for step in exchange.steps]
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


class TestWhatIsInIt:
    def test_the_four_sides_of_a_streamed_answer(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.script(Turn(output=[Reasoning(summary=["Hm."]), FunctionCall(name="Read", arguments={"path": "a"})]))
        listener = listen()
        answer = send(gateway, of_session("s1", stream=True))
        listener.has("end")
        found = listener.leave()

        assert found.opening.version == 1
        [exchange] = found.exchanges
        # How often upstream is heard and the client told is the network's doing.
        assert list(dict.fromkeys(kinds(exchange))) == [
            "Asked",
            "SentUp",
            "Opened",
            "Heard",
            "Answered",
            "Told",
            "Ended",
        ]
        assert kinds(exchange)[-1] == "Ended"
        asked = exchange.asked
        assert (asked.method, asked.path, asked.session) == ("POST", "/v1/messages", short_name("s1"))
        assert asked.request_id == answer.headers["request-id"]
        assert msgspec.json.decode(asked.body)["messages"][0]["content"] == WORDS
        sent = next(step for step in exchange.steps if isinstance(step, trace.SentUp))
        assert (sent.attempt, sent.upstream, sent.model) == (1, "codex", SENT_MODEL)
        assert msgspec.json.decode(sent.body)["input"] == sim.requests[0].input
        told = [
            (step.event, msgspec.json.decode(step.data)) for step in exchange.answer if isinstance(step, trace.Told)
        ]
        assert [name for name, _ in told] == answer.names
        heard = [step.event for step in exchange.steps if isinstance(step, trace.Heard)]
        assert heard[-1] == "response.completed"
        assert exchange.record is not None
        assert exchange.record.usage == record(gateway, answer).usage
        times = [step.t for step in exchange.steps]
        assert times == sorted(times)

    def test_a_whole_answer(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.script(Message(text="Yes."))
        listener = listen()
        answer = send(gateway, of_session("s1"))
        listener.has("end")
        [exchange] = listener.leave().exchanges
        [whole] = exchange.answer
        assert isinstance(whole, trace.Whole)
        assert msgspec.json.decode(whole.data) == answer.json

    def test_attempts_that_failed(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.fault("500")
        listener = listen()
        assert send(gateway, of_session("s1", stream=True)).status == 200
        listener.has("end")
        [exchange] = listener.leave().exchanges
        assert [step.attempt for step in exchange.steps if isinstance(step, trace.SentUp)] == [1, 2]
        [refused] = [step for step in exchange.steps if isinstance(step, trace.Refused)]
        assert refused.failure is FailureKind.UPSTREAM_ERROR

    def test_a_refusal(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.fault("429-usage-limit")
        listener = listen()
        answer = send(gateway, of_session("s1"))
        listener.has("end")
        [exchange] = listener.leave().exchanges
        assert exchange.record is not None
        assert (exchange.record.status, exchange.record.failure) == (answer.status, FailureKind.USAGE_LIMIT)
        [whole] = exchange.answer
        assert msgspec.json.decode(whole.data)["type"] == "error"


class TestSecrets:
    def test_none_is_in_it_and_stand_ins_are_stable(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.script(Turn(output=[Reasoning(summary=["Hm."]), Message(text=f"Mail {EMAIL}.")]))
        listener = listen()
        first = send(gateway, of_session("s1", f"I am {EMAIL}, key sk-abcdefghijklmnopqrstuv."))
        thinking = first.json["content"][0]
        history = [
            {"role": "user", "content": WORDS},
            {"role": "assistant", "content": first.json["content"]},
            {"role": "user", "content": "Go on."},
        ]
        send(gateway, {**of_session("s1"), "messages": history}, headers={"x-private": "for nobody"})
        listener.has("end", 2)
        found = listener.leave()

        text = b"".join(listener.lines).decode()
        secrets = (EMAIL, DEVICE, "acc-1", "sk-abc", gateway.token, thinking["signature"], "for nobody")
        for secret in (*secrets, sim.account.account_id, sim.access_token()[:20], "gAAA"):
            assert secret not in text, secret
        assert WORDS in text
        assert '"session_id\\":\\"s1\\"' in text
        assert "email-1@redacted.invalid" in text
        sent = msgspec.json.decode(found.exchanges[1].asked.body)["messages"][1]["content"][0]
        told = msgspec.json.decode(found.exchanges[0].answer[0].data)["content"][0]
        assert sent["signature"] == told["signature"] == "redacted-signature-1"


class TestWhoIsRecorded:
    def test_the_first_session_that_comes(self, gateway: RunningGateway, listen: Any) -> None:
        listener = listen()
        for session in ("s1", "s2", "s1"):
            send(gateway, of_session(session))
        send(gateway, message())
        listener.has("end", 2)
        found = listener.leave()
        assert [exchange.asked.session for exchange in found.exchanges] == [short_name("s1")] * 2

    @pytest.mark.parametrize("name", ["s2", short_name("s2")])
    def test_the_session_that_is_named(self, gateway: RunningGateway, listen: Any, name: str) -> None:
        listener = listen(name)
        for session in ("s1", "s2", "s3"):
            send(gateway, of_session(session))
        listener.has("end")
        assert [exchange.asked.session for exchange in listener.leave().exchanges] == [short_name("s2")]

    def test_one_at_a_time(self, gateway: RunningGateway, listen: Any) -> None:
        listen()
        with pytest.raises(TurnoutError, match="records a trace already"):
            Listener(gateway)

    def test_a_body_that_cannot_be_read(self, gateway: RunningGateway) -> None:
        answer = send(gateway, b'{"session":1}', path="/turnout/trace")
        assert answer.status == 400
        assert gateway.gateway.tracer.recording is None


class TestItsEnd:
    def test_nobody_listens_and_nothing_is_wrapped(
        self, gateway: RunningGateway, listen: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        listen().leave()
        monkeypatch.setattr(app, "TappedExchange", None)
        monkeypatch.setattr(tap, "Tap", None)
        assert send(gateway, of_session("s1", stream=True)).status == 200

    def test_a_listener_that_leaves_costs_no_answer(self, sim: Simulator, gateway: RunningGateway, listen: Any) -> None:
        sim.script(Turn(output=[Message(text="word " * 300)], pacing=Pacing(delta=0.005)))
        listener = listen()
        with Wire(gateway) as client:
            client.post(of_session("s1", stream=True))
            client.read_until(b"text_delta")
            listener.has("event")
            listener.leave()
            assert client.read_until(b"message_stop")

    def test_a_gateway_that_stops_ends_the_trace_with_the_last_answer(self, sim: Simulator, home: Path) -> None:
        made = config(f"{sim.codex_url}/responses", home, server={"drain": 5})
        with RunningGateway(made) as gateway:
            idle = Listener(gateway)
            begun = time.monotonic()
        assert time.monotonic() - begun < 3
        assert idle.ended()
        sim.script(Turn(output=[Message(text="word " * 200)], pacing=Pacing(delta=0.005)))
        with RunningGateway(made) as gateway, Wire(gateway) as client:
            listener = Listener(gateway)
            client.post(of_session("s1", stream=True))
            client.read_until(b"text_delta")
            gateway.end()
            client.read_until(b"message_stop")
            assert listener.ended()
        assert trace.parse(listener.lines).exchanges[0].record is not None


class TestAFile:
    def test_a_gateway_may_record_from_its_start(self, sim: Simulator, home: Path, tmp_path: Path) -> None:
        file = tmp_path / "session.jsonl"
        made = config(f"{sim.codex_url}/responses", home)
        with RunningGateway(made, trace=file) as gateway:
            for text in ("One.", "Two."):
                send(gateway, of_session("s1", text, stream=True))
        found = trace.read(file)
        assert [msgspec.json.decode(each.asked.body)["messages"][0]["content"] for each in found.exchanges] == [
            "One.",
            "Two.",
        ]
        assert all(each.record is not None for each in found.exchanges)
        assert file.stat().st_mode & 0o077 == 0

    def test_it_does_not_write_over_a_file(self, sim: Simulator, home: Path, tmp_path: Path) -> None:
        file = tmp_path / "precious"
        file.write_text("precious")
        with pytest.raises(FileExistsError):
            RunningGateway(config(f"{sim.codex_url}/responses", home), trace=file).__enter__()
        assert file.read_text() == "precious"
