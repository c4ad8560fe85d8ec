"""The real Codex CLI with Turnout as its provider: `codex exec` with shell and patches, in both framings, resumed."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients import codex
from tests.e2e.script import say
from tests.gateway.client import wait_for
from turnout.simulator import FunctionCall, Turn, Usage
from turnout.simulator.scenario import Compaction, CustomToolCall

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack

PLAIN, LITE = "gpt-5.5", "gpt-6-astra"
PATCH = "*** Begin Patch\n*** Add File: track.txt\n+seven\n*** End Patch\n"


class Project:
    """A folder in which the CLI works, set up for the gateway and nothing else."""

    def __init__(self, folder: Path, stack: Stack, *, model: str, **provider: object) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self._home = folder / "codex"
        self._home.mkdir()
        fields = {"name": "Turnout", "base_url": f"{stack.gateway.url}/v1", "wire_api": "responses", **provider}
        lines = [f'model = "{model}"', 'model_provider = "turnout"', "[model_providers.turnout]", 'env_key = "KEY"']
        lines += [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
        (self._home / "config.toml").write_text("\n".join(lines) + "\n")
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "CODEX_HOME": str(self._home),
            "KEY": stack.gateway.token,
            "CODEX_API_KEY": stack.gateway.token,
        }

    def use_built_in_provider(self, address: str, model: str) -> None:
        """Leaves the CLI's own provider in place, at another address."""
        (self._home / "config.toml").write_text(f'model = "{model}"\nopenai_base_url = "{address}"\n')

    def run(self, *arguments: str) -> list[dict[str, Any]]:
        """One `codex exec`; the events that it tells."""
        done = subprocess.run(
            [codex(), "exec", *arguments],
            env=self._environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


OPTIONS = ("--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox")


def said(events: list[dict[str, Any]]) -> list[str]:
    items = [event["item"] for event in events if event["type"] == "item.completed"]
    return [item["text"] for item in items if item["type"] == "agent_message"]


@pytest.mark.parametrize("sockets", [False, True])
@pytest.mark.parametrize("model", [PLAIN, LITE])
def test_a_command_and_a_patch(stack: Stack, tmp_path: Path, model: str, *, sockets: bool) -> None:
    stack.play(
        Turn(output=[FunctionCall(name="exec_command", arguments={"cmd": "echo from-the-shell"})]),
        Turn(output=[CustomToolCall(name="apply_patch", input=PATCH)]),
        say("All done."),
    )
    project = Project(tmp_path, stack, model=model, supports_websockets=sockets)
    before = stack.gateway.settled_log().count("path=/v1/responses")

    events = project.run(*OPTIONS, "Write the track down.")

    assert said(events) == ["All done."], stack.story()
    assert (project.folder / "track.txt").read_text() == "seven\n"
    assert {request.status for request in stack.requests} == {200}
    # A connection begins with a frame that only prepares the turn.
    assert stack.gateway.settled_log().count("path=/v1/responses") - before == len(stack.requests) + sockets
    outputs = [item for item in stack.requests[1].input if item["type"] == "function_call_output"]
    assert "from-the-shell" in json.dumps(outputs)
    assert len({(request.body or {})["prompt_cache_key"] for request in stack.requests}) == 1
    assert ("x-openai-internal-codex-responses-lite" in stack.requests[0].headers) is (model == LITE)


def test_a_session_is_resumed(stack: Stack, tmp_path: Path) -> None:
    stack.play(say("One."), say("Two."))
    project = Project(tmp_path, stack, model=PLAIN)
    thread = project.run(*OPTIONS, "First.")[0]["thread_id"]
    assert said(project.run("resume", *OPTIONS, thread, "Second.")) == ["Two."]
    kinds = [item["type"] for item in stack.requests[1].input]
    assert "reasoning" in kinds, "what was thought goes back as it came"


def test_a_limit_is_told_in_the_cli_s_own_words(stack: Stack, tmp_path: Path) -> None:
    stack.simulator.fault("429-usage-limit", times=10)
    project = Project(tmp_path, stack, model=PLAIN, request_max_retries=0, stream_max_retries=0)
    with pytest.raises(AssertionError, match="usage limit"):
        project.run(*OPTIONS, "First.")
    assert len(stack.requests) == 1


def test_the_built_in_provider_at_another_address(stack: Stack, tmp_path: Path) -> None:
    stack.play(say("By a WebSocket."))
    project = Project(tmp_path, stack, model=LITE)
    project.use_built_in_provider(f"{stack.gateway.url}/v1", LITE)
    before = stack.gateway.settled_log().count("path=/v1/responses")
    assert said(project.run(*OPTIONS, "First.")) == ["By a WebSocket."]
    assert stack.gateway.settled_log().count("path=/v1/responses") - before == 2  # it prepares its turn first


def test_where_websockets_are_off_the_cli_turns_to_http_at_once(
    own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    stack = own_stack(TURNOUT_RESPONSES_WEBSOCKET="0")
    stack.play(say("By HTTP."))
    project = Project(tmp_path, stack, model=PLAIN, supports_websockets=True)
    began = time.monotonic()
    assert said(project.run(*OPTIONS, "First.")) == ["By HTTP."]
    assert time.monotonic() - began < 6, "a refusal that it does not know costs it as long (codex-backend.md 7)"
    wait_for(lambda: "status=426" in stack.gateway.log)


def test_a_conversation_is_compacted(stack: Stack, tmp_path: Path) -> None:
    full = Usage(input_tokens=250_000, output_tokens=1_000)
    stack.simulator.script(
        Turn(output=[FunctionCall(name="exec_command", arguments={"cmd": "echo one"})], usage=full),
        Turn(output=[Compaction(summary="One was echoed.")]),
        say("Compacted and done."),
    )
    project = Project(tmp_path, stack, model=PLAIN, name="OpenAI")  # others are told to sum it up in words
    events = project.run(*OPTIONS, "-c", "features.remote_compaction_v2=true", "A long task.")
    assert said(events) == ["Compacted and done."], stack.story()
    asked, compacted = stack.requests[1].input, stack.requests[2].input
    assert asked[-1] == {"type": "compaction_trigger"}
    assert [item["type"] for item in compacted].count("compaction") == 1
