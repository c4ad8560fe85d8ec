"""What MCP servers offer beside tools: resources that the model reads, prompts that the user gives as commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e import mcp_server, upstream
from tests.e2e.mcp_server import PROMPT, RESOURCE, RESOURCE_TEXT, SERVER
from tests.e2e.script import call, say, use

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.claude_code import ClaudeCode
    from tests.e2e.stack import Stack


@pytest.mark.capability("MCP resources")
def test_resources_are_listed_and_read(claude: ClaudeCode, stack: Stack, tmp_path: Path) -> None:
    stack.play(
        use(call("ListMcpResourcesTool", server=SERVER)),
        use(call("ReadMcpResourceTool", server=SERVER, uri=RESOURCE)),
        say("Forty planks."),
    )
    options = mcp_server.client_options(tmp_path)
    assert claude.run("How many planks?", *options).succeeded().stdout == "Forty planks.\n"
    listed, read = upstream.tool_outputs(stack.requests[-1])
    assert RESOURCE in listed
    assert RESOURCE_TEXT in read


@pytest.mark.capability("MCP prompts")
def test_a_prompt_is_a_command_of_the_terminal(claude: ClaudeCode, stack: Stack, tmp_path: Path) -> None:
    stack.play(say("It holds."))
    with claude.terminal(*mcp_server.client_options(tmp_path)) as terminal:
        terminal.wait_for("❯")
        terminal.type(f"/mcp__{SERVER}")
        terminal.wait_for(f"/{SERVER}:{PROMPT} (MCP)")  # the client has connected to the server
        terminal.submit(f"__{PROMPT} London")
        terminal.wait_for("It holds.")
    assert mcp_server.prompt_text("London") in upstream.whole_text(stack.conversation[-1])
