"""What the gateway remembers of real clients' requests, and where their prompts part from one another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anthropic

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.script import bash, say, use
from turnout.ledger.store import JsonLinesStore

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.stack import Stack

ASKED: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 9000,
    "system": "You keep a bridge, and you keep it well. " * 150,
    "metadata": {"user_id": json.dumps({"device_id": "d" * 64, "session_id": "7f6e0c1a-0000-4000-8000-00000000beef"})},
}
BRIDGE = {
    "name": "bridge",
    "description": "Opens the bridge.",
    "input_schema": {"type": "object", "properties": {"open": {"type": "boolean"}}},
}
WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a place.",
    "input_schema": {"type": "object", "properties": {"place": {"type": "string", "description": "Where."}}},
}


def explain(home: Path, *arguments: str) -> str:
    """What `turnout explain` prints."""
    environ = {**os.environ, "TURNOUT_HOME": str(home), "COLUMNS": "300"}
    command = [sys.executable, "-m", "turnout", "explain", *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_tool_that_changed_between_two_turns_is_named_to_the_byte(
    own_stack: Callable[..., Stack], tmp_path: Path
) -> None:
    home = tmp_path / "turnout"
    stack = own_stack(TURNOUT_HOME=str(home))
    stack.play(say("Open."), say("Shut."))
    client = anthropic.Anthropic(
        base_url=stack.gateway.url, auth_token=stack.gateway.token, api_key=None, max_retries=0
    )
    messages: list[Any] = [{"role": "user", "content": "Open the bridge."}]
    first = client.messages.create(messages=messages, tools=[BRIDGE, WEATHER], **ASKED)
    messages += [{"role": "assistant", "content": first.content}, {"role": "user", "content": "Now shut it."}]
    planet = {**WEATHER, "description": "Tells the weather of a planet."}
    second = client.messages.create(messages=messages, tools=[BRIDGE, planet], **ASKED)
    stack.gateway.close()

    told = json.loads(explain(home, str(second._request_id), "--json"))
    parting = told["prefix"]["parting"]
    assert (told["prefix"]["verdict"], told["prefix"]["against"]) == ("changed", first._request_id)
    assert (parting["place"], parting["path"]) == ("tools[1] (weather)", ".description")
    assert parting["detail"] == "the text differs at byte 26 of 30"
    sent = json.dumps(stack.requests[1].body["tools"][1], separators=(",", ":"))
    assert sent[parting["offset"] :].startswith("net.")
    assert told["cache_missed"] is True
    place = f"tools[1] (weather), byte {parting['offset']} of {len(sent)}, in description"
    shown = explain(home, str(second._request_id))
    assert f"Missed. The prompt changed against {first._request_id} at {place}: {parting['detail']}." in shown


def test_a_session_of_claude_code_never_changes_what_it_has_sent(
    own_stack: Callable[..., Stack], tmp_path: Path, version: str
) -> None:
    home = tmp_path / "turnout"
    stack = own_stack(TURNOUT_HOME=str(home))
    stack.play(use(bash("echo one")), use(bash("echo two")), say("Both done."), say("Two."))
    claude = ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)
    # Without --model, 2.1.197 begins as "opus[1m]" and continues as "opus", and tells its tools so.
    options = ("--model", "opus", "--allowedTools", "Bash")
    claude.run("Run two commands", *options).succeeded()
    claude.run("How many?", "--continue", *options).succeeded()
    stack.gateway.close()

    records = JsonLinesStore(home / "state" / "requests").latest(100)[::-1]
    assert {(record.client, record.client_version) for record in records} == {("claude-cli", version)}
    assert len({record.session for record in records}) == 1
    own = [record for record in records if record.slot == records[0].slot and record.prefix is not None]
    assert len(own) >= 4
    assert [record.prefix.verdict for record in own if record.prefix] == ["first"] + ["unchanged"] * (len(own) - 1)
    assert all((record.cached_share or 0) > 0.8 for record in own[1:])
    assert all(record.failure is None for record in records)
