"""The Vercel AI SDK at both doors of OpenAI's: whole answers, streams, tools, thoughts, conversations, errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients import ai_sdk, node
from tests.e2e.script import SUMMARY, call, say, use
from tests.e2e.upstream import body, issued_reasoning, replayed_reasoning, tool_outputs
from turnout.simulator import Message, Pacing, Turn, When

if TYPE_CHECKING:
    from tests.e2e.stack import Stack
    from turnout.simulator import RecordedRequest

MODEL = "gpt-5.5"
ANSWER = "Trains pass from one track to another. 🚂"
USER: dict[str, Any] = {"role": "user", "content": "Look around."}
THINKING = {"reasoningEffort": "high", "reasoningSummary": "auto"}
STATELESS = {"store": False, "include": ["reasoning.encrypted_content"]}
ROUND = (use(call("look", at="a"), call("look", at="b")), say(ANSWER))


class Sdk:
    """Runs conversations of `ai_sdk.mjs` against the gateway."""

    def __init__(self, folder: Path, stack: Stack) -> None:
        folder.mkdir()
        self._script = folder / "ai_sdk.mjs"
        # Node.js looks for packages beside the script, and nowhere that one could name.
        shutil.copy(Path(__file__).with_name("ai_sdk.mjs"), self._script)
        (folder / "node_modules").symlink_to(ai_sdk(), target_is_directory=True)
        self._told = {"baseURL": f"{stack.gateway.url}/v1", "apiKey": stack.gateway.token, "model": MODEL}

    def ask(self, door: str, *messages: dict[str, Any], streamed: bool = False, **more: object) -> dict[str, Any]:
        """What came of a conversation; the job's fields are those that the script tells of."""
        job = {**self._told, "door": door, "messages": messages or [USER], "streamed": streamed, **more}
        done = subprocess.run(
            [*node(), str(self._script)],
            input=json.dumps(job),
            env={"PATH": os.environ["PATH"], "HOME": str(self._script.parent)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


@pytest.fixture
def sdk(stack: Stack, tmp_path: Path) -> Sdk:
    return Sdk(tmp_path / "sdk", stack)


doors = pytest.mark.parametrize("door", ["responses", "chat", "compatible"])
ways = pytest.mark.parametrize("streamed", [False, True])


def used(request: RecordedRequest) -> dict[str, Any]:
    """The usage that upstream told, under the SDK's names."""
    told = request.usage or {}
    return {
        "inputTokens": told["input_tokens"],
        "outputTokens": told["output_tokens"],
        "totalTokens": told["total_tokens"],
        "cached": told["input_tokens_details"]["cached_tokens"],
        "thought": told["output_tokens_details"]["reasoning_tokens"],
    }


def usage(step: dict[str, Any]) -> dict[str, Any]:
    told = step["usage"]
    return {
        **{name: told[name] for name in ("inputTokens", "outputTokens", "totalTokens")},
        "cached": told["inputTokenDetails"]["cacheReadTokens"],
        "thought": told["outputTokenDetails"]["reasoningTokens"],
    }


@ways
@doors
def test_a_round_of_parallel_tools(sdk: Sdk, stack: Stack, door: str, *, streamed: bool) -> None:
    stack.play(*ROUND)
    options = THINKING if door == "responses" else {"reasoningEffort": "high"}
    made = sdk.ask(door, streamed=streamed, tools=True, options=options)

    assert made.get("text") == ANSWER, made
    assert {body(request)["reasoning"]["effort"] for request in stack.requests} == {"high"}
    first, second = made["steps"]
    assert first["calls"] == [{"at": "a"}, {"at": "b"}]
    assert first["results"] == ["seen a", "seen b"] == tool_outputs(stack.requests[1])
    assert [step["reason"] for step in made["steps"]] == ["tool-calls", "stop"]
    assert [usage(step) for step in made["steps"]] == [used(request) for request in stack.requests]
    assert first["warnings"] == second["warnings"] == []
    thought = None if door == "chat" else SUMMARY  # its package for OpenAI's own chat models reads no thoughts
    assert [step["reasoning"] for step in made["steps"]] == [thought, thought]


@pytest.mark.parametrize("options", [{}, STATELESS])
@ways
def test_what_was_thought_goes_back(sdk: Sdk, stack: Stack, options: dict[str, Any], *, streamed: bool) -> None:
    """As ids of what is stored, which is what the SDK does by itself, or whole."""
    stack.play(*ROUND, say("Again."))
    made = sdk.ask("responses", streamed=streamed, tools=True, options={**THINKING, **options})
    assert made.get("text") == ANSWER, made
    more = {"role": "user", "content": "And now?"}
    assert sdk.ask("responses", USER, *made["messages"], more, tools=True, options=options)["text"] == "Again."
    issued = issued_reasoning(stack.requests[:2])
    assert len(issued) == 2
    assert replayed_reasoning(stack.requests[1]) == issued[:1]
    assert replayed_reasoning(stack.requests[2]) == issued


def test_a_conversation_by_the_id_of_the_response(sdk: Sdk, stack: Stack) -> None:
    stack.play(say("One."), say("Two."))
    first = sdk.ask("responses")["steps"][0]["response"]
    made = sdk.ask("responses", {"role": "user", "content": "And?"}, options={"previousResponseId": first})
    assert made.get("text") == "Two.", made
    told = [item.get("type", "message") for item in stack.requests[1].input]
    assert told == ["message", "reasoning", "message", "message"]


@doors
def test_an_answer_by_schema(sdk: Sdk, stack: Stack, door: str) -> None:
    stack.play(Turn(output=[Message(text='{"track": 7}')], when=When(structured=True)))
    made = sdk.ask(door, object=True)
    assert made.get("object") == {"track": 7}, made


@doors
def test_images(sdk: Sdk, stack: Stack, door: str) -> None:
    stack.play(say(ANSWER))
    image = {"type": "file", "data": "data:image/png;base64,iVBORw0KGgo=", "mediaType": "image/png"}
    made = sdk.ask(door, {"role": "user", "content": [{"type": "text", "text": "What?"}, image]})
    assert made.get("text") == ANSWER, made
    assert [part["type"] for part in stack.requests[0].input[-1]["content"]] == ["input_text", "input_image"]


@ways
@doors
def test_a_limit_is_told(sdk: Sdk, stack: Stack, door: str, *, streamed: bool) -> None:
    stack.simulator.fault("429-usage-limit", times=5)
    error = sdk.ask(door, streamed=streamed)["error"]
    assert (error["name"], error["statusCode"]) == ("AI_APICallError", 429)
    assert error["isRetryable"], "the status alone decides: it would try again in spite of x-should-retry"
    assert "usage limit" in error["message"]


@pytest.mark.parametrize("door", ["responses", "compatible"])
def test_a_cut_answer_never_ends_well(sdk: Sdk, stack: Stack, door: str) -> None:
    stack.play(say(ANSWER * 20))
    stack.simulator.fault("drop-mid-text")
    error = sdk.ask(door, streamed=True)["error"]
    assert (error["name"], "in mid-answer" in error["message"]) == ("AI_StreamProviderError", True)


@doors
def test_leaving_a_stream_stops_the_upstream(sdk: Sdk, stack: Stack, door: str) -> None:
    stack.play(say("word " * 5000, pacing=Pacing(delta=0.01)))
    assert "finish" not in sdk.ask(door, streamed=True, leaveAfter=1)["kinds"]
    stack.simulator.wait_until(lambda requests: requests[0].done)
    assert stack.requests[0].disconnected_at is not None
