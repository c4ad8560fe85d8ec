"""`claude -p`: one question, one answer, in each of the forms that the client prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import SUMMARY, say
from turnout.simulator import Turn, Usage

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack

ANSWER = "The bridge holds — 橋は持つ. 🌉"


@pytest.mark.capability("Text")
def test_the_answer_is_printed_as_text(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    result = claude.run("Does the bridge hold?").succeeded()
    assert result.stdout == f"{ANSWER}\n"


def test_the_upstream_sees_a_codex_request(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    claude.run("Does the bridge hold?").succeeded()
    [request] = stack.requests
    body = upstream.body(request)
    assert request.path == "/backend-api/codex/responses"
    assert request.status == 200
    assert body["model"].startswith("gpt-")
    assert (body["stream"], body["store"], body["include"]) == (True, False, ["reasoning.encrypted_content"])
    assert upstream.texts(request, "user")[-1].endswith("Does the bridge hold?")
    assert {item.get("role") for item in request.input} <= {"user", "developer"}
    assert all(tool["strict"] is False for tool in body["tools"] if tool["type"] == "function")


def test_nothing_that_only_anthropic_needs_is_sent_upstream(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    claude.run("Does the bridge hold?").succeeded()
    [request] = stack.requests
    sent = upstream.body_bytes(request)
    for private in (b"x-anthropic-billing-header", b"cache_control", b"device_id", b"account_uuid"):
        assert private not in sent


def test_mid_conversation_system_messages_stay_in_their_place(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    claude.run("Does the bridge hold?").succeeded()
    [request] = stack.requests
    roles = [item["role"] for item in request.input]
    question = max(index for index, role in enumerate(roles) if role == "user")
    assert roles[question + 1 :] == ["developer"]


@pytest.mark.capability("JSON (--output-format json)")
def test_json_output_tells_model_and_usage(claude: ClaudeCode, stack: Stack) -> None:
    figures = Usage(input_tokens=5000, cached_tokens=4096, output_tokens=77, reasoning_tokens=33)
    stack.play(Turn(output=say(ANSWER).output, usage=figures))
    result = claude.run("Does the bridge hold?", "--output-format", "json").succeeded().json
    assert (result["result"], result["is_error"], result["num_turns"]) == (ANSWER, False, 1)
    usage = result["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (904, 4096, 77)
    [model] = result["modelUsage"]
    assert model.startswith("claude-opus-"), "the client's own name for the model is echoed"


@pytest.mark.capability("Stream of events (stream-json)")
def test_stream_json_carries_every_event_in_order(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    result = claude.run(
        "Does the bridge hold?", "--output-format", "stream-json", "--verbose", "--include-partial-messages"
    ).succeeded()
    streamed = [event["event"] for event in result.events if event["type"] == "stream_event"]
    kinds = [event["type"] for event in streamed]
    assert (kinds[0], kinds[-2:]) == ("message_start", ["message_delta", "message_stop"])
    blocks = [event["content_block"]["type"] for event in streamed if event["type"] == "content_block_start"]
    assert blocks == ["thinking", "text"]
    deltas = [event["delta"] for event in streamed if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == ANSWER
    assert "".join(delta.get("thinking", "") for delta in deltas) == SUMMARY
    assert [delta["type"] for delta in deltas].count("signature_delta") == 1
    assert result.events[-1]["result"] == ANSWER


@pytest.mark.capability("Several questions in one process")
def test_several_questions_in_one_process(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("One."), say("Two."), say("Three."))
    assert claude.converse("first", "second", "third") == ["One.", "Two.", "Three."]
    upstream.assert_prefix_grows(stack.conversation)


@pytest.mark.capability("Model and effort (--model, /model, /effort)")
def test_a_gpt_name_passes(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say(ANSWER))
    result = claude.run("Hello", "--model", "gpt-5.5", "--output-format", "json").succeeded().json
    assert list(result["modelUsage"]) == ["gpt-5.5"]
    assert [upstream.body(request)["model"] for request in stack.requests] == ["gpt-5.5"]


@pytest.mark.capability("Model and effort (--model, /model, /effort)")
@pytest.mark.parametrize("alias", ["opus", "sonnet", "haiku"])
def test_every_alias_reaches_a_model(claude: ClaudeCode, stack: Stack, alias: str) -> None:
    stack.play(say(ANSWER))
    assert claude.run("Hello", "--model", alias).succeeded().stdout == f"{ANSWER}\n"
    assert upstream.body(stack.requests[0])["model"].startswith("gpt-")


@pytest.mark.capability("Model and effort (--model, /model, /effort)")
@pytest.mark.parametrize("effort", ["low", "high", "xhigh"])
def test_the_chosen_effort_arrives(claude: ClaudeCode, stack: Stack, effort: str) -> None:
    stack.play(say(ANSWER))
    claude.run("Hello", "--effort", effort).succeeded()
    [request] = stack.requests
    assert upstream.body(request)["reasoning"]["effort"] == effort


@pytest.mark.capability("Prompt cache")
def test_a_session_has_one_cache_key_and_another_session_another(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("One."), say("Two."))
    claude.run("first").succeeded()
    claude.run("second", "--continue").succeeded()
    claude.run("other").succeeded()
    keys = [upstream.body(request)["prompt_cache_key"] for request in stack.requests]
    sessions = [request.headers["session-id"] for request in stack.requests]
    assert keys[0] == keys[1] != keys[2]
    assert sessions[0] == sessions[1] != sessions[2]
