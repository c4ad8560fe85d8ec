"""The conversation through the official `anthropic` client, with the demo's own two tools."""

from __future__ import annotations

import importlib
import json
import uuid
from importlib import resources
from typing import TYPE_CHECKING, Any

from turnout.demo import tools
from turnout.demo.events import Answer, ConversationError, Event, Text, Thinking, ToolCall
from turnout.demo.story import MODEL, TASK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from anthropic.types import Message

MAX_ANSWERS = 8
"""A conversation that goes on for longer has gone wrong."""


def load() -> None:
    """Imports the client, which takes seconds the first time: `converse` begins at once then."""
    importlib.import_module("anthropic")


def converse(base_url: str, token: str, project: Path) -> Iterator[Event]:
    """Has the conversation, answer by answer, running the tools that the model calls.

    Raises `ConversationError` for an answer that the client refuses or that never comes to an end.
    """
    import anthropic

    instructions = (resources.files("turnout.demo") / "instructions.md").read_text("utf-8")
    # The gateway is on this machine: a proxy for the outside world has no business here.
    direct = anthropic.DefaultHttpxClient(mounts={"all://127.0.0.1": None})
    messages: list[Any] = [{"role": "user", "content": TASK}]
    # Claude Code tells its session so (claude-code-wire.md 1); it keeps the prompt cache together.
    session = json.dumps({"device_id": "", "account_uuid": "", "session_id": str(uuid.uuid4())})
    with anthropic.Anthropic(base_url=base_url, auth_token=token, max_retries=0, http_client=direct) as client:
        for _ in range(MAX_ANSWERS):
            try:
                with client.messages.stream(
                    model=MODEL,
                    max_tokens=16_000,
                    system=instructions,
                    messages=messages,
                    tools=tools.DEFINITIONS,  # type: ignore[arg-type]
                    thinking={"type": "adaptive"},
                    metadata={"user_id": session},
                ) as stream:
                    for event in stream:
                        if event.type == "thinking":
                            yield Thinking(event.thinking)
                        elif event.type == "text":
                            yield Text(event.text)
                    message = stream.get_final_message()
            except anthropic.APIError as error:
                raise ConversationError(f"The client refused the answer: {error.message}") from error
            yield _answer(message)
            messages.append({"role": "assistant", "content": message.content})
            results: list[dict[str, Any]] = []
            for block in message.content:
                if block.type == "tool_use":
                    yield ToolCall(block.name, block.input)
                    result = tools.execute(block.name, block.input, project)
                    yield result
                    results.append(
                        {
                            "type": "tool_result",
                            "tool_use_id": block.id,
                            "content": result.text,
                            "is_error": result.failed,
                        }
                    )
            if not results:
                return
            messages.append({"role": "user", "content": results})
    raise ConversationError(f"The conversation did not come to an end in {MAX_ANSWERS} answers.")


def _answer(message: Message) -> Answer:
    usage = message.usage
    cached = usage.cache_read_input_tokens or 0
    return Answer(
        model=message.model,
        thinking_blocks=sum(block.type == "thinking" for block in message.content),
        tool_calls=sum(block.type == "tool_use" for block in message.content),
        input_tokens=usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0),
        cached_tokens=cached,
        output_tokens=usage.output_tokens,
        stop_reason=message.stop_reason or "",
    )
