"""Request bodies as Claude Code sends them, made from a seed: never a recording, always the same bytes.

Shapes and sizes follow claude-code-wire.md 1 and 2: three system blocks that begin with the billing block, 25 tools of
61 KB, a `role: "system"` message behind the first user message, turns of thinking, tool_use and tool_result, and
`cache_control` in three places. Knows nothing of gateways and of how the bodies are used.

`python bench/bodies.py FOLDER` writes them all, to be looked at.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import Any

MARK = "740159263814"
"""Twelve digits that stand wherever two sessions differ, and in the `cold` body in tools and system as well; the load
generator writes a counter over them."""

NEW_EACH_TIME = ("session", "cold")
"""Kinds of bodies in which the load generator is to write over MARK. The others repeat byte for byte."""

SESSION_ID = f"3d1c9a52-6f0b-4e7d-9b64-{MARK}"
"""What `x-claude-code-session-id` holds, and `metadata.user_id` names."""

MODEL = "claude-opus-5-5"
_TOOL_NAMES = """
    Agent Bash CronCreate CronDelete CronList Edit EnterWorktree ExitWorktree NotebookEdit Read ReportFindings
    ScheduleWakeup SendMessage Skill TaskCreate TaskGet TaskList TaskOutput TaskStop TaskUpdate WebFetch WebSearch
    Workflow Write mcp__tracker__search_issues
"""
_WORDS = """
    the a file command path result when only before after user must never each session test line output change read
    write and or of to in with without is are if then current absolute relative exit status error message value name
    background task timeout milliseconds default optional required string pattern match branch commit diff run once
"""
_NAMES = "parse load refresh header token queue offset retry window budget cursor frame index record state span"
TOOL_NAMES, WORDS, NAMES = _TOOL_NAMES.split(), _WORDS.split(), _NAMES.split()
LINES = (
    "def {a}_{b}({c}: str, limit: int = {n}) -> dict[str, int]:",
    '    """Return the {a} of {b}; {c} is never empty."""',
    "    if {a}.{b} is None or len({c}) > {n}:",
    '        raise ValueError(f"bad {a}: {{{b}!r}} at {{{c}}}")',
    "    {a} = [{b} for {b} in {c} if {b}.startswith('{a}')]",
    "\treturn {a}[{n}:] + \"{b}\\n\"",
    "    # {a} first — the {b} may still hold the {c} (see {a}.py:{n})",
    "        self._{a}[{b}] = {{'{c}': {n}, '{a}': \"{b}\"}}",
    "",
)  # fmt: skip

Block = dict[str, Any]


def _json(value: object) -> str:
    """As JavaScript's JSON.stringify writes it: no spaces, not only ASCII."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _prose(rng: random.Random, size: int) -> str:
    """About `size` characters of sentences and lists."""
    parts: list[str] = []
    length = 0
    while length < size:
        sentence = " ".join(rng.choices(WORDS, k=rng.randint(6, 18))).capitalize() + rng.choice(
            (". ", ".\n", ".\n\n- ")
        )
        parts.append(sentence)
        length += len(sentence)
    return "".join(parts)[:size]


def _code(rng: random.Random, size: int) -> str:
    """About `size` characters of a numbered file, as the Read tool shows one."""
    parts: list[str] = []
    length = number = 0
    while length < size:
        number += 1
        a, b, c = rng.choices(NAMES, k=3)
        line = f"{number:>6}\t" + rng.choice(LINES).format(a=a, b=b, c=c, n=rng.randint(0, 999)) + "\n"
        parts.append(line)
        length += len(line)
    return "".join(parts)[:size]


def _tool(rng: random.Random, name: str, size: int) -> Block:
    """A tool of about `size` bytes of JSON: half description, half schema."""
    properties: dict[str, Block] = {}
    for key in rng.sample(NAMES, k=rng.randint(3, 8)):
        properties[key] = {
            "description": _prose(rng, 90),
            "type": rng.choice(("string", "string", "number", "boolean")),
        }
    properties["mode"] = {"type": "string", "enum": ["fast", "safe", "dry-run"], "default": "safe"}
    properties["items"] = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {"id": {"type": "string", "minLength": 1}, "done": {"type": "boolean"}},
            "required": ["id"],
            "additionalProperties": False,
        },
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": sorted(properties)[:2],
        "additionalProperties": False,
    }
    left = size - len(_json({"name": name, "description": "", "input_schema": schema}))
    return {"name": name, "description": _prose(rng, max(left, 40)), "input_schema": schema}


def _tools(rng: random.Random, total: int, mark: str) -> list[Block]:
    tools = [_tool(rng, name, total // len(TOOL_NAMES)) for name in TOOL_NAMES]
    for tool in tools:
        tool["description"] = f"Build {mark}. {tool['description'][: -len(mark) - 8]}" if mark else tool["description"]
    return tools


def _system(rng: random.Random, size: int, mark: str) -> list[Block]:
    cached = {"cache_control": {"type": "ephemeral"}}
    return [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.328.ce7; cc_entrypoint=sdk-cli;"},
        {"type": "text", "text": "You are an agent that works in a terminal for its user.", **cached},
        {"type": "text", "text": f"# Rules {mark}\n" + _prose(rng, size), **cached},
    ]


class _Conversation:
    """Messages that grow turn by turn, as a coding session does."""

    def __init__(self, rng: random.Random, signature: str | None) -> None:
        self.rng = rng
        self.signature = signature or "".join(rng.choices("ABCDEFGHabcdefgh0123456789+/", k=900))
        self.messages: list[Block] = [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": f"<system-reminder>\n{_prose(rng, 400)}\n</system-reminder>"},
                    {
                        "type": "text",
                        "text": f"Session {MARK}: make the header parser return a tuple, and fix its callers.",
                    },
                ],
            },
            {"role": "system", "content": f"Scratch folder: /var/scratch/{SESSION_ID}\n" + _prose(rng, 8000)},
        ]
        self.calls = 0

    def turn(self, size: int) -> None:
        """The model thinks, speaks, calls one or two tools; the client answers with about `size` bytes of results."""
        rng = self.rng
        calls = []
        for _ in range(rng.choice((1, 1, 2))):
            self.calls += 1
            calls.append((f"toolu_{MARK}{self.calls:08d}", rng.choice(("Read", "Edit", "Bash"))))
        said: list[Block] = [
            {"type": "thinking", "thinking": _prose(rng, 160), "signature": self.signature},
            {"type": "text", "text": f"Step {self.calls} of {MARK}: " + _prose(rng, 60)},
        ]
        results: list[Block] = []
        for call_id, name in calls:
            path = f"/srv/project/src/{rng.choice(NAMES)}.py"
            tool_input: Block = {"file_path": path}
            if name == "Edit":
                tool_input |= {"old_string": _code(rng, 200), "new_string": _code(rng, 220), "replace_all": False}
            elif name == "Bash":
                tool_input = {"command": f"pytest -q {path} -k '{rng.choice(NAMES)}' 2>&1 | tail", "timeout": 120000}
            said.append({"type": "tool_use", "id": call_id, "name": name, "input": tool_input})
            result: Block = {"tool_use_id": call_id, "type": "tool_result", "content": _code(rng, size // len(calls))}
            if name == "Bash":
                result["is_error"] = rng.random() < 0.2
            results.append(result)
        self.messages.append({"role": "assistant", "content": said})
        self.messages.append({"role": "user", "content": results})
        if len(self.messages) % 10 == 0:
            self.messages.append({"role": "system", "content": f"<reminder {MARK}>{_prose(rng, 400)}</reminder>"})

    def as_sent(self, count: int) -> list[Block]:
        """The first `count` messages, `cache_control` on the last block: there only, and as an array only there."""
        messages = list(self.messages[:count])
        last = messages[-1]
        content = last["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else list(content)
        blocks[-1] = {**blocks[-1], "cache_control": {"type": "ephemeral"}}
        messages[-1] = {**last, "content": blocks}
        return messages


def _body(messages: list[Block], system: list[Block], tools: list[Block]) -> bytes:
    user = {"device_id": "b7" * 32, "account_uuid": "", "session_id": SESSION_ID}
    return _json(
        {
            "model": MODEL,
            "messages": messages,
            "system": system,
            "tools": tools,
            "metadata": {"user_id": _json(user)},
            "max_tokens": 128000,
            "thinking": {"type": "adaptive", "display": "omitted"},
            "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
            "output_config": {"effort": "medium"},
            "stream": True,
        }
    ).encode()


def small() -> bytes:
    """2.2 KB: one question, a short system prompt, no tools."""
    rng = random.Random(1)
    question = [{"role": "user", "content": [{"type": "text", "text": f"Session {MARK}: what does this project do?"}]}]
    return _body(question, _system(rng, 1250, ""), [])


def chat() -> bytes:
    """The same question as a client of Chat Completions asks it."""
    rng = random.Random(1)
    system = " ".join(rng.choices(WORDS, k=200))
    question = f"Session {MARK}: what does this project do?"
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    return json.dumps({"model": "gpt-5.5", "messages": messages, "stream": True}).encode()


def responses() -> bytes:
    """The same question as a client of the Responses API asks it."""
    rng = random.Random(1)
    system = " ".join(rng.choices(WORDS, k=200))
    body = {
        "model": "gpt-5.5",
        "instructions": system,
        "input": [{"role": "user", "content": f"Session {MARK}: what does this project do?"}],
        "stream": True,
        "store": False,
    }
    return json.dumps(body).encode()


def session(
    turns: int = 8, *, result_size: int = 3790, signature: str | None = None, cold: bool = False
) -> list[bytes]:
    """The last `turns` requests of a session whose final request is the 242 KB one; each begins with the one before it.

    `result_size`: bytes of tool results in a turn; 3,790 gives 242 KB, 67,500 gives 2 MB.
    `signature`: what the thinking blocks carry, best one that the gateway under test has made itself.
    `cold`: put MARK into system and tools too, so that nothing at all repeats from one session to the next.
    """
    rng = random.Random(2)
    mark = MARK if cold else ""
    tools, system = _tools(rng, 61_000, mark), _system(rng, 15_000, mark)
    conversation = _Conversation(rng, signature)
    ends: list[int] = []
    for _ in range(27):
        conversation.turn(result_size)
        ends.append(len(conversation.messages))
    return [_body(conversation.as_sent(end), system, tools) for end in ends[-turns:]]


def mid(*, signature: str | None = None, cold: bool = False) -> bytes:
    """242 KB: 25 tools, 15 KB of system, 57 messages."""
    return session(1, signature=signature, cold=cold)[0]


def big(*, signature: str | None = None) -> bytes:
    """2 MB: as `mid`, with long tool results."""
    return session(1, result_size=67_500, signature=signature)[0]


def write_all(folder: Path, signature: str | None = None) -> dict[str, list[Path]]:
    """Write every body into `folder`; name of the kind → its files in order."""
    kinds: dict[str, list[bytes]] = {
        "small": [small()],
        "chat": [chat()],
        "responses": [responses()],
        "mid": [mid(signature=signature)],
        "cold": [mid(signature=signature, cold=True)],
        "big": [big(signature=signature)],
        "session": session(signature=signature),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, list[Path]] = {}
    for kind, bodies in kinds.items():
        written[kind] = []
        for number, body in enumerate(bodies, 1):
            path = folder / (f"{kind}-{number}.json" if len(bodies) > 1 else f"{kind}.json")
            path.write_bytes(body)
            written[kind].append(path)
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the bench's request bodies into a folder.")
    parser.add_argument("folder", type=Path)
    for kind, paths in write_all(parser.parse_args().folder).items():
        for path in paths:
            body = path.read_bytes()
            print(f"{kind:8} {path}  {len(body):>9,} bytes  {body.count(MARK.encode()):>4} marks")


if __name__ == "__main__":
    main()
