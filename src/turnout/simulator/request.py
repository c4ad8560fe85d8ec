"""One accepted request, as the rest of the simulator looks at it: its prompt, its tools, what has been answered so far.

It reads an already checked body and knows nothing of HTTP.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from turnout.simulator.catalogue import Model
from turnout.simulator.jsontypes import JsonObject

Dialect = Literal["codex", "openai"]

CALL_TYPES = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
OUTPUT_TYPES = {output: call for call, output in CALL_TYPES.items()}
_NOTES = re.compile(r"<(system-reminder|local-command-[a-z]+|command-[a-z]+)>.*?</\1>", re.DOTALL)
MODEL_MADE = frozenset({*CALL_TYPES, "reasoning", "web_search_call", "image_generation_call", "local_shell_call"})


class ToolResult(msgspec.Struct, frozen=True):
    """One call of the model in the prompt, with the answer the client gave to it."""

    call_id: str
    name: str
    arguments: str
    output: str
    """The text of the answer; "[image]" and "[file]" stand for parts that are not text."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that passed the checks."""

    dialect: Dialect
    model: Model
    body: JsonObject
    headers: dict[str, str]
    account: str
    """The account id (codex) or the API key's name (openai) that pays."""
    plan: str
    """The plan of that account; "api" for an API key."""
    lite: bool
    items: list[JsonObject]
    """The input items; a string input has become one user message, an earlier response's items come first."""

    @property
    def stream(self) -> bool:
        return self.body.get("stream") is True

    @property
    def effort(self) -> str:
        """The asked reasoning effort, else the model's default; "none" for a model that does not reason."""
        if not self.model.reasons:
            return "none"
        effort = (self.body.get("reasoning") or {}).get("effort")
        return effort if isinstance(effort, str) else self.model.default_effort

    @property
    def shows_summary(self) -> bool:
        """Whether reasoning summaries were asked for: without that none are streamed (codex-backend.md 2.2)."""
        return (self.body.get("reasoning") or {}).get("summary") is not None

    @property
    def wants_encrypted_reasoning(self) -> bool:
        return "reasoning.encrypted_content" in (self.body.get("include") or [])

    @property
    def cache_key(self) -> str:
        key = self.body.get("prompt_cache_key")
        return key if isinstance(key, str) else ""

    @property
    def instructions(self) -> str:
        """The system prompt wherever it stands: `instructions` and the developer messages."""
        texts = [self.body.get("instructions") or ""]
        texts += [text_of(item) for item in self.items if item.get("role") in ("developer", "system")]
        return "\n".join(text for text in texts if text)

    @property
    def output_format(self) -> JsonObject:
        """`text.format`, or {} for plain text."""
        found = (self.body.get("text") or {}).get("format")
        return found if isinstance(found, dict) else {}

    @property
    def tools(self) -> list[JsonObject]:
        """Every tool offered, those inside namespaces included."""
        offered = list(self.body.get("tools") or [])
        for item in self.items:
            if item.get("type") == "additional_tools":
                offered += item.get("tools") or []
        return list(_flatten(offered))

    @property
    def user_turn(self) -> int:
        """Index of the last message with words of the user in `items`, or -1. Notes of the client do not count."""
        for index in range(len(self.items) - 1, -1, -1):
            item = self.items[index]
            if item.get("role") == "user" and own_words(text_of(item)):
                return index
        return -1

    @property
    def last_user_text(self) -> str:
        """What the user said last, without the client's notes."""
        return own_words(text_of(self.items[self.user_turn])) if self.user_turn >= 0 else ""

    @property
    def rounds(self) -> int:
        """How many answers of the model the prompt holds: runs of its items with others between them."""
        runs = 0
        inside = False
        for item in self.items:
            made_by_model = item.get("type") in MODEL_MADE or item.get("role") == "assistant"
            runs += made_by_model and not inside
            inside = made_by_model
        return runs

    def results(self, since: int = 0) -> list[ToolResult]:
        """The calls from item `since` on that have an answer, in the order of the calls."""
        outputs = {
            item["call_id"]: output_text(item.get("output")) for item in self.items if item.get("type") in OUTPUT_TYPES
        }
        calls = [item for item in self.items[since:] if item.get("type") in CALL_TYPES]
        return [
            ToolResult(call["call_id"], call["name"], call.get("arguments") or call.get("input") or "", output)
            for call in calls
            if (output := outputs.get(call["call_id"])) is not None
        ]


def own_words(text: str) -> str:
    """A user message without the notes that a client such as Claude Code weaves into it."""
    return _NOTES.sub("", text).strip()


def text_of(item: JsonObject) -> str:
    """The text of a message's content, its parts joined with line ends."""
    return output_text(item.get("content"))


def output_text(content: object) -> str:
    """The text of a string or of a list of content parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(_part_text(part) for part in content)


def _part_text(part: JsonObject) -> str:
    match part.get("type"):
        case "input_image":
            return "[image]"
        case "input_file":
            return "[file]"
        case _:
            return str(part.get("text") or part.get("refusal") or "")


def _flatten(tools: list[JsonObject]) -> Iterator[JsonObject]:
    for tool in tools:
        if tool.get("type") == "namespace":
            yield from ({**child, "namespace": tool.get("name")} for child in tool.get("tools") or [])
        else:
            yield tool
