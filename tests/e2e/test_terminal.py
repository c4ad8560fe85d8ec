"""Claude Code as most people use it: in a terminal, question after question, with its small calls on the side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import COMPACTION, bash, say, use
from tests.e2e.terminal import ENTER
from turnout.simulator import When

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack


@pytest.mark.capability("Conversation")
def test_questions_are_answered_one_after_the_other(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("The first answer."), say("The second answer."))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("What comes first?")
        terminal.wait_for("The first answer.")
        terminal.submit("What comes second?")
        terminal.wait_for("The second answer.")
    upstream.assert_prefix_grows(stack.conversation)
    assert all(request.status == 200 for request in stack.requests), "the small calls were taken too"


@pytest.mark.capability("Permission prompts")
def test_a_command_is_run_once_the_user_allows_it(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo run >> trace.txt")), say("It has run."))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Run it")
        terminal.wait_for("Do you want to proceed?")
        assert not (claude.work / "trace.txt").exists()
        terminal.press(ENTER, until="It has run.")
    assert (claude.work / "trace.txt").read_text() == "run\n"


@pytest.mark.capability("/compact")
def test_a_conversation_is_compacted_on_command(claude: ClaudeCode, stack: Stack) -> None:
    summary = "<analysis>One command.</analysis>\n<summary>The user asked for a greeting.</summary>"
    stack.play(
        say(summary, when=COMPACTION),
        say("It goes on.", when=When(last_user_text="Go on")),
        say("Good day."),
        say("Good day again."),
    )
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Greet me")
        terminal.wait_for("Good day.")
        terminal.submit("And again")
        terminal.wait_for("Good day again.")
        terminal.submit("/compact")
        terminal.wait_for("ompacted")
        terminal.submit("Go on")
        terminal.wait_for("It goes on.")
    last = stack.conversation[-1]
    assert "The user asked for a greeting." in "".join(upstream.texts(last, "user"))
    assert "Good day." not in upstream.texts(last, "assistant")
