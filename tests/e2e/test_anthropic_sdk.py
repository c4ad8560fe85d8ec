"""The official `anthropic` package, as other agents use it: whole answers, streams, tools, images, typed errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic
import pytest

from tests.e2e import upstream
from tests.e2e.mcp_server import PIXEL
from tests.e2e.script import call, say, use
from turnout.simulator import FunctionCall, Message, Pacing, Turn, Usage

if TYPE_CHECKING:
    from anthropic.types import MessageParam, ToolParam

    from tests.e2e.stack import Stack

MODEL = "claude-opus-5-5"
ANSWER = "A bridge of 橋 and 🌉."
USER: list[MessageParam] = [{"role": "user", "content": "What do you see?"}]
WEATHER: ToolParam = {
    "name": "weather",
    "description": "The weather of a place",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]},
}
TWO_CALLS = [call("weather", place="Oslo"), call("weather", place="Rome")]


@pytest.fixture
def client(stack: Stack) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=stack.gateway.url, auth_token=stack.gateway.token, api_key=None, max_retries=0)


@pytest.fixture
def async_client(stack: Stack) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=stack.gateway.url, auth_token=stack.gateway.token, api_key=None, max_retries=0
    )


def test_a_whole_answer(client: anthropic.Anthropic, stack: Stack) -> None:
    figures = Usage(input_tokens=3000, cached_tokens=2048, output_tokens=50, reasoning_tokens=20)
    stack.play(Turn(output=say(ANSWER).output, usage=figures))
    message = client.messages.create(model=MODEL, max_tokens=1000, messages=USER)
    assert (message.model, message.role, message.stop_reason) == (MODEL, "assistant", "end_turn")
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert _text(message) == ANSWER
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (952, 2048, 50)
    assert message._request_id


async def test_a_whole_answer_awaited(async_client: anthropic.AsyncAnthropic, stack: Stack) -> None:
    stack.play(say(ANSWER))
    message = await async_client.messages.create(model=MODEL, max_tokens=1000, messages=USER)
    assert _text(message) == ANSWER


def test_an_answer_in_events(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say(ANSWER))
    events = list(client.messages.create(model=MODEL, max_tokens=1000, messages=USER, stream=True))
    assert [events[0].type, events[-1].type] == ["message_start", "message_stop"]
    deltas = [event.delta for event in events if event.type == "content_block_delta"]
    assert "".join(delta.text for delta in deltas if delta.type == "text_delta") == ANSWER


def test_the_text_of_a_stream_as_it_grows(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say(ANSWER))
    with client.messages.stream(model=MODEL, max_tokens=1000, messages=USER) as stream:
        assert "".join(stream.text_stream) == ANSWER
        final = stream.get_final_message()
    assert _text(final) == ANSWER
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens > 0


async def test_the_text_of_a_stream_awaited(async_client: anthropic.AsyncAnthropic, stack: Stack) -> None:
    stack.play(say(ANSWER))
    async with async_client.messages.stream(model=MODEL, max_tokens=1000, messages=USER) as stream:
        assert "".join([piece async for piece in stream.text_stream]) == ANSWER
        assert await stream.get_final_text() == ANSWER


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_are_called_answered_and_remembered_with_their_reasoning(
    client: anthropic.Anthropic, stack: Stack, streamed: bool
) -> None:
    stack.play(use(*TWO_CALLS), say("Cold in Oslo, warm in Rome."))
    asked: dict[str, Any] = {"model": MODEL, "max_tokens": 1000, "tools": [WEATHER]}
    if streamed:
        with client.messages.stream(messages=USER, **asked) as stream:
            first = stream.get_final_message()
    else:
        first = client.messages.create(messages=USER, **asked)
    assert first.stop_reason == "tool_use"
    calls = [block for block in first.content if block.type == "tool_use"]
    assert [block.input for block in calls] == [{"place": "Oslo"}, {"place": "Rome"}]
    results: list[Any] = [{"type": "tool_result", "tool_use_id": block.id, "content": "snow"} for block in calls]
    conversation: list[Any] = [
        *USER,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": results},
    ]
    second = client.messages.create(messages=conversation, **asked)
    assert _text(second) == "Cold in Oslo, warm in Rome."
    asked_first, asked_second = stack.requests
    assert upstream.tool_outputs(asked_second) == ["snow", "snow"]
    assert upstream.replayed_reasoning(asked_second) == upstream.issued_reasoning([asked_first]) != []
    upstream.assert_prefix_grows(stack.requests)


def test_a_forced_tool_and_no_parallel_calls(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(Turn(output=[FunctionCall(name="weather", arguments={"place": "Oslo"})]))
    client.messages.create(
        model=MODEL,
        max_tokens=1000,
        messages=USER,
        tools=[WEATHER],
        tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True},
    )
    body = upstream.body(stack.requests[0])
    assert body["tool_choice"] == {"type": "function", "name": "weather"}
    assert body["parallel_tool_calls"] is False


def test_images_inline_and_by_address(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say("Two pictures."))
    content: list[Any] = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/bridge.png"}},
        {"type": "text", "text": "What are these?"},
    ]
    client.messages.create(model=MODEL, max_tokens=1000, messages=[{"role": "user", "content": content}])
    [message] = [item for item in stack.requests[0].input if item.get("role") == "user"]
    urls = [part["image_url"] for part in message["content"] if part["type"] == "input_image"]
    assert urls == [f"data:image/png;base64,{PIXEL}", "https://example.com/bridge.png"]


def test_the_system_prompt_arrives(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say(ANSWER))
    client.messages.create(model=MODEL, max_tokens=1000, system="You are a bridge keeper.", messages=USER)
    assert b"You are a bridge keeper." in upstream.body_bytes(stack.requests[0])


def test_a_stop_sequence_ends_the_answer(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say("<severity>0</severity> and more"))
    message = client.messages.create(model=MODEL, max_tokens=64, messages=USER, stop_sequences=["</severity>"])
    assert (_text(message), message.stop_reason, message.stop_sequence) == (
        "<severity>0",
        "stop_sequence",
        "</severity>",
    )


def test_a_request_that_is_wrong_names_the_place(client: anthropic.Anthropic, stack: Stack) -> None:
    wrong: Any = [{"role": "user", "content": [{"type": "image", "source": 7}]}]
    with pytest.raises(anthropic.BadRequestError) as caught:
        client.messages.create(model=MODEL, max_tokens=1000, messages=wrong)
    assert "messages[0].content[0].source" in str(caught.value)
    assert stack.requests == []


def test_a_wrong_token_is_an_authentication_error(stack: Stack) -> None:
    client = anthropic.Anthropic(base_url=stack.gateway.url, auth_token="wrong", api_key=None, max_retries=0)
    with pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model=MODEL, max_tokens=1000, messages=USER)


def test_the_token_may_be_shown_as_an_api_key(stack: Stack) -> None:
    stack.play(say(ANSWER))
    client = anthropic.Anthropic(base_url=stack.gateway.url, api_key=stack.gateway.token, max_retries=0)
    assert _text(client.messages.create(model=MODEL, max_tokens=1000, messages=USER)) == ANSWER


def test_a_path_that_is_not_there_is_a_not_found_error(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.get("/v1/nothing/here", cast_to=object)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", anthropic.PermissionDeniedError),
        ("403", anthropic.PermissionDeniedError),
        ("404-model", anthropic.NotFoundError),
        ("429-usage-limit", anthropic.RateLimitError),
        ("429-burst", anthropic.RateLimitError),
        ("context-400", anthropic.BadRequestError),
        ("failed:context_length_exceeded", anthropic.BadRequestError),
        ("failed:invalid_prompt", anthropic.BadRequestError),
        ("failed:server_is_overloaded", anthropic.OverloadedError),
        ("503", anthropic.OverloadedError),
    ],
)
def test_a_failure_upstream_is_the_right_exception(
    client: anthropic.Anthropic, stack: Stack, fault: str, error: type[anthropic.APIStatusError], streamed: bool
) -> None:
    stack.simulator.fault(fault, times=5)
    with pytest.raises(error) as caught:
        client.messages.create(model=MODEL, max_tokens=1000, messages=USER, stream=streamed)
    assert type(caught.value) is error
    assert caught.value.request_id


def test_a_usage_limit_is_not_tried_again(stack: Stack) -> None:
    stack.simulator.fault("429-usage-limit", times=5)
    patient = anthropic.Anthropic(
        base_url=stack.gateway.url, auth_token=stack.gateway.token, api_key=None, max_retries=3
    )
    with pytest.raises(anthropic.RateLimitError):
        patient.messages.create(model=MODEL, max_tokens=1000, messages=USER)
    assert len(stack.requests) == 1


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", ["drop-mid-text", "eof-mid-text", "failed-mid-text:server_error"])
def test_a_cut_answer_raises_and_never_ends_well(
    client: anthropic.Anthropic, stack: Stack, fault: str, streamed: bool
) -> None:
    stack.play(Turn(output=[Message(text=ANSWER * 20)]))
    stack.simulator.fault(fault)
    with pytest.raises(anthropic.APIError):
        if streamed:
            with client.messages.stream(model=MODEL, max_tokens=1000, messages=USER) as stream:
                stream.until_done()
        else:
            client.messages.create(model=MODEL, max_tokens=1000, messages=USER)
    assert len(stack.requests) == 1, "what was begun is not begun again behind the client's back"


@pytest.mark.parametrize("fault", ["500", "drop-before-first-byte", "drop-after-created"])
def test_one_failure_before_the_answer_begins_is_not_noticed(
    client: anthropic.Anthropic, stack: Stack, fault: str
) -> None:
    stack.play(say(ANSWER))
    stack.simulator.fault(fault)
    assert _text(client.messages.create(model=MODEL, max_tokens=1000, messages=USER)) == ANSWER
    assert len(stack.requests) == 2


def test_leaving_a_stream_stops_the_upstream(client: anthropic.Anthropic, stack: Stack) -> None:
    stack.play(say("word " * 5000, pacing=Pacing(delta=0.01)))
    with client.messages.stream(model=MODEL, max_tokens=1000, messages=USER) as stream:
        next(iter(stream.text_stream))
    stack.simulator.wait_until(lambda requests: requests[0].done)
    assert stack.requests[0].disconnected_at is not None


def _text(message: anthropic.types.Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")
