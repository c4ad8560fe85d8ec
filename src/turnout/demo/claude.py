"""The conversation through the real Claude Code in print mode, with a home and a configuration of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from turnout.demo.events import Answer, ConversationError, Event, Text, Thinking, ToolCall, ToolResult
from turnout.demo.story import MODEL, TASK
from turnout.interrupts import Ends
from turnout.launch import environment, locate

FOREIGN = ("ANTHROPIC_", "CLAUDE", "MCP_")
"""Beginnings of variables of the user's that could change what the client does in the demo."""

TIMEOUT_SECONDS = 180


def converse(program: Path, environ: Mapping[str, str], project: Path, ends: Ends) -> Iterator[Event]:
    """Runs Claude Code on the demo's task, in ``project``, with the environment of `scratch_environment`.

    It is killed when the work is to end. Raises `ConversationError` if it fails, with what it said.
    """
    command = [
        *locate.command(program),
        *("-p", TASK, "--model", MODEL, "--output-format", "stream-json", "--verbose", "--include-partial-messages"),
        *("--allowedTools", "Read,Bash"),
    ]
    process = subprocess.Popen(
        command,
        cwd=project,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    complaints: list[str] = []
    listener = threading.Thread(target=lambda: complaints.extend(process.stderr or ()), daemon=True)
    listener.start()
    ends.add(process.kill)
    overtime = threading.Timer(TIMEOUT_SECONDS, process.kill)
    overtime.start()
    try:
        yield from parse(process.stdout)
        if process.wait() != 0:
            listener.join()
            said = "".join(complaints).strip().splitlines()
            raise ConversationError(f"Claude Code ended with {process.returncode}: {said[-1] if said else 'no reason'}")
    finally:
        overtime.cancel()
        if process.poll() is None:
            process.kill()
            process.wait()


def parse(lines: Iterable[str]) -> Iterator[Event]:
    """The events in Claude Code's stream of JSON lines. Raises `ConversationError` if it tells of a failure."""
    answer = _OpenAnswer()
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue  # a notice in between is no part of the conversation
        if not isinstance(record, dict):
            continue
        match record:
            case {"type": "stream_event", "event": dict(event)}:
                yield from answer.feed(event)
            case {"type": "user", "message": {"content": list(blocks)}}:
                yield from (_result(block) for block in blocks if block.get("type") == "tool_result")
            case {"type": "result", "is_error": True}:
                raise ConversationError(f"Claude Code failed: {record.get('result') or record.get('subtype')}")


class _OpenAnswer:
    """Puts one answer together from the events of its stream."""

    def __init__(self) -> None:
        self._begin({})

    def _begin(self, message: dict[str, Any]) -> None:
        self._model = str(message.get("model", ""))
        self._usage: dict[str, Any] = dict(message.get("usage") or {})
        self._stop_reason = ""
        self._thinking = self._calls = 0
        self._tool, self._arguments = "", ""

    def feed(self, event: dict[str, Any]) -> Iterator[Event]:
        match event:
            case {"type": "message_start", "message": dict(message)}:
                self._begin(message)
            case {"type": "content_block_start", "content_block": {"type": "thinking"}}:
                self._thinking += 1
            case {"type": "content_block_start", "content_block": {"type": "tool_use", "name": str(name)}}:
                self._calls += 1
                self._tool, self._arguments = name, ""
            case {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": str(text)}} if text:
                yield Thinking(text)
            case {"type": "content_block_delta", "delta": {"type": "text_delta", "text": str(text)}}:
                yield Text(text)
            case {"type": "content_block_delta", "delta": {"type": "input_json_delta", "partial_json": str(part)}}:
                self._arguments += part
            case {"type": "content_block_stop"} if self._tool:
                yield ToolCall(self._tool, json.loads(self._arguments or "{}"))
                self._tool = ""
            case {"type": "message_delta"}:
                self._usage |= {key: value for key, value in (event.get("usage") or {}).items() if value is not None}
                self._stop_reason = str((event.get("delta") or {}).get("stop_reason") or "")
            case {"type": "message_stop"}:
                cached = int(self._usage.get("cache_read_input_tokens") or 0)
                fresh = int(self._usage.get("input_tokens") or 0)
                yield Answer(
                    model=self._model,
                    thinking_blocks=self._thinking,
                    tool_calls=self._calls,
                    input_tokens=fresh + cached + int(self._usage.get("cache_creation_input_tokens") or 0),
                    cached_tokens=cached,
                    output_tokens=int(self._usage.get("output_tokens") or 0),
                    stop_reason=self._stop_reason,
                )


def _result(block: dict[str, Any]) -> ToolResult:
    content = block.get("content")
    if isinstance(content, list):
        content = "\n".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return ToolResult(str(content or ""), failed=bool(block.get("is_error")))


def scratch_environment(base_url: str, token: str, window: int, home: Path) -> dict[str, str]:
    """An environment in which Claude Code talks to the gateway and keeps its settings in ``home``, an empty folder.

    ``window`` is the usable context window in tokens.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    # The project's tests run with the interpreter that runs the demo, called by its bare name.
    search = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    scratch = {
        "PATH": search,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "CLAUDE_CONFIG_DIR": str(home),
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    return environment.for_claude(kept | scratch, base_url, token, window)
