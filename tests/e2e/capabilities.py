"""What Claude Code can do, as the rows of docs/compatibility.md. A test says with `@pytest.mark.capability(name)` which
rows it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Capability:
    """One row."""

    name: str
    limits: Mapping[str, str] = field(default_factory=dict)
    """Client version → what a user of it does not get, in a sentence; versions that get everything are left out."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Client version → why that client has no such thing, in a sentence."""
    note: str = ""
    """What a user should know, in a sentence."""


OLD, NEW = "2.1.197", "2.1.328"

CAPABILITIES: Mapping[str, tuple[Capability, ...]] = {
    "Print mode": (
        Capability("Text"),
        Capability("JSON (--output-format json)"),
        Capability("Stream of events (stream-json)"),
        Capability("Several questions in one process"),
        Capability("Structured output (--json-schema)"),
        Capability("Fallback model (--fallback-model)"),
        Capability("Continue and resume (--continue, --resume)"),
    ),
    "Terminal": (
        Capability("Conversation"),
        Capability("Permission prompts"),
        Capability("Interruption (Esc)"),
        Capability("Plan mode"),
        Capability("AskUserQuestion"),
        Capability(
            "Task list (TaskCreate, TaskUpdate, TaskList)",
            note="2.1.328 offers it when CLAUDE_CODE_ENABLE_TODO_TOOLS=1 is set.",
        ),
        Capability("Model and effort (--model, /model, /effort)"),
    ),
    "Context": (
        Capability("Thinking kept from turn to turn"),
        Capability("Prompt cache"),
        Capability("/compact"),
        Capability(
            "Automatic compaction",
            note="`turnout claude` tells the client how much fits; with a gateway that you run yourself, set "
            "CLAUDE_CODE_AUTO_COMPACT_WINDOW and CLAUDE_CODE_MAX_CONTEXT_TOKENS.",
        ),
        Capability("/context"),
    ),
    "Auto mode": (
        Capability(
            "Checked by the client's own classifier",
            note="2.1.328 does so when CLAUDE_CODE_AUTO_MODE_SERVER=0 is set.",
        ),
        Capability(
            "Checked by the server",
            limits={
                NEW: "This check runs at Anthropic. Turnout never makes a verdict up, so the client asks you about "
                "each action that needs one."
            },
            absent={OLD: "This version always uses its own classifier."},
        ),
    ),
    "Projects": (
        Capability("CLAUDE.md"),
        Capability("Skills"),
        Capability("Slash commands of one's own"),
        Capability("Plugins"),
        Capability("Hooks"),
        Capability("Agents of one's own"),
    ),
    "Tools": (
        Capability("Bash"),
        Capability("Bash in the background"),
        Capability("Read"),
        Capability("Edit"),
        Capability("Write"),
        Capability("NotebookEdit"),
        Capability(
            "TodoWrite",
            note="Offered in place of the task list when CLAUDE_CODE_ENABLE_TASKS=0 is set; 2.1.328 also wants "
            "CLAUDE_CODE_ENABLE_TODO_TOOLS=1.",
        ),
        Capability("Images"),
        Capability("PDF documents"),
        Capability("Parallel calls"),
        Capability("Failed and wrong calls"),
        Capability("ToolSearch"),
        Capability("WebSearch"),
        Capability("WebFetch"),
        Capability("Subagents"),
        Capability("Subagents in the background"),
    ),
    "MCP": (
        Capability("MCP tools"),
        Capability("MCP resources"),
        Capability("MCP prompts"),
    ),
    "When something goes wrong": (
        Capability("A conversation that is too long"),
        Capability("A plan's limit that is reached"),
        Capability("Failures that pass"),
        Capability(
            "Answers that are cut",
            limits={
                OLD: "Once a part of the answer is complete, this version cannot ask again: it ends the turn and says "
                "what happened."
            },
        ),
        Capability("Long silences"),
        Capability("Sign-in problems"),
    ),
    "Programs": (
        Capability("Agent SDK", note="`claude-agent-sdk` for Python, with the pinned client as its `cli_path`."),
    ),
}
"""Section → its rows, as they stand on the page. Each name is there once."""

NAMES = frozenset(capability.name for rows in CAPABILITIES.values() for capability in rows)
