"""The official `openai` package at the door of Responses: answers, streams, helpers, tools, conversations, errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest

from tests.e2e.script import LOOKS, say
from turnout.simulator import Message, Turn, When

if TYPE_CHECKING:
    from tests.e2e.stack import Stack

MODEL = "gpt-5.5"
ANSWER = "Trains pass from one track to another. 🚂"
SCHEMA = {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"], "additionalProperties": False}
TOOLS: Any = [{"type": "function", "name": "look", "description": "Looks.", "parameters": SCHEMA, "strict": True}]


@pytest.fixture
def client(stack: Stack) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token, max_retries=0)


def test_a_whole_answer(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    made = client.responses.create(
        model=MODEL,
        input="What is a turnout?",
        instructions="Be brief.",
        temperature=0.5,
        top_p=0.9,
        max_output_tokens=500,
        metadata={"a": "b"},
        truncation="auto",
        user="me",
        store=True,
        background=False,
    )
    assert (made.output_text, made.status, made.model) == (ANSWER, "completed", MODEL)
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens
    assert made.metadata == {"a": "b"}
    assert (stack.requests[0].body or {})["instructions"] == "Be brief."


def test_a_stream_of_events(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    events = list(client.responses.create(model=MODEL, input="What?", stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == ANSWER
    assert (events[0].type, events[-1].type) == ("response.created", "response.completed")


async def test_the_asynchronous_client(stack: Stack) -> None:
    stack.play(say(ANSWER))
    async with openai.AsyncOpenAI(base_url=f"{stack.gateway.url}/v1", api_key=stack.gateway.token) as client:
        made = await client.responses.create(model=MODEL, input="What?")
        assert made.output_text == ANSWER


@pytest.mark.parametrize("stored", [False, True])
def test_a_round_of_parallel_tools_by_the_stream_helper(client: openai.OpenAI, stack: Stack, *, stored: bool) -> None:
    stack.play(LOOKS, say(ANSWER))
    user: Any = {"role": "user", "content": "Look around."}
    with client.responses.stream(model=MODEL, input=[user], tools=TOOLS, store=stored) as stream:
        kinds = [event.type for event in stream]
        made = stream.get_final_response()
    assert kinds.count("response.function_call_arguments.done") == 2
    calls = [item for item in made.output if item.type == "function_call"]
    assert [call.parsed_arguments for call in calls] == [{"at": "a"}, {"at": "b"}]
    results: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "seen"} for call in calls]
    if stored:
        again = client.responses.create(model=MODEL, input=results, previous_response_id=made.id, tools=TOOLS)
    else:
        again = client.responses.create(model=MODEL, input=[user, *made.output, *results], tools=TOOLS)
    assert again.output_text == ANSWER
    sent = [item.get("type", "message") for item in stack.requests[1].input]
    assert sent == ["message", "reasoning", *["function_call"] * 2, *["function_call_output"] * 2]


class Reply(pydantic.BaseModel):
    track: int


def test_a_parsed_answer_and_its_return(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(Turn(output=[Message(text='{"track": 7}')], when=When(structured=True)))
    user: Any = {"role": "user", "content": "Which?"}
    made = client.responses.parse(model=MODEL, input=[user], text_format=Reply)
    assert made.output_parsed == Reply(track=7)
    assert (stack.requests[0].body or {})["text"]["format"]["strict"] is True
    told: Any = [user, *made.output, {"role": "user", "content": "Why?"}]
    assert client.responses.create(model=MODEL, input=told).status == "completed"
    assert stack.requests[1].input[1]["content"][0]["text"] == '{"track": 7}'


def test_stored_responses(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    made = client.responses.create(model=MODEL, input="What?")
    assert client.responses.retrieve(made.id).output_text == ANSWER
    items = list(client.responses.input_items.list(made.id))
    assert [item.type for item in items] == ["message"]
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(made.id)
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=MODEL, input="And?", previous_response_id=made.id)
    assert refused.value.code == "previous_response_not_found"


def test_images(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say(ANSWER))
    image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"}
    given: Any = [{"role": "user", "content": [{"type": "input_text", "text": "What?"}, image]}]
    assert client.responses.create(model=MODEL, input=given).output_text == ANSWER
    assert stack.requests[0].input[0]["content"][1] == image


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "exception"),
    [
        ("401", openai.AuthenticationError),
        ("403", openai.PermissionDeniedError),
        ("404-model", openai.NotFoundError),
        ("429-usage-limit", openai.RateLimitError),
        ("context-400", openai.BadRequestError),
        ("500", openai.InternalServerError),
    ],
)
def test_errors_have_their_types(
    client: openai.OpenAI, stack: Stack, *, fault: str, exception: type[openai.APIStatusError], streamed: bool
) -> None:
    stack.simulator.fault(fault, times=5)
    with pytest.raises(exception) as raised:
        client.responses.create(model=MODEL, input="What?", stream=streamed)
    assert raised.value.body is not None


def test_a_failure_in_mid_answer(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(say("word " * 50))
    stack.simulator.fault("drop-mid-text")
    events = list(client.responses.create(model=MODEL, input="What?", stream=True))
    end = events[-1]
    assert end.type == "response.failed"
    assert end.response.error is not None
    assert end.response.error.code == "server_error"


def test_a_websocket(client: openai.OpenAI, stack: Stack) -> None:
    stack.play(LOOKS, say(ANSWER))
    with client.responses.connect() as connection:
        connection.response.create(model=MODEL, input="Look around.", tools=TOOLS, store=False)
        made = _completed(connection)
        calls = [item for item in made.output if item.type == "function_call"]
        results: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "seen"} for call in calls]
        connection.response.create(model=MODEL, input=results, tools=TOOLS, store=False, previous_response_id=made.id)
        assert _completed(connection).output_text == ANSWER
        connection.response.create(model=MODEL, input="And?", previous_response_id="resp_gone")
        event = next(iter(connection))
        assert event.type == "error"


def _completed(connection: Any) -> Any:
    """The response, once the connection has told of its end."""
    return next(event.response for event in connection if event.type == "response.completed")
