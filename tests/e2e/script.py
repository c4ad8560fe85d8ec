"""What the simulated model says, in short words. Every turn begins with a thought, as the real models' turns do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from turnout.simulator import FunctionCall, Message, Pacing, Reasoning, Turn, When

if TYPE_CHECKING:
    from collections.abc import Sequence

SUMMARY = "Weighing what to do next."

COMPACTION = When(last_user_text="Respond with TEXT ONLY")
"""The client's demand to sum up the conversation (claude-code-wire.md 8)."""

LOOKS = Turn(
    output=[
        Reasoning(summary=["I have to look."]),
        FunctionCall(name="look", arguments={"at": "a"}),
        FunctionCall(name="look", arguments={"at": "b"}),
    ],
    interleave=True,
)
"""Two calls of a tool `look` at once, the pieces of their arguments in turns."""


def call(tool: str, **arguments: Any) -> FunctionCall:
    """A call of `tool`."""
    return FunctionCall(name=tool, arguments=arguments)


def bash(command: str) -> FunctionCall:
    """A call of Claude Code's Bash tool."""
    return call("Bash", command=command, description="A step of the test")


def use(*calls: FunctionCall, saying: str = "", when: When | None = None) -> Turn:
    """A turn that calls tools, several in parallel, with a sentence before them if `saying` is given."""
    said = [Message(text=saying)] if saying else []
    return Turn(output=[Reasoning(summary=[SUMMARY]), *said, *calls], when=when)


def say(text: str, *, when: When | None = None, pacing: Pacing | None = None, fault: str | None = None) -> Turn:
    """A turn that ends with `text`."""
    return Turn(output=[Reasoning(summary=[SUMMARY]), Message(text=text)], when=when, pacing=pacing, fault=fault)


def asked(text: str, turns: Sequence[Turn]) -> list[Turn]:
    """The turns of the conversation whose user messages hold `text`, such as a subagent's beside the main one."""
    return [
        Turn(output=turn.output, when=When(last_user_text=text, round=number), fault=turn.fault)
        for number, turn in enumerate(turns)
    ]
