"""Streams are legal, complete, and as awkward as the real ones."""

from collections import defaultdict
from typing import Any

import pytest

from tests.simulator.wire import Answer, body, function, replay, send, user
from turnout.simulator import (
    FunctionCall,
    Message,
    Pacing,
    RawEvent,
    Reasoning,
    Settings,
    Simulator,
    Turn,
    Usage,
    WireStyle,
)

TOOLS = [function("read_file", path="string"), function("run_command"), {"type": "custom", "name": "apply_patch"}]
TERMINAL = {"response.completed", "response.failed", "response.incomplete"}
DELTA_FIELDS = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_summary_text": "text",
    "response.reasoning_text": "text",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}


def assert_legal(answer: Answer) -> None:
    """The order of codex-backend.md 3.1: numbered events, items inside the response, deltas inside their item."""
    events = answer.events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    body_events = [event for event in events if event["type"] not in ("codex.rate_limits", "keepalive")]
    assert [event["type"] for event in body_events[:2]] == ["response.created", "response.in_progress"]
    assert body_events[-1]["type"] in TERMINAL
    assert sum(event["type"] in TERMINAL for event in events) == 1
    opened: dict[int, dict[str, Any]] = {}
    closed: set[int] = set()
    deltas: dict[tuple[Any, ...], str] = defaultdict(str)
    for event in events:
        kind, index = event["type"], event.get("output_index")
        if kind == "response.output_item.added":
            assert index == len(opened)
            opened[index] = event["item"]
        elif "item_id" in event:
            assert event["item_id"] == opened[index]["id"]
            assert index not in closed
        stem, _, phase = kind.rpartition(".")
        part = (index, event.get("summary_index"), event.get("content_index"), stem)
        if phase == "delta" and stem in DELTA_FIELDS:
            assert event["obfuscation"]
            deltas[part] += event["delta"]
        elif phase == "done" and part in deltas:
            assert event[DELTA_FIELDS[stem]] == deltas[part]
        if kind == "response.output_item.done":
            assert event["item"]["id"] == opened[index]["id"]
            assert event["item"]["type"] == opened[index]["type"]
            closed.add(index)
    assert closed == set(opened)


@pytest.mark.parametrize("word", ["search", "image", "freeform", "refusal", "raw", "silent", "late"])
@pytest.mark.parametrize("path", ["/backend-api/codex/responses", "/v1/responses"])
def test_every_kind_of_output_streams_legally(word: str, path: str) -> None:
    with Simulator("everything") as sim:
        answer = send(sim, body(user(f"show {word}"), tools=TOOLS), path=path)
    assert answer.status == 200
    assert_legal(answer)


def test_the_coding_scenario_calls_two_tools_and_answers() -> None:
    with Simulator("coding") as sim:
        sim.load(_unpaced("coding"))
        first = send(sim, body(tools=TOOLS))
        calls = [item for item in first.items if item["type"] == "function_call"]
        results = [{"type": "function_call_output", "call_id": item["call_id"], "output": "42"} for item in calls]
        second = send(sim, body(user(), *replay(first), *results, tools=TOOLS))
    assert_legal(first)
    assert_legal(second)
    assert [item["name"] for item in calls] == ["read_file", "run_command"]
    assert 40 <= len(second.text.split()) <= 80
    assert second.usage["output_tokens_details"]["reasoning_tokens"] > 0


def _unpaced(name: str) -> Any:
    import msgspec

    from turnout.simulator import load_scenario

    return msgspec.structs.replace(load_scenario(name), pacing=Pacing())


def test_parallel_calls_can_interleave_their_arguments() -> None:
    with Simulator("parallel") as sim:
        answer = send(sim, body(tools=TOOLS))
    assert_legal(answer)
    order = [
        event["output_index"] for event in answer.events if event["type"] == "response.function_call_arguments.delta"
    ]
    assert order[:4] == [1, 2, 3, 1]
    assert "日本語" in answer.items[1]["arguments"]


def test_codex_leaves_completed_output_empty_and_openai_fills_it(sim: Simulator) -> None:
    codex = send(sim, body(user("say `hi`")))
    assert codex.events[-1]["response"]["output"] == []
    openai = send(sim, body(user("say `hi`")), path="/v1/responses")
    assert openai.events[-1]["response"]["output"] == openai.items
    assert openai.text == codex.text == "hi"


def test_ids_are_400_characters_on_codex_and_short_on_openai(sim: Simulator) -> None:
    codex = send(sim, body())
    assert {len(item["id"]) for item in codex.items} == {400}
    openai = send(sim, body(), path="/v1/responses")
    assert max(len(item["id"]) for item in openai.items) <= 64
    assert [item["id"].split("_")[0] for item in openai.items] == ["rs", "msg"]


def test_reasoning_is_sealed_when_done_and_summarised_on_demand(sim: Simulator) -> None:
    shown = send(sim, body())
    assert "encrypted_content" not in shown.added[0]
    assert shown.items[0]["encrypted_content"].startswith("gAAAA")
    assert shown.items[0]["summary"]
    silent = send(sim, body(reasoning={"effort": "low"}))
    assert silent.items[0]["summary"] == []
    assert not [kind for kind in silent.types if "summary" in kind]
    plain = send(sim, body(include=None))
    assert "encrypted_content" not in plain.items[0]


def test_the_response_echoes_the_request(sim: Simulator) -> None:
    response = send(sim, body(instructions="Be brief.", service_tier="priority")).events[1]["response"]
    assert response["instructions"] == "Be brief."
    assert response["model"] == "gpt-5.5"
    assert response["tools"][0]["name"] == "run_command"
    assert response["service_tier"] == "priority"
    assert response["prompt_cache_key"] == "conversation-1"


def test_awkward_events_are_there_unless_switched_off(sim: Simulator) -> None:
    kinds = send(sim, body()).types
    assert kinds[0] == "codex.rate_limits"
    assert "response.simulated_novelty.delta" in kinds
    sim.settings.rate_limits_event = sim.settings.unknown_event = False
    kinds = send(sim, body()).types
    assert kinds[0] == "response.created"
    assert "response.simulated_novelty.delta" not in kinds


def test_keepalive_events_fill_a_silence() -> None:
    with Simulator(settings=Settings(keepalive_seconds=0.05)) as sim:
        sim.script(Turn(output=[Message(text="late")], pacing=Pacing(item=0.3)))
        answer = send(sim, body())
    assert_legal(answer)
    assert answer.types.count("keepalive") >= 4


@pytest.mark.parametrize(
    "style",
    [
        WireStyle(crlf=True),
        WireStyle(data_only=True),
        WireStyle(comments=True),
        WireStyle(split=1),
        WireStyle(split=7, crlf=True, comments=True),
    ],
    ids=["crlf", "data only", "comments", "single bytes", "sevens"],
)
def test_every_wire_style_says_the_same(style: WireStyle) -> None:
    def run(chosen: WireStyle) -> Answer:
        with Simulator(settings=Settings(style=chosen, rate_limits_event=False), seed=7) as sim:
            sim.script(Message(text="Grüße 🚃"))
            return send(sim, body())

    answer = run(style)
    assert_legal(answer)
    assert answer.text == "Grüße 🚃"
    assert answer.types == run(WireStyle()).types
    assert (b"event: " in answer.raw) != style.data_only
    assert (b"\r\n" in answer.raw) == style.crlf


def test_a_small_split_cuts_characters_in_two(sim: Simulator) -> None:
    sim.settings.style = WireStyle(split=3)
    sim.script(Message(text="🚃" * 50))
    answer = send(sim, body())
    assert any(not _is_utf8(chunk) for chunk in answer.chunks)
    assert answer.text == "🚃" * 50


def _is_utf8(chunk: bytes) -> bool:
    try:
        chunk.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_a_call_may_hide_its_arguments_and_name(sim: Simulator) -> None:
    sim.script(FunctionCall(name="run_command", arguments={"command": "ls"}, arguments_in="done"))
    done = send(sim, body())
    assert "response.function_call_arguments.delta" not in done.types
    assert "response.function_call_arguments.done" in done.types
    sim.script(FunctionCall(name="run_command", arguments="{not json", arguments_in="item", late_name=True))
    late = send(sim, body())
    assert not [kind for kind in late.types if "arguments" in kind]
    assert "name" not in late.added[0]
    assert late.items[0]["arguments"] == "{not json"


def test_usage_can_be_told_or_withheld(sim: Simulator) -> None:
    sim.script(Turn(output=[Message(text="a")], usage=Usage(input_tokens=100, cached_tokens=60, output_tokens=10)))
    told = send(sim, body()).usage
    assert (told["input_tokens"], told["output_tokens"], told["total_tokens"]) == (100, 10, 110)
    assert told["input_tokens_details"]["cached_tokens"] == 60
    sim.script(Turn(output=[Message(text="a")], usage=Usage(absent=True)))
    assert send(sim, body()).events[-1]["response"]["usage"] is None


def test_raw_events_and_end_turn_pass_through(sim: Simulator) -> None:
    sim.script(Turn(output=[RawEvent(event={"type": "response.metadata", "headers": {}})], end_turn=False))
    answer = send(sim, body())
    assert "response.metadata" in answer.types
    assert answer.events[-1]["response"]["end_turn"] is False


def test_openai_answers_whole_when_not_streaming(sim: Simulator) -> None:
    sim.script(Turn(output=[Reasoning(), Message(text="whole")]))
    answer = send(sim, body(stream=False, store=True), path="/v1/responses")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["status"] == "completed"
    assert answer.json["output"][1]["content"][0]["text"] == "whole"
    follow_up = body(user("say `more`"), previous_response_id=answer.json["id"], store=True)
    assert send(sim, follow_up, path="/v1/responses").text == "more"
    assert send(sim, body(previous_response_id="resp_0"), path="/v1/responses").status == 400


def test_headers_tell_quota_model_and_turn_state(sim: Simulator) -> None:
    first = send(sim, body())
    assert first.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert first.headers["openai-model"] == "gpt-5.5"
    assert float(first.headers["x-codex-primary-used-percent"]) == 12.5
    state = first.headers["x-codex-turn-state"]
    assert "x-codex-turn-state" not in send(sim, body(), x_codex_turn_state=state).headers
    openai = send(sim, body(), path="/v1/responses")
    assert "x-ratelimit-remaining-tokens" in openai.headers
    assert "x-codex-turn-state" not in openai.headers
