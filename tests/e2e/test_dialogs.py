"""What Claude Code asks or shows in the terminal: questions, plans, models, tasks, the use of the context."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, call, say, use
from tests.e2e.terminal import ENTER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stack import Stack
    from tests.e2e.terminal import Terminal


@pytest.mark.capability("AskUserQuestion")
def test_the_users_choice_reaches_the_model(claude: ClaudeCode, stack: Stack) -> None:
    options = [
        {"label": "Tower", "description": "The one with towers"},
        {"label": "London", "description": "The one that fell"},
    ]
    question = {"question": "Which bridge?", "header": "Bridge", "multiSelect": False, "options": options}
    stack.play(use(call("AskUserQuestion", questions=[question])), say("London it is."))
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Help me choose")
        terminal.wait_for("Which bridge?")
        terminal.press("2", until="London it is.")
    [answer] = upstream.tool_outputs(stack.conversation[-1])
    assert '"Which bridge?"="London"' in answer


@pytest.mark.capability("Plan mode")
def test_a_plan_is_made_shown_and_carried_out_once_approved(claude: ClaudeCode, stack: Stack) -> None:
    painted = claude.work / "painted.txt"
    first = say("I need to look first.")
    stack.play(first)
    with claude.terminal("--permission-mode", "plan") as terminal:
        terminal.wait_for("❯")
        terminal.submit("Paint the bridge")
        terminal.wait_for("I need to look first.")
        # The client tells the model in which file the plan belongs.
        told = "".join(upstream.texts(stack.conversation[0], "developer"))
        assert "Plan mode is active" in told
        plan = re.search(r"create your plan at (\S+\.md)", told)
        assert plan
        stack.play(
            first,
            use(call("Write", file_path=plan[1], content="1. Buy red paint\n2. Paint the rails\n")),
            use(call("ExitPlanMode", plan="1. Buy red paint\n2. Paint the rails")),
            use(call("Write", file_path=str(painted), content="red")),
            say("It is red now."),
        )
        terminal.submit("Go on")
        terminal.wait_for("Paint the rails")
        terminal.wait_for("Would you like to proceed?")
        assert not painted.exists()
        terminal.press(ENTER, until="It is red now.")
    assert painted.read_text() == "red"


@pytest.mark.capability("Model and effort (--model, /model, /effort)")
def test_another_model_and_effort_in_mid_conversation(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("The first."), say("The second."), say("The third."))
    with claude.terminal("--model", "gpt-5.5") as terminal:
        terminal.wait_for("❯")
        terminal.submit("One")
        terminal.wait_for("The first.")
        switch(terminal, "/model opus", "Set model to")
        terminal.submit("Two")
        terminal.wait_for("The second.")
        switch(terminal, "/effort low", "Set effort level to low")
        terminal.submit("Three")
        terminal.wait_for("The third.")
    one, two, three = (upstream.body(request) for request in stack.conversation)
    assert one["model"] == "gpt-5.5" != two["model"] == three["model"]
    assert two["reasoning"]["effort"] != "low" == three["reasoning"]["effort"]
    _, second, third = stack.conversation
    assert upstream.replayed_reasoning(second) == [], "the thoughts of another model mean nothing to it"
    assert upstream.replayed_reasoning(third) == upstream.issued_reasoning([second])


@pytest.mark.capability("/context")
def test_the_use_of_the_context_is_shown(claude: ClaudeCode, stack: Stack) -> None:
    """The client has each part counted, in a burst, and shows what the gateway counts."""
    stack.play(say("The first."), say("The second."))
    before = stack.gateway.settled_log().count("path=/v1/messages/count_tokens")
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("One")
        terminal.wait_for("The first.")
        terminal.submit("/context")
        screen = terminal.wait_for(lambda screen: "Free space:" in screen and "System tools:" in screen)
        terminal.submit("Two")
        terminal.wait_for("The second.")
    lines = stack.gateway.settled_log().splitlines()
    asked = [line for line in lines if "path=/v1/messages/count_tokens" in line][before:]
    assert asked
    assert all("status=200" in line for line in asked)
    categories = re.findall(r"(?:System prompt|System tools|Skills|Messages): ([\d.]+)(k?) tokens", screen)
    shown = sum(float(number) * (1000 if thousand else 1) for number, thousand in categories)
    first = stack.conversation[0].usage
    assert first is not None
    assert shown == pytest.approx(first["input_tokens"], rel=0.1), "the parts add up to what upstream has counted"


@pytest.mark.capability("Task list (TaskCreate, TaskUpdate, TaskList)")
def test_the_models_tasks_are_kept_and_shown(version: str, stack: Stack, tmp_path: Path) -> None:
    # 2.1.328 has these tools only on demand.
    wanted = {"CLAUDE_CODE_ENABLE_TODO_TOOLS": "1"}
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token, environment=wanted)
    stack.play(
        use(call("TaskCreate", subject="Count the planks", description="All of them")),
        use(call("TaskCreate", subject="Paint the rails", description="In red")),
        use(call("TaskUpdate", taskId="1", status="completed")),
        use(call("TaskList")),
        say("One is left."),
    )
    with claude.terminal() as terminal:
        terminal.wait_for("❯")
        terminal.submit("Make a list")
        terminal.wait_for("One is left.")
        terminal.wait_for("✔ Count the planks")
        terminal.wait_for("◻ Paint the rails")
    *_, listed = upstream.tool_outputs(stack.conversation[-1])
    assert listed == "#1 [completed] Count the planks\n#2 [pending] Paint the rails"


@pytest.mark.capability("Continue and resume (--continue, --resume)")
def test_a_conversation_is_taken_up_again_in_the_terminal(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo one")), say("One plank."), say("Two planks."))
    first = claude.run("Count one", "--model", "opus", "--allowedTools", "Bash", "--output-format", "json").succeeded()
    with claude.terminal("--model", "opus", "--resume", first.json["session_id"]) as terminal:
        terminal.wait_for("One plank.")
        terminal.submit("Count the second")
        terminal.wait_for("Two planks.")
    *earlier, last = stack.conversation
    assert upstream.tool_outputs(last) == ["one"]
    assert upstream.replayed_reasoning(last) == upstream.issued_reasoning(earlier)


def switch(terminal: Terminal, command: str, done: str) -> None:
    """Give a command that the client may want to have confirmed, since it costs the cached conversation."""
    terminal.submit(command)
    if done not in terminal.wait_for(lambda screen: done in screen or "Yes, switch" in screen):
        terminal.press(ENTER, until=done)
