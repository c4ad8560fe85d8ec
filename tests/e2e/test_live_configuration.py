"""Claude Code goes on while the configuration changes under it: in the middle of a turn, and from one to the next."""

from __future__ import annotations

import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack

OLD, NEW = "gpt-6-astra", "gpt-5.5"
TAKEN_OVER = 3
"""Seconds after which a gateway has surely taken over a changed file."""


def test_the_model_changes_in_the_middle_of_a_turn(
    own_stack: Callable[..., Stack], tmp_path: Path, version: str
) -> None:
    home = tmp_path / "turnout"
    home.mkdir()
    file = home / "config.yaml"
    file.write_text(f"slots:\n  opus: {{model: {OLD}}}  # the big one\n")
    stack = own_stack(TURNOUT_HOME=str(home))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    changing = shlex.join([sys.executable, "-m", "turnout", "config", "set", "slots.opus.model", NEW])
    stack.play(
        use(bash(f"TURNOUT_HOME={shlex.quote(str(home))} {changing}; sleep {TAKEN_OVER}")),
        say("Changed."),
        say("Still here."),
    )
    first = claude.run("Change the model.", "--model", "opus", "--allowedTools", "Bash", "--output-format", "json")
    assert first.succeeded().json["result"] == "Changed."
    assert "# the big one" in file.read_text()
    file.write_text("slots: [")  # broken from here on: what is in force stays
    time.sleep(TAKEN_OVER)
    second = claude.run("Are you there?", "--continue", "--model", "opus", "--output-format", "json")
    assert second.succeeded().json["result"] == "Still here."
    bodies: list[Any] = [request.body for request in stack.conversation]
    assert [body["model"] for body in bodies] == [OLD, NEW, NEW]
