"""What a project or a user adds to the client: instructions, skills, commands, plugins, hooks, agents."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.e2e import upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import asked, bash, call, say, use

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.stack import Stack


@pytest.mark.capability("CLAUDE.md")
def test_instructions_of_user_and_project_reach_the_model(claude: ClaudeCode, stack: Stack) -> None:
    write(claude.config / "CLAUDE.md", "Be brief.")
    write(claude.work / "CLAUDE.md", "Speak of bridges. More: @more.md")
    write(claude.work / "more.md", "Mention the planks.")
    stack.play(say("Planks."), say("Again."))
    claude.run("Hello").succeeded()
    claude.run("And now?", "--model", "opus", "--continue").succeeded()
    for request in stack.requests:
        [prompt] = [text for text in upstream.texts(request, "user") if "Be brief." in text]
        assert "Speak of bridges." in prompt
        assert "Mention the planks." in prompt


@pytest.mark.capability("Skills")
def test_a_skill_is_offered_and_followed(claude: ClaudeCode, stack: Stack) -> None:
    write(
        claude.work / ".claude/skills/bridge-check/SKILL.md",
        "---\nname: bridge-check\ndescription: Checks whether a bridge holds.\n---\nCount the planks of $ARGUMENTS.\n",
    )
    stack.play(use(call("Skill", skill="bridge-check", args="London")), say("Forty."))
    assert claude.run("Check it", "--allowedTools", "Skill").succeeded().stdout == "Forty.\n"
    offered, followed = stack.requests
    assert "bridge-check: Checks whether a bridge holds." in upstream.whole_text(offered)
    assert "Count the planks of London." in upstream.texts(followed, "user")[-1]
    upstream.assert_prefix_grows(stack.requests)


@pytest.mark.capability("Slash commands of one's own")
def test_a_command_becomes_its_prompt(claude: ClaudeCode, stack: Stack) -> None:
    write(
        claude.work / ".claude/commands/greet.md",
        "---\ndescription: Greets\nallowed-tools: Bash(echo:*)\n---\nGreet $ARGUMENTS. The weather: !`echo sunny`\n",
    )
    stack.play(say("Good day, Ada."))
    assert claude.run("/greet Ada").succeeded().stdout == "Good day, Ada.\n"
    [request] = stack.requests
    assert "Greet Ada. The weather: sunny" in upstream.whole_text(request)


@pytest.mark.capability("Plugins")
def test_a_plugin_brings_commands_skills_and_agents(claude: ClaudeCode, stack: Stack, tmp_path: Path) -> None:
    plugin = tmp_path / "harbour"
    write(plugin / ".claude-plugin/plugin.json", json.dumps({"name": "harbour", "version": "1.0.0"}))
    write(plugin / "commands/dock.md", "---\ndescription: Docks a ship\n---\nDock at the $ARGUMENTS pier.\n")
    write(
        plugin / "skills/mooring/SKILL.md",
        "---\nname: mooring\ndescription: Moors a ship.\n---\nTie two knots.\n",
    )
    write(plugin / "agents/pilot.md", "---\nname: pilot\ndescription: Steers a ship.\n---\nYou are the pilot.\n")
    stack.play(use(call("Skill", skill="harbour:mooring")), say("Moored."))
    result = claude.run("/harbour:dock north", "--plugin-dir", str(plugin), "--allowedTools", "Skill")
    assert result.succeeded().stdout == "Moored.\n"
    docked, moored = stack.requests
    assert "Dock at the north pier." in upstream.whole_text(docked)
    assert "harbour:pilot: Steers a ship." in upstream.whole_text(docked)
    assert "Tie two knots." in upstream.texts(moored, "user")[-1]


HOOK = """\
import json, sys
event = json.load(sys.stdin)
match event["hook_event_name"]:
    case "UserPromptSubmit":
        print("The tide is high.")
    case "PreToolUse" if "forbidden" in event["tool_input"]["command"]:
        print("The harbour master forbids it.", file=sys.stderr)
        sys.exit(2)
    case "PostToolUse":
        told = {"hookEventName": "PostToolUse", "additionalContext": "The gulls have seen it."}
        print(json.dumps({"hookSpecificOutput": told}))
    case "Stop" if not event["stop_hook_active"]:
        print("Look at the ropes first.", file=sys.stderr)
        sys.exit(2)
"""


@pytest.mark.capability("Hooks")
def test_hooks_forbid_add_and_send_back_to_work(version: str, stack: Stack, tmp_path: Path) -> None:
    hook = tmp_path / "hook.py"
    write(hook, HOOK)
    command = {"type": "command", "command": f"{sys.executable} {hook}"}
    events = ("UserPromptSubmit", "PreToolUse", "PostToolUse", "Stop")
    settings = {"hooks": {event: [{"hooks": [command]}] for event in events}}
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token, settings=settings)
    stack.play(use(bash("echo > forbidden.txt")), use(bash("echo fine")), say("Done."), say("The ropes are tied."))
    result = claude.run("Work", "--allowedTools", "Bash").succeeded()
    assert result.stdout == "The ropes are tied.\n"
    assert not (claude.work / "forbidden.txt").exists()
    first, _, third, last = stack.requests
    assert "The tide is high." in upstream.whole_text(first)
    forbidden, fine = upstream.tool_outputs(third)
    assert "The harbour master forbids it." in forbidden
    assert fine == "fine"
    assert "The gulls have seen it." in upstream.whole_text(third)
    assert "Look at the ropes first." in upstream.whole_text(last)
    upstream.assert_prefix_grows(stack.requests)


@pytest.mark.capability("Agents of one's own")
def test_an_agent_has_its_own_instructions_tools_and_model(claude: ClaudeCode, stack: Stack) -> None:
    write(
        claude.work / ".claude/agents/pilot.md",
        "---\nname: pilot\ndescription: Steers a ship.\ntools: Bash\nmodel: haiku\n---\nYou are the pilot.\n",
    )
    delegate = call("Agent", description="Steer", prompt="Steer to the north.", subagent_type="pilot")
    stack.play(
        use(delegate),
        say("The pilot is on it."),
        say("The pilot is done."),
        *asked("Steer to the north.", [use(bash("echo north")), say("We are in the north.")]),
    )
    claude.run("Set sail", "--allowedTools", "Bash", "Agent").succeeded()
    agent = [request for request in stack.requests if "You are the pilot." in upstream.whole_text(request)]
    main = [request for request in stack.requests if request not in agent]
    assert "pilot: Steers a ship." in upstream.whole_text(main[0])
    assert [tool["name"] for tool in upstream.body(agent[0])["tools"]] == ["Bash"]
    assert upstream.body(agent[0])["model"] != upstream.body(main[0])["model"]
    assert upstream.tool_outputs(agent[1]) == ["north"]
    assert "We are in the north." in upstream.whole_text(main[-1])


def write(path: Path, content: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
