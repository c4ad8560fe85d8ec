"""The client's side of a Chat Completions test: requests by hand, streams read as strictly as the openai SDK can."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.translate import answers
from turnout.protocol import chat as wire
from turnout.translate.chat_writer import ChatCollector
from turnout.translate.responses_to_chat import ChatStream
from turnout.translate.target import Target

Json = dict[str, Any]

TARGET = answers.TARGET
API = msgspec.structs.replace(
    TARGET,
    capabilities=msgspec.structs.replace(
        TARGET.capabilities,
        instructions_required=False,
        fields=TARGET.capabilities.fields | {"max_output_tokens", "temperature", "top_p", "metadata", "user"},
    ),
)
"""An upstream that takes nearly everything."""
FUNCTION = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}


def user(content: object = "hi") -> Json:
    return {"role": "user", "content": content}


def assistant(content: object = None, **fields: object) -> Json:
    return {"role": "assistant", "content": content, **fields}


def call(call_id: str, name: str = "look", arguments: object = "{}") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def result(call_id: str, content: object = "seen") -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def request(*messages: Json, **fields: object) -> wire.ChatRequest:
    body = {"model": "gpt-5.5", "messages": list(messages) or [user()], **fields}
    return wire.decode_request(json.dumps(body).encode())


class Answer(msgspec.Struct):
    """A stream, read."""

    chunks: list[Json]
    completion: Any
    """What the SDK's own helper makes of it; None for one that has failed."""
    error: Json | None
    done: bool

    @property
    def message(self) -> Any:
        return self.completion.choices[0].message

    @property
    def reason(self) -> str:
        return self.completion.choices[0].finish_reason  # type: ignore[no-any-return]

    @property
    def calls(self) -> list[tuple[str, str]]:
        return [(each.function.name, each.function.arguments) for each in self.message.tool_calls or ()]


def read(out: bytes) -> Answer:
    """Reads a whole stream; fails where it is not legal."""
    state = ChatCompletionStreamState()
    answer = Answer([], None, None, False)
    assert out.endswith(b"\n\n")
    for block in out.split(b"\n\n")[:-1]:
        if block.startswith(b":"):
            continue
        assert block.startswith(b"data: "), block
        data = block[6:]
        assert answer.error is None, "nothing comes behind an error"
        assert not answer.done, "nothing comes behind the end"
        if data == b"[DONE]":
            answer.done = True
            continue
        chunk = json.loads(data)
        if "error" in chunk:
            assert set(chunk["error"]) >= {"message", "type", "param", "code"}
            answer.error = chunk["error"]
            continue
        answer.chunks.append(chunk)
        if not any("custom" in each for choice in chunk["choices"] for each in choice["delta"].get("tool_calls", ())):
            state.handle_chunk(ChatCompletionChunk.model_validate(chunk))  # the SDK has no type for those
    assert len({(chunk["id"], chunk["model"], chunk["created"]) for chunk in answer.chunks}) <= 1
    if answer.chunks:
        assert answer.chunks[0]["choices"][0]["delta"]["role"] == "assistant"
        reasons = [choice["finish_reason"] for chunk in answer.chunks for choice in chunk["choices"]]
        assert all(reason is None for reason in reasons[:-1])
        assert (reasons[-1] is not None) == answer.done
    assert answer.done != (answer.error is not None)
    if answer.done:
        answer.completion = state.current_completion_snapshot
    return answer


def collected(out: bytes) -> Json:
    """The whole answer, checked against the SDK's type."""
    collector = ChatCollector()
    collector.feed(out)
    message: Json = json.loads(collector.message())
    ChatCompletion.model_validate(message)
    return message


def machine(target: Target = TARGET, stops: tuple[str, ...] = (), **fields: Any) -> ChatStream:
    return ChatStream(
        answer_id="chatcmpl-1",
        model="gpt-5.5",
        target=target,
        full_names=fields.pop("full_names", {}),
        now=answers.NOW,
        stop_sequences=stops,
        **fields,
    )


def run(*events: bytes, stream: ChatStream | None = None) -> bytes:
    stream = stream or machine()
    return stream.feed(b"".join(events)) + stream.close()


def answer(*events: bytes, stream: ChatStream | None = None) -> Answer:
    return read(run(*events, stream=stream))
