"""Work that goes on beside the conversation: agents and commands in the background, whose end is told to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.script import asked, bash, call, say, use

if TYPE_CHECKING:
    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack


@pytest.mark.capability("Subagents in the background")
def test_an_agent_works_while_the_conversation_goes_on(claude: ClaudeCode, stack: Stack) -> None:
    delegate = call(
        "Agent",
        description="Count",
        prompt="Count the planets.",
        subagent_type="general-purpose",
        run_in_background=True,
    )
    stack.play(
        use(delegate),
        say("The agent is on it."),
        say("The agent counted eight."),
        *asked("Count the planets.", [use(bash("sleep 1; echo eight")), say("There are eight planets.")]),
    )
    with claude.terminal("--allowedTools", "Bash", "Agent") as terminal:
        terminal.wait_for("❯")
        terminal.submit("Delegate the counting")
        terminal.wait_for("The agent is on it.")
        terminal.wait_for("The agent counted eight.")
    agent = [request for request in stack.conversation if "Count the planets." in upstream.texts(request, "user")[-1]]
    main = [request for request in stack.conversation if request not in agent]
    assert len(main) == 3
    assert upstream.tool_outputs(agent[-1]) == ["eight"]
    assert main[1].received_at < agent[-1].received_at, "the conversation did not wait for the agent"
    assert "There are eight planets." in upstream.whole_text(main[-1])
    upstream.assert_prefix_grows(main)
    upstream.assert_prefix_grows(agent)


@pytest.mark.capability("Bash in the background")
def test_the_end_of_a_command_in_the_background_is_told_to_the_model(claude: ClaudeCode, stack: Stack) -> None:
    run = call("Bash", command="sleep 1; echo painted > rails.txt", description="Paint", run_in_background=True)
    stack.play(use(run), say("It is being painted."), say("It is painted."))
    assert claude.run("Paint it", "--allowedTools", "Bash").succeeded().stdout.endswith("It is painted.\n")
    assert (claude.work / "rails.txt").read_text() == "painted\n"
    assert "Background command" in upstream.whole_text(stack.requests[-1])
