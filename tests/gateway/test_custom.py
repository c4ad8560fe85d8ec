"""Upstreams of the user's own behind the gateway: both wires, chains of models, rules, hot changes."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.gateway.client import message, record, send
from tests.gateway.conftest import config
from turnout.config import Config, CustomUpstream, RoutingSettings, Rule, Slot, Slots
from turnout.gateway.server import RunningGateway
from turnout.protocol.errors import FailureKind
from turnout.settings import Fitted, Sources
from turnout.simulator import FunctionCall, Message, Reasoning, Turn
from turnout.upstream import probed
from turnout.upstream.probed import Probed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.gateway.client import Answer
    from turnout.simulator import RecordedRequest, Simulator

    Start = Callable[..., RunningGateway]

TOOL = {"name": "look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
def start(sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Start]:
    """A gateway with the upstreams ``chat``, ``plain`` (the Responses API), ``dead`` and ``keyless``.

    ``follows``: it watches files for changes.
    """
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    monkeypatch.setenv("BOX_KEY", sim.api_key)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    custom = {
        "chat": CustomUpstream(base_url=sim.openai_url, wire="chat", key="env:BOX_KEY", model="qwen"),
        "plain": CustomUpstream(base_url=sim.openai_url, key="env:BOX_KEY", model="gpt-5.5"),
        "dead": CustomUpstream(base_url=dead, model="gone"),
        "keyless": CustomUpstream(base_url=dead, model="gone", key="env:NOBODY_HAS_SET_THIS"),
    }
    with contextlib.ExitStack() as stack:

        def run(*, follows: bool = False, **fields: Any) -> RunningGateway:
            made = msgspec.structs.replace(config(f"{sim.codex_url}/responses", home), custom=custom, **fields)
            files = Fitted(Sources({"TURNOUT_HOME": str(tmp_path)}, {}), lambda _: made, "the test")
            return stack.enter_context(RunningGateway(made, source=files if follows else None))

        yield run


def ask(gateway: RunningGateway, model: str = "claude-opus-5-5", **fields: Any) -> Answer:
    return send(gateway, message(model=model, **fields))


def body(request: RecordedRequest) -> Any:
    return request.body if isinstance(request.body, dict) else json.loads(request.raw)


def went(sim: Simulator) -> list[tuple[str, str]]:
    """Path and model of what arrived."""
    return [(request.path, body(request)["model"]) for request in sim.requests]


def notes(gateway: RunningGateway, answer: Answer) -> str:
    return "; ".join(str(note) for note in record(gateway, answer).notes)


class TestWires:
    def test_chat_completions_with_tools_and_reasoning(self, start: Start, sim: Simulator) -> None:
        gateway = start(upstream="chat", slots=Slots())
        sim.script(
            Turn(output=[Reasoning(summary=["Let me see."]), FunctionCall(name="look", arguments={})]),
            Message(text="Nothing."),
        )
        first = ask(gateway, tools=[TOOL])
        blocks = first.json["content"]
        assert [block["type"] for block in blocks] == ["thinking", "tool_use"]
        assert blocks[0]["thinking"] == "Let me see."
        assert first.json["usage"]["output_tokens"] > 0
        history = [
            {"role": "user", "content": "Say something."},
            {"role": "assistant", "content": blocks},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": blocks[1]["id"], "content": "dark"}]},
        ]
        second = ask(gateway, tools=[TOOL], messages=history)
        assert second.json["content"][0]["text"] == "Nothing."
        assert went(sim) == [("/v1/chat/completions", "qwen")] * 2
        replayed = body(sim.requests[-1])["messages"]
        assert [each["role"] for each in replayed] == ["user", "assistant", "tool"]
        assert replayed[1]["reasoning_content"] == "Let me see."
        assert replayed[2]["content"] == "dark"
        assert record(gateway, second).upstream == "chat"

    def test_the_responses_api(self, start: Start, sim: Simulator) -> None:
        gateway = start()
        assert ask(gateway, "plain/gpt-5.5").status == 200
        assert went(sim) == [("/v1/responses", "gpt-5.5")]
        assert sim.requests[0].headers["authorization"] == f"Bearer {sim.api_key}"

    def test_a_key_that_is_refused_is_said_so(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        gateway = start()
        monkeypatch.setenv("BOX_KEY", "sk-wrong")
        answer = ask(gateway, "chat/qwen")
        assert answer.error[0] == "authentication_error"
        assert "Check the key of the upstream chat (env:BOX_KEY)" in answer.error[1]
        assert "Set NOBODY_HAS_SET_THIS" in ask(gateway, "keyless/x").error[1]


class TestChains:
    @pytest.mark.parametrize("first", ["dead", "keyless"])
    def test_the_next_is_asked_where_one_fails(self, start: Start, sim: Simulator, first: str) -> None:
        gateway = start(slots=Slots(opus=Slot(model=f"[{first}/gone, chat/qwen, plain/gpt-5.5]")))
        answer = ask(gateway)
        assert answer.status == 200
        assert went(sim) == [("/v1/chat/completions", "qwen")]
        kept = record(gateway, answer)
        assert (kept.upstream, kept.model) == ("chat", "qwen")
        assert f"{first}/gone failed" in notes(gateway, answer)
        assert "Sent to chat/qwen" in notes(gateway, answer)

    @pytest.mark.parametrize(
        ("fault", "tries"), [("429-burst:9", 1), ("500", 2), ("503", 2), ("failed:server_error", 2), ("drop", 2)]
    )
    def test_failures_of_a_server_that_answers(self, start: Start, sim: Simulator, fault: str, tries: int) -> None:
        gateway = start(slots=Slots(opus=Slot(model="[chat/qwen, plain/gpt-5.5]")))
        sim.fault(fault, times=tries, model="qwen")
        answer = ask(gateway)
        assert answer.status == 200, answer.body
        assert went(sim)[-1] == ("/v1/responses", "gpt-5.5")

    def test_what_is_the_clients_fault_ends_it(self, start: Start, sim: Simulator) -> None:
        gateway = start(slots=Slots(opus=Slot(model="[chat/qwen, plain/gpt-5.5]")))
        sim.fault("context-400", model="qwen")
        assert ask(gateway).status == 400
        assert len(sim.requests) == 1

    def test_nothing_follows_once_anything_was_said(self, start: Start, sim: Simulator) -> None:
        gateway = start(slots=Slots(opus=Slot(model="[chat/qwen, plain/gpt-5.5]")))
        sim.script(Turn(output=[Message(text="word " * 50)]))
        sim.fault("failed-mid-text:server_error", model="qwen")
        answer = ask(gateway, stream=True)
        assert answer.names[-1] == "error"
        assert len(sim.requests) == 1

    def test_the_last_failure_names_those_before(self, start: Start) -> None:
        gateway = start()
        answer = ask(gateway, "[dead/a, dead/b]")
        assert answer.status >= 500
        assert "It was the last of a chain: before it failed dead/a (unreachable)" in answer.error[1]

    def test_a_dead_server_is_not_waited_for_again(self, start: Start, sim: Simulator) -> None:
        gateway = start(slots=Slots(opus=Slot(model="[dead/gone, chat/qwen]")))
        first, second = ask(gateway), ask(gateway)
        assert went(sim) == [("/v1/chat/completions", "qwen")] * 2
        tried = [record(gateway, answer).attempts for answer in (first, second)]
        assert tried == [3, 1], "the dead one is tried twice by the first request and by the second not at all"
        assert "dead/gone failed (unreachable): It could not be reached 0 s ago" in notes(gateway, second)

    def test_only_named_failures_count(self, start: Start, sim: Simulator) -> None:
        gateway = start(routing=RoutingSettings(fallback_on=("rate_limited",)))
        assert ask(gateway, "[dead/a, chat/qwen]").status >= 500
        assert not sim.requests


class TestRules:
    def test_long_requests_go_elsewhere_and_the_record_says_why(self, start: Start, sim: Simulator) -> None:
        rules = (Rule(name="long", above=5_000, model="chat/gemini"), Rule(kind="background", model="plain/gpt-5.5"))
        gateway = start(routing=RoutingSettings(rules=rules))
        short, long = ask(gateway, tools=[TOOL]), ask(gateway, messages=[{"role": "user", "content": "word " * 5_000}])
        background = ask(gateway, "claude-haiku-5-5")
        assert (short.status, long.status, background.status) == (200, 200, 200)
        assert [model for _, model in went(sim)] == ["gpt-6-astra", "gemini", "gpt-5.5"]
        assert "the rule long applies (about 62" in notes(gateway, long)
        assert "the rule 2 applies (background)" in notes(gateway, background)


def test_what_a_chat_only_server_cannot_have_is_noted_and_refused_to_strict_requests(
    start: Start, sim: Simulator
) -> None:
    gateway = start(upstream="chat", slots=Slots())
    sim.script(Message(text="Yes."))
    document = {"type": "document", "source": {"type": "url", "url": "https://x.test/plan.pdf"}}
    asked = {"messages": [{"role": "user", "content": [document]}], "output_config": {"effort": "low"}}
    assert "reasoning.effort: was not passed on" in notes(gateway, ask(gateway, "chat/gpt-5.5", **asked))
    tools = [{"type": "function", "name": "look"}, {"type": "file_search", "vector_store_ids": []}]
    strict = {"x-turnout-strict": "1"}
    lost = {"model": "chat/qwen", "input": "Well?", "tools": tools}
    before = len(sim.requests)
    answer = send(gateway, lost, path="/v1/responses", headers=strict)
    assert answer.status == 400
    assert "would lose something" in answer.json["error"]["message"]
    assert len(sim.requests) == before


def test_models_of_ones_own_are_listed(start: Start) -> None:
    gateway = start()
    listed = [model["id"] for model in get(gateway, "/v1/models", anthropic=True)["data"]]
    assert {"anthropic/chat/qwen", "anthropic/plain/gpt-5.5"} <= set(listed)
    assert "anthropic/gpt-6-sol" in listed
    own = start(upstream="chat", slots=Slots())
    assert {model["id"] for model in get(own, "/v1/models")["data"]} == {
        "chat/qwen", "plain/gpt-5.5", "dead/gone", "keyless/gone",
    }  # fmt: skip
    assert ask(own, "anthropic/chat/qwen").status == 200
    small = msgspec.structs.replace(own.config.custom["chat"], window=9_000)
    own.gateway.live.use_config(msgspec.structs.replace(own.config, custom={"chat": small}))
    assert get(own, "/v1/models/claude-opus-5-5", anthropic=True)["max_input_tokens"] == 9_000


def test_a_change_rebuilds_only_the_upstream_that_it_is_about(
    sim: Simulator, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNOUT_HOME", str(tmp_path))
    made = config(f"{sim.codex_url}/responses", home)
    text = '[custom.{}]\nbase_url = "http://127.0.0.1:1/v1"\nconcurrency = {}\n'
    file = tmp_path / "config.toml"
    file.write_text(text.format("one", 1) + text.format("two", 1))
    source = Fitted(
        Sources({"TURNOUT_HOME": str(tmp_path)}, {}),
        lambda loaded: msgspec.structs.replace(made, custom=loaded.config.custom),
        "the test",
    )
    with RunningGateway(msgspec.structs.replace(source.resolve({}).config), source=source) as gateway:
        before = dict(gateway.gateway.live.snapshot.upstreams)
        file.write_text(text.format("one", 2) + text.format("three", 1))
        deadline = time.monotonic() + 10
        while "three" not in gateway.gateway.live.snapshot.upstreams and time.monotonic() < deadline:
            time.sleep(0.05)
        after = gateway.gateway.live.snapshot.upstreams
    assert set(after) == {"codex", "openai", "one", "three"}
    assert after["codex"] is before["codex"]
    assert after["openai"] is before["openai"]
    assert after["one"] is not before["one"]


def test_what_a_probe_finds_counts_in_a_running_gateway(start: Start, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    gateway = start(follows=True)
    live = gateway.gateway.live
    before = dict(live.snapshot.upstreams)
    assert before["chat"].capabilities.images
    chat = gateway.config.custom["chat"]
    found = Probed(base_url=chat.base_url, wire=chat.wire, model="qwen", at=1, takes={"images": False})
    probed.write("chat", found, {"TURNOUT_HOME": str(tmp_path)})
    deadline = time.monotonic() + 10
    while live.snapshot.upstreams["chat"] is before["chat"] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not live.snapshot.upstreams["chat"].capabilities.images
    assert live.snapshot.upstreams["plain"] is before["plain"]
    assert ask(gateway, "chat/qwen").status == 200


def get(gateway: RunningGateway, path: str, *, anthropic: bool = False) -> Any:
    headers = {"anthropic-version": "2023-06-01"} if anthropic else {}
    return send(gateway, None, method="GET", path=path, headers=headers).json


def test_a_window_that_is_set_refuses_what_is_too_long(start: Start, sim: Simulator) -> None:
    gateway = start()
    small = msgspec.structs.replace(gateway.config.custom["chat"], window=1_000)
    changed: Config = msgspec.structs.replace(gateway.config, custom={**gateway.config.custom, "chat": small})
    gateway.gateway.live.use_config(changed)
    answer = ask(gateway, "chat/qwen", messages=[{"role": "user", "content": "word " * 5_000}])
    assert record(gateway, answer).failure is FailureKind.CONTEXT_OVERFLOW
    assert not sim.requests
