"""The server with Chat Completions only: read by the openai SDK, and as strict as its rules say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from turnout.simulator import ChatRules, FunctionCall, Message, Reasoning, Simulator, Turn

if TYPE_CHECKING:
    pass

USER: Any = [{"role": "user", "content": "hi"}]
TOOLS: Any = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
TURN = Turn(
    output=[
        Reasoning(summary=["Let me see."]),
        Message(text="So be it."),
        FunctionCall(name="look", arguments={"a": 1}),
    ]
)


@pytest.fixture
def sim(backend: Simulator) -> Simulator:
    backend.reset()
    backend.settings.chat = ChatRules()
    return backend


@pytest.fixture
def client(sim: Simulator) -> openai.OpenAI:
    return openai.OpenAI(base_url=sim.openai_url, api_key=sim.api_key, max_retries=0)


@pytest.mark.parametrize("indexes", [True, False])
def test_an_answer_streamed_and_whole(sim: Simulator, client: openai.OpenAI, indexes: bool) -> None:
    sim.settings.chat = ChatRules(call_indexes=indexes)
    sim.script(TURN, TURN)
    whole = client.chat.completions.create(model="qwen", messages=USER, tools=TOOLS).choices[0]
    assert (whole.message.content, whole.finish_reason) == ("So be it.", "tool_calls")
    assert whole.message.reasoning_content == "Let me see."  # type: ignore[attr-defined]
    chunks = list(
        client.chat.completions.create(
            model="qwen", messages=USER, tools=TOOLS, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "So be it."
    assert chunks[-1].usage is not None
    calls = [call for chunk in chunks if chunk.choices for call in chunk.choices[0].delta.tool_calls or ()]
    assert "".join(call.function.arguments or "" for call in calls if call.function) == '{"a":1}'


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": [{"role": "developer", "content": "x"}, *USER]},
        {"messages": [{"role": "user", "content": ""}]},
        {"messages": [*USER, {"role": "tool", "tool_call_id": "a", "content": "x"}]},
        {
            "messages": [
                *USER,
                {
                    "role": "assistant",
                    "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
            ]
        },
        {"tool_choice": "auto"},
        {"tools": []},
        {"n": 2},
        {"extra_body": {"surprise": 1}},
    ],
)
def test_what_such_servers_refuse(sim: Simulator, client: openai.OpenAI, wrong: Any) -> None:
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**{"model": "qwen", "messages": USER, **wrong})


def test_rules_make_it_stricter(sim: Simulator, client: openai.OpenAI) -> None:
    sim.settings.chat = ChatRules(refused_fields=frozenset({"stream_options"}), one_system_message=True)
    system: Any = {"role": "system", "content": "x"}
    with pytest.raises(openai.BadRequestError, match="beginning"):
        client.chat.completions.create(model="qwen", messages=[*USER, system])
    with pytest.raises(openai.BadRequestError, match="stream_options"):
        client.chat.completions.create(model="qwen", messages=USER, stream=True, stream_options={"include_usage": True})


def test_faults_are_the_same_as_elsewhere(sim: Simulator, client: openai.OpenAI) -> None:
    sim.fault("429-burst")
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="qwen", messages=USER)
    sim.script(Turn(output=[Message(text="word " * 20)]))
    sim.fault("failed-mid-text:rate_limit_exceeded")
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model="qwen", messages=USER, stream=True))
    for stream in (True, False):
        sim.fault("failed-before-first-byte:rate_limit_exceeded")
        with pytest.raises(openai.APIError, match="Rate limit"):
            list(client.with_options(timeout=5).chat.completions.create(model="qwen", messages=USER, stream=stream))
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=sim.openai_url, api_key="no", max_retries=0).chat.completions.create(
            model="qwen", messages=USER
        )
