"""A coding session: the model calls the client's tools, and their answers reach the model unharmed and in order."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e import mcp_server, upstream
from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import asked, bash, call, say, use

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack
    from turnout.simulator import Turn

PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""
ALLOW_ALL = "--dangerously-skip-permissions"


@pytest.mark.capability("Bash", "Read", "Edit", "Write")
def test_a_session_of_reading_writing_and_running(claude: ClaudeCode, stack: Stack) -> None:
    notes = claude.work / "notes.txt"
    stack.play(
        use(call("Write", file_path=str(notes), content="first line\nsecond line\n"), saying="I write it down."),
        use(call("Read", file_path=str(notes))),
        use(call("Edit", file_path=str(notes), old_string="second", new_string="last")),
        use(bash(f"cat {notes}")),
        say("The notes are done."),
    )
    result = claude.run("Take notes", "--permission-mode", "acceptEdits", "--allowedTools", "Bash").succeeded()
    assert result.stdout == "The notes are done.\n"
    assert notes.read_text() == "first line\nlast line\n"
    last = stack.requests[-1]
    written, read, edited, shown = upstream.tool_outputs(last)
    assert "created" in written
    assert "second line" in read
    assert "updated" in edited
    assert shown == "first line\nlast line"
    assert len(stack.requests) == 5
    upstream.assert_prefix_grows(stack.requests)


@pytest.mark.capability("NotebookEdit")
def test_a_notebook_is_read_and_edited(claude: ClaudeCode, stack: Stack) -> None:
    notebook = claude.work / "count.ipynb"
    cell = {"cell_type": "code", "id": "a1", "metadata": {}, "source": "print(1)", "outputs": [], "execution_count": 1}
    notebook.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))
    path = str(notebook)
    stack.play(
        use(call("Read", file_path=path)),
        use(call("NotebookEdit", notebook_path=path, cell_id="a1", new_source="print(2)")),
        use(call("NotebookEdit", notebook_path=path, new_source="# Two", cell_type="markdown", edit_mode="insert")),
        say("It counts to two."),
    )
    # 2.1.328 would have the model search for the tool first, which is another test.
    all_tools_upfront = {"ENABLE_TOOL_SEARCH": "false"}
    result = claude.run("Count to two", "--permission-mode", "acceptEdits", environment=all_tools_upfront)
    assert result.succeeded().stdout == "It counts to two.\n"
    assert [cell["source"] for cell in json.loads(notebook.read_text())["cells"]] == ["# Two", "print(2)"]
    [read, edited, inserted] = upstream.tool_outputs(stack.requests[-1])
    assert "print(1)" in _flat(read)
    assert "print(2)" in edited
    assert "# Two" in inserted


@pytest.mark.capability("TodoWrite")
def test_a_todo_list_is_kept(claude: ClaudeCode, stack: Stack) -> None:
    todos = [
        {"content": "Count the planks", "status": "completed", "activeForm": "Counting the planks"},
        {"content": "Paint the rails", "status": "in_progress", "activeForm": "Painting the rails"},
    ]
    stack.play(use(call("TodoWrite", todos=todos)), say("One is left."))
    # The client has it in place of the task tools, and 2.1.328 has either only on demand.
    wanted = {"CLAUDE_CODE_ENABLE_TASKS": "0", "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1", "ENABLE_TOOL_SEARCH": "false"}
    assert claude.run("Make a list", environment=wanted).succeeded().stdout == "One is left.\n"
    offered, written = stack.requests
    assert upstream.tool_named(offered, "TodoWrite")["parameters"]["required"] == ["todos"]
    [answer] = upstream.tool_outputs(written)
    assert "successfully" in answer


@pytest.mark.capability("Parallel calls", "Failed and wrong calls")
def test_parallel_calls_get_their_own_answers_and_a_failure_shows(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(
        use(bash("sleep 0.2; echo slow"), bash("echo broken >&2; exit 3"), bash("echo swift"), saying="All at once."),
        say("One of three failed."),
        say("Yes, one."),
    )
    claude.run("Run three commands", "--model", "opus", "--allowedTools", "Bash").succeeded()
    claude.run("Only one?", "--model", "opus", "--continue").succeeded()
    first, second, third = stack.requests
    asked = [item["call_id"] for item in first.output if item["type"] == "function_call"]
    assert [item["call_id"] for item in second.input if item["type"] == "function_call"] == asked
    slow, broken, swift = upstream.tool_outputs(second)
    assert (slow, swift) == ("slow", "swift")
    # The client marks it with `is_error`, which the upstream's format has no field for: the text must tell.
    assert broken == "The tool call failed:\nExit code 3\nbroken"
    upstream.assert_prefix_grows([first, second, third])


def test_what_was_said_and_thought_stands_before_the_calls_it_led_to(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(bash("echo one"), saying="I run it."), say("Done."))
    claude.run("Run it", "--allowedTools", "Bash").succeeded()
    replayed = [
        item["type"] if item["type"] != "message" else item["role"]
        for item in stack.requests[1].input
        if item.get("role") not in ("user", "developer")
    ]
    assert replayed == ["reasoning", "assistant", "function_call", "function_call_output"]


@pytest.mark.capability("Failed and wrong calls")
def test_bad_arguments_come_back_to_the_model(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(use(call("Bash", wrong="field")), say("I called it wrongly."))
    assert claude.run("Run it", ALLOW_ALL).succeeded().stdout == "I called it wrongly.\n"
    [output] = upstream.tool_outputs(stack.requests[1])
    assert "command" in output, "the client's complaint names the missing argument"


@pytest.mark.capability("Images")
def test_an_image_is_seen_by_the_model(claude: ClaudeCode, stack: Stack) -> None:
    picture = claude.work / "pixel.png"
    picture.write_bytes(base64.b64decode(mcp_server.PIXEL))
    stack.play(use(call("Read", file_path=str(picture))), say("A single pixel."))
    assert claude.run("What is in the picture?", ALLOW_ALL).succeeded().stdout == "A single pixel.\n"
    [parts] = upstream.tool_outputs(stack.requests[1])
    assert [part["image_url"] for part in parts if part["type"] == "input_image"] == [
        f"data:image/png;base64,{mcp_server.PIXEL}"
    ]


@pytest.mark.capability("Images")
def test_an_image_in_the_question_is_seen_by_the_model(claude: ClaudeCode, stack: Stack) -> None:
    stack.play(say("A single pixel."))
    source = {"type": "base64", "media_type": "image/png", "data": mcp_server.PIXEL}
    content = [{"type": "image", "source": source}, {"type": "text", "text": "What is this?"}]
    claude.run(
        None,
        *("--input-format", "stream-json", "--output-format", "stream-json", "--verbose"),
        stdin=json.dumps({"type": "user", "message": {"role": "user", "content": content}}) + "\n",
    ).succeeded()
    parts = [part for item in stack.requests[0].input for part in item["content"] if isinstance(part, dict)]
    assert f"data:image/png;base64,{mcp_server.PIXEL}" in [part.get("image_url") for part in parts]


@pytest.mark.capability("Images")
def test_an_image_that_the_question_names_is_seen_by_the_model(claude: ClaudeCode, stack: Stack) -> None:
    """The client sends it before the question, as a message of its own."""
    (claude.work / "pixel.png").write_bytes(base64.b64decode(mcp_server.PIXEL))
    stack.play(say("A single pixel."))
    assert claude.run("What is in @pixel.png ?").succeeded().stdout == "A single pixel.\n"
    sent = upstream.body_bytes(stack.requests[0])
    assert f"data:image/png;base64,{mcp_server.PIXEL}".encode() in sent


@pytest.mark.capability("PDF documents")
def test_a_document_is_seen_by_the_model(claude: ClaudeCode, stack: Stack) -> None:
    """2.1.197 puts it beside the tool's answer, 2.1.328 inside it."""
    document = claude.work / "page.pdf"
    document.write_bytes(PDF)
    stack.play(use(call("Read", file_path=str(document))), say("One empty page."))
    assert claude.run("What does it say?", ALLOW_ALL).succeeded().stdout == "One empty page.\n"
    data = base64.b64encode(PDF)
    assert b"data:application/pdf;base64," + data in upstream.body_bytes(stack.requests[1])


@pytest.mark.capability("Subagents")
def test_a_subagent_works_in_a_conversation_of_its_own(claude: ClaudeCode, stack: Stack) -> None:
    delegate = call("Agent", description="Count", prompt="Count the planets.", subagent_type="general-purpose")
    stack.play(
        use(delegate),
        say("The agent is on it."),
        say("The agent counted eight."),
        *asked("Count the planets.", [use(bash("echo eight")), say("There are eight planets.")]),
    )
    result = claude.run("Delegate the counting", ALLOW_ALL).succeeded()
    assert "The agent" in result.stdout
    agent = [request for request in stack.requests if "Count the planets." in upstream.texts(request, "user")[-1]]
    main = [request for request in stack.requests if request not in agent]
    assert upstream.tool_outputs(agent[1]) == ["eight"]
    assert b"There are eight planets." in upstream.body_bytes(main[-1]), "its report reaches the main conversation"
    keys = {upstream.body(request)["prompt_cache_key"] for request in main}
    agent_keys = {upstream.body(request)["prompt_cache_key"] for request in agent}
    assert (len(keys), len(agent_keys)) == (1, 1)
    assert keys != agent_keys, "two conversations must not share a cache key"
    upstream.assert_prefix_grows(main)
    upstream.assert_prefix_grows(agent)


@pytest.mark.capability("MCP tools")
def test_tools_with_long_names_and_awkward_schemas_are_offered_and_called(
    claude: ClaudeCode, stack: Stack, tmp_path: Path
) -> None:
    arguments = [ALLOW_ALL, *mcp_server.client_options(tmp_path)]
    all_tools_upfront = {"ENABLE_TOOL_SEARCH": "false"}
    stack.play(say("Hello."))
    claude.run("Hello", *arguments, environment=all_tools_upfront).succeeded()
    offered = {tool.get("description"): tool for tool in upstream.body(stack.requests[0])["tools"]}
    long_names = [offered[mcp_server.DESCRIPTIONS[name]]["name"] for name in mcp_server.LONG_TOOLS]
    assert len(set(long_names)) == 2
    assert all(len(name) <= 64 for name in long_names)
    assert all(tool["parameters"]["type"] == "object" for tool in offered.values())

    stack.simulator.reset()
    stack.play(
        use(
            call(long_names[0], word="left"),
            call(long_names[1], word="right"),
            call("mcp__awkward__recursive", root={"label": "a", "children": [{"label": "b"}]}),
            call("mcp__awkward__choices", nullable=None, pair=["x", 1]),
            call("mcp__awkward__no_properties"),
            call("mcp__awkward__picture"),
            call("mcp__awkward__broken"),
        ),
        say("All were called."),
    )
    result = claude.run("Call them all", *arguments, environment=all_tools_upfront).succeeded()
    assert result.stdout == "All were called.\n"
    first, second, tree, choices, nothing, picture, broken = upstream.tool_outputs(stack.requests[1])
    assert f'{mcp_server.LONG_TOOLS[0]} was called with {{"word": "left"}}' in _flat(first)
    assert f'{mcp_server.LONG_TOOLS[1]} was called with {{"word": "right"}}' in _flat(second)
    assert '{"root": {"children": [{"label": "b"}], "label": "a"}}' in _flat(tree)
    assert '{"nullable": null, "pair": ["x", 1]}' in _flat(choices)
    assert "no_properties was called with {}" in _flat(nothing)
    assert f"data:image/png;base64,{mcp_server.PIXEL}" in json.dumps(picture)
    assert "the awkward tool broke" in _flat(broken)
    replayed = [item["name"] for item in stack.requests[1].input if item["type"] == "function_call"]
    assert replayed[:2] == long_names


SEARCHING = {"ENABLE_TOOL_SEARCH": "true"}
"""2.1.328 leaves tools out until the model searches for them, 2.1.197 only when told to (claude-code-wire.md 2)."""


def _search() -> Turn:
    return use(call("ToolSearch", query=f"select:{mcp_server.WIRE_NAMES[0]}", max_results=5))


@pytest.mark.capability("ToolSearch")
def test_a_tool_found_by_searching_comes_with_the_search_and_can_be_called(
    claude: ClaudeCode, stack: Stack, tmp_path: Path
) -> None:
    arguments = [ALLOW_ALL, *mcp_server.client_options(tmp_path)]
    stack.play(_search(), say("Found."))
    claude.run("Find the tool", *arguments, environment=SEARCHING).succeeded()
    before, after = (upstream.body(request) for request in stack.requests)
    assert before["tools"] == after["tools"], "loading a tool moves nothing in the prompt"
    assert "tool_search" in {tool["type"] for tool in after["tools"]}
    [output] = [item for item in after["input"] if item["type"] == "tool_search_output"]
    [found] = output["tools"]
    assert found["description"] == mcp_server.DESCRIPTIONS[mcp_server.LONG_TOOLS[0]]

    stack.simulator.reset()
    stack.play(_search(), use(call(found["name"], word="here")), say("Called."))
    result = claude.run("Find and call it", *arguments, environment=SEARCHING).succeeded()
    assert result.stdout == "Called.\n"
    assert '{"word": "here"}' in _flat(upstream.tool_outputs(stack.requests[-1])[-1])
    upstream.assert_prefix_grows(stack.requests)


@pytest.mark.capability("ToolSearch")
def test_where_upstream_has_no_search_for_tools_a_found_one_is_added_behind_the_others(
    version: str, own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = own_stack(TURNOUT_TOOL_SEARCH="false")
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    arguments = [ALLOW_ALL, *mcp_server.client_options(tmp_path)]
    stack.play(_search(), say("Found."))
    claude.run("Find the tool", *arguments, environment=SEARCHING).succeeded()
    before, after = (upstream.body(request)["tools"] for request in stack.requests)
    *same, found = after
    assert same == before
    assert found["description"] == mcp_server.DESCRIPTIONS[mcp_server.LONG_TOOLS[0]]
    [answer] = upstream.tool_outputs(stack.requests[1])
    assert found["name"] in _flat(answer), "the model learns by which name to call it"


def _flat(output: Any) -> str:
    """A tool's answer as one text."""
    return output if isinstance(output, str) else "".join(part.get("text", "") for part in output)
