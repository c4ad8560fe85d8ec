"""What a viewer sees of a conversation, whichever client has it, and what is counted from that. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class Thinking(msgspec.Struct, frozen=True):
    """A piece of the model's thoughts, as it came."""

    text: str


class Text(msgspec.Struct, frozen=True):
    """A piece of the answer, as it came."""

    text: str


class ToolCall(msgspec.Struct, frozen=True):
    """The model wants a tool run."""

    name: str
    arguments: Mapping[str, object]


class ToolResult(msgspec.Struct, frozen=True):
    """What the tool gave."""

    text: str
    failed: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One finished answer of the model, in the client's own figures."""

    model: str
    """The model's name as the answer has it."""
    thinking_blocks: int
    tool_calls: int
    input_tokens: int
    """All input tokens, cached ones too."""
    cached_tokens: int
    output_tokens: int
    stop_reason: str


Event = Thinking | Text | ToolCall | ToolResult | Answer


class ConversationError(Exception):
    """The conversation did not go as it should; the text says what was off."""


class Tally(msgspec.Struct):
    """Adds a conversation up."""

    thinking_blocks: int = 0
    tool_calls: int = 0
    tool_output: str = ""
    """All that the tools gave."""
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    answers: int = 0
    text: str = ""
    """The answer's text after the last tool result."""

    def add(self, event: Event) -> None:
        """Counts one event."""
        match event:
            case Text():
                self.text += event.text
            case ToolResult():
                self.tool_output += event.text
                self.text = ""
            case Answer():
                self.answers += 1
                self.thinking_blocks += event.thinking_blocks
                self.tool_calls += event.tool_calls
                self.input_tokens += event.input_tokens
                self.cached_tokens += event.cached_tokens
                self.output_tokens += event.output_tokens

    @property
    def cached_share(self) -> float:
        """Part of the input tokens that came from the prompt cache, 0 to 1."""
        return self.cached_tokens / self.input_tokens if self.input_tokens else 0.0
