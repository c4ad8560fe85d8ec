"""The official `openai` package at the door of Chat Completions: whole answers, streams, helpers, tools, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest

from tests.e2e.script import LOOKS, say
from turnout.simulator import FunctionCall, Message, Pacing, Turn, When

if TYPE_CHECKING:
    from tests.e2e.stack import Stack

MODEL = "gpt-5.5"
ANSWER = "Trains pass from one track to another. 🚂"
USER: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is a turnout?"}]
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Looks.",
            "parameters": {
                "type": "object",
                "properties": {"at": {"type": "string"}},
                "required": ["at"],
                "additionalProperties": False,
            },
            "strict": True,
        },
    }
]


@pytest.fixture
def client(stack: Stack) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token, max_retries=0)


def test_a_whole_answer(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    made = client.chat.completions.create(model=MODEL, messages=USER)
    choice = made.choices[0]
    assert (choice.message.content, choice.finish_reason, made.model) == (ANSWER, "stop", MODEL)
    assert made._request_id
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.prompt_tokens + made.usage.completion_tokens


def test_a_stream_of_chunks(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    options: Any = {"include_usage": True}
    chunks = list(client.chat.completions.create(model=MODEL, messages=USER, stream=True, stream_options=options))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == ANSWER
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert [chunk.choices[0].finish_reason for chunk in chunks[:-1]][-1] == "stop"


async def test_the_asynchronous_client(stack: Stack) -> None:
    stack.play(say(ANSWER))
    async with openai.AsyncOpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token) as client:
        stream = await client.chat.completions.create(model=MODEL, messages=USER, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ANSWER


def test_a_round_of_parallel_tools_by_the_stream_helper(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(LOOKS, say(ANSWER))
    with client.chat.completions.stream(model=MODEL, messages=USER, tools=TOOLS) as stream:
        events = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert events.count("tool_calls.function.arguments.done") == 2
    calls = message.tool_calls or []
    assert [call.function.parsed_arguments for call in calls] == [{"at": "a"}, {"at": "b"}]
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "seen"} for call in calls]
    told: Any = [*USER, message, *results]
    assert client.chat.completions.create(model=MODEL, messages=told, tools=TOOLS).choices[0].message.content == ANSWER
    sent = [item["type"] for item in stack.requests[1].input]
    assert sent[2:] == ["reasoning", *["function_call"] * 2, *["function_call_output"] * 2], "with the reasoning"
    assert (stack.requests[0].body or {})["tools"][0]["strict"] is True


def test_the_same_without_streaming(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(LOOKS, say(ANSWER))
    message = client.chat.completions.create(model=MODEL, messages=USER, tools=TOOLS).choices[0].message
    assert message.content is None
    calls = message.tool_calls or []
    results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "seen"} for call in calls]
    told: Any = [*USER, message, *results]
    assert client.chat.completions.create(model=MODEL, messages=told, tools=TOOLS).choices[0].finish_reason == "stop"
    assert [item["type"] for item in stack.requests[1].input].count("reasoning") == 1


def test_older_functions(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(Turn(output=[FunctionCall(name="look", arguments={"at": "a"})]), say(ANSWER))
    functions: Any = [{"name": "look", "parameters": {"type": "object", "properties": {}}}]
    choice = client.chat.completions.create(model=MODEL, messages=USER, functions=functions).choices[0]
    assert choice.finish_reason == "function_call"
    assert choice.message.function_call is not None
    told: Any = [*USER, choice.message, {"role": "function", "name": "look", "content": "seen"}]
    made = client.chat.completions.create(model=MODEL, messages=told, functions=functions)
    assert made.choices[0].message.content == ANSWER


class Reply(pydantic.BaseModel):
    track: int


def test_a_parsed_answer(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(Turn(output=[Message(text='{"track": 7}')], when=When(structured=True)))
    made = client.chat.completions.parse(model=MODEL, messages=USER, response_format=Reply)
    assert made.choices[0].message.parsed == Reply(track=7)
    assert (stack.requests[0].body or {})["text"]["format"]["strict"] is True


def test_images_and_stops(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say("one END two"))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "What?"}, image]}]
    made = client.chat.completions.create(model=MODEL, messages=messages, stop=["END"])
    assert made.choices[0].message.content == "one "
    assert [part["type"] for part in stack.requests[0].input[0]["content"]] == ["input_text", "input_image"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "exception"),
    [
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("404-model", openai.NotFoundError),
        ("429-usage-limit", openai.RateLimitError),
        ("context-400", openai.BadRequestError),
        ("failed:invalid_prompt", openai.BadRequestError),
        ("503", openai.InternalServerError),
    ],
)
def test_a_failure_upstream_is_the_right_exception(
    client: openai.OpenAI, stack: Stack, fault: str, exception: type[openai.APIStatusError], streamed: bool
) -> None:
    stack.simulator.fault(fault, times=5)
    with pytest.raises(exception) as caught:
        client.chat.completions.create(model=MODEL, messages=USER, stream=streamed)
    assert type(caught.value) is exception
    assert caught.value.request_id


def test_what_is_refused_before_routing(client: openai.OpenAI, stack: Stack) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=MODEL, messages=USER, n=3)
    assert (caught.value.param, "one can" in caught.value.message) == ("n", True)
    stranger = openai.OpenAI(base_url=f"{stack.gateway.url}/v1", api_key="wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as refused:
        stranger.chat.completions.create(model=MODEL, messages=USER)
    assert refused.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError, match="embeddings"):
        client.embeddings.create(model=MODEL, input="x")
    with pytest.raises(openai.NotFoundError, match="continue texts"):
        client.completions.create(model=MODEL, prompt="x")
    assert stack.requests == []


def test_a_usage_limit_is_not_tried_again(stack: Stack) -> None:
    stack.simulator.fault("429-usage-limit", times=5)
    patient = openai.OpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token, max_retries=3)
    with pytest.raises(openai.RateLimitError):
        patient.chat.completions.create(model=MODEL, messages=USER)
    assert len(stack.requests) == 1


@pytest.mark.parametrize("streamed", [False, True])
def test_a_cut_answer_raises_and_never_ends_well(client: openai.OpenAI, stack: Stack, streamed: bool) -> None:
    stack.play(Turn(output=[Message(text=ANSWER * 20)]))
    stack.simulator.fault("drop-mid-text")
    with pytest.raises(openai.APIError):
        if streamed:
            list(client.chat.completions.create(model=MODEL, messages=USER, stream=True))
        else:
            client.chat.completions.create(model=MODEL, messages=USER)


def test_leaving_a_stream_stops_the_upstream(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say("word " * 5000, pacing=Pacing(delta=0.01)))
    with client.chat.completions.create(model=MODEL, messages=USER, stream=True) as stream:
        next(iter(stream))
    stack.simulator.wait_until(lambda requests: requests[0].done)
    assert stack.requests[0].disconnected_at is not None
