"""The Claude Agent SDK for Python, which drives Claude Code from a program that has tools and a say of its own."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients import agent_sdk
from tests.e2e import upstream
from tests.e2e.script import bash, call, say, use
from turnout.simulator import Pacing, When

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack

pytestmark = pytest.mark.capability("Agent SDK")


@pytest.fixture(autouse=True)
def sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `claude_agent_sdk` be imported; its own dependencies come last, behind those of the project."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(agent_sdk())])


@pytest.fixture
def options(claude: ClaudeCode) -> Callable[..., Any]:
    """Makes `ClaudeAgentOptions` for the pinned client and the gateway."""
    from claude_agent_sdk import ClaudeAgentOptions

    def make(**more: Any) -> ClaudeAgentOptions:
        return ClaudeAgentOptions(
            cli_path=claude.executable, cwd=claude.work, env=dict(claude.environment), setting_sources=[], **more
        )

    return make


async def test_a_question_with_a_tool_of_the_program(options: Callable[..., Any], stack: Stack) -> None:
    from claude_agent_sdk import (
        AssistantMessage,
        ResultMessage,
        TextBlock,
        ThinkingBlock,
        create_sdk_mcp_server,
        query,
        tool,
    )

    measured: list[str] = []

    @tool("measure", "Measures a bridge.", {"name": str})
    async def measure(arguments: dict[str, Any]) -> dict[str, Any]:
        measured.append(arguments["name"])
        return {"content": [{"type": "text", "text": "250 metres"}]}

    stack.play(use(call("mcp__bridges__measure", name="London")), say("It is 250 metres long."))
    servers = {"bridges": create_sdk_mcp_server("bridges", tools=[measure])}
    asked = query(
        prompt="How long is it?",
        options=options(mcp_servers=servers, allowed_tools=["mcp__bridges__measure"], system_prompt="You measure."),
    )
    messages = [message async for message in asked]
    [result] = [message for message in messages if isinstance(message, ResultMessage)]
    assert (result.is_error, result.result) == (False, "It is 250 metres long.")
    blocks = [block for message in messages if isinstance(message, AssistantMessage) for block in message.content]
    assert [block.text for block in blocks if isinstance(block, TextBlock)] == ["It is 250 metres long."]
    assert [block for block in blocks if isinstance(block, ThinkingBlock)]
    assert measured == ["London"]
    first, second = stack.requests
    assert "You measure." in upstream.whole_text(first)
    [answer] = upstream.tool_outputs(second)
    assert "250 metres" in str(answer)
    assert upstream.replayed_reasoning(second) == upstream.issued_reasoning([first])


async def test_a_conversation_with_permissions_and_an_interruption(
    options: Callable[..., Any], claude: ClaudeCode, stack: Stack
) -> None:
    from claude_agent_sdk import (
        ClaudeSDKClient,
        PermissionResultAllow,
        PermissionResultDeny,
        ResultMessage,
        ToolPermissionContext,
    )

    async def decide(
        name: str, arguments: dict[str, Any], _: ToolPermissionContext
    ) -> PermissionResultAllow | PermissionResultDeny:
        if "rm" in arguments["command"]:
            return PermissionResultDeny(message="Nothing is removed here.")
        return PermissionResultAllow()

    async def turn(client: ClaudeSDKClient, prompt: str) -> ResultMessage:
        await client.query(prompt)
        *_, last = [message async for message in client.receive_response()]
        assert isinstance(last, ResultMessage)
        return last

    stack.play(
        # In this order: what was interrupted before any text came is sent together with the next question.
        say("Enough.", when=When(last_user_text="Stop")),
        say("word " * 2000, when=When(last_user_text="Tell me a story"), pacing=Pacing(delta=0.02)),
        use(bash("touch kept.txt"), bash("rm kept.txt")),
        say("One of the two."),
    )
    async with ClaudeSDKClient(options(can_use_tool=decide)) as client:
        first = await turn(client, "Make and remove")
        assert first.result == "One of the two."
        _, removed = upstream.tool_outputs(stack.conversation[-1])
        assert "Nothing is removed here." in removed
        assert (claude.work / "kept.txt").exists()

        def story_has_begun(_: object) -> bool:
            return len(stack.conversation) == 3 and "response.output_text.delta" in stack.conversation[2].events

        await client.query("Tell me a story")
        await asyncio.to_thread(stack.simulator.wait_until, story_has_begun)
        await client.interrupt()
        _ = [message async for message in client.receive_response()]
        assert (await turn(client, "Stop")).result == "Enough."
    assert stack.conversation[2].disconnected_at is not None, "the upstream was told to stop"
