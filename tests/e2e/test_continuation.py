"""Turns that upstream does not end with its response: Claude Code sees one answer, and goes on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e import upstream
from tests.e2e.script import bash, say
from turnout.simulator import Message, Reasoning, Turn

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack


def test_an_unfinished_turn_goes_on_within_one_answer(claude: ClaudeCode, stack: Stack) -> None:
    thought = Reasoning(summary=["Not done yet."])
    stack.simulator.script(
        Turn(output=[thought, Message(text="First I look. ")], end_turn=False),
        Turn(output=[thought, Message(text="Now I run it."), bash("echo one")]),
        say("Done."),
    )
    report = claude.run("Count", "--allowedTools", "Bash", "--output-format", "json").succeeded().json
    assert (report["result"], report["num_turns"]) == ("Done.", 2)
    first, second, third = stack.requests
    assert [item["type"] for item in second.input[len(first.input) :]] == ["reasoning", "message"]
    assert upstream.tool_outputs(third) == ["one"]
    assert upstream.replayed_reasoning(third) == upstream.issued_reasoning([first, second])
    upstream.assert_prefix_grows(stack.requests)
