"""Scenarios: what the simulated model says, turn by turn, as typed records read from TOML or JSON.

Which turn is played follows from the request alone (how many answers its prompt already holds, and each turn's `when`),
so a retried request gets the same turn again and several conversations can share one scenario.
"""

from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.request import Request

Seconds = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class Pacing(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """How fast an answer comes, in seconds. All zero: as fast as it can be sent."""

    first_byte: Seconds = 0.0
    """Before the response's headers."""
    item: Seconds = 0.0
    """Before each output item."""
    delta: Seconds = 0.0
    """Before each delta event."""


class Reasoning(msgspec.Struct, kw_only=True, frozen=True, tag="reasoning", forbid_unknown_fields=True):
    """A thought. The summary is streamed only when the request asks for summaries."""

    summary: list[str] = []
    """Summary parts, each streamed as deltas."""
    text: str = ""
    """Raw reasoning text (`reasoning_text` events), as open-weight servers send it."""
    encrypted: bool = True
    """Carry encrypted_content, if the request includes it."""


class Citation(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A page that a text cites."""

    url: str
    title: str = ""
    """The page's host when not given."""
    at: str = ""
    """The words of the text that it stands at; all of the text when not given."""


class Message(msgspec.Struct, kw_only=True, frozen=True, tag="message", forbid_unknown_fields=True):
    """Text of the assistant, or a refusal."""

    text: str
    phase: Literal["commentary", "final_answer"] | None = None
    refusal: bool = False
    citations: list[str | Citation] = []
    """Pages cited, by URL alone or with more, as url_citation annotations behind the words that they stand at."""


class FunctionCall(msgspec.Struct, kw_only=True, frozen=True, tag="function_call", forbid_unknown_fields=True):
    """A call of a function tool."""

    name: str
    arguments: JsonObject | str = {}
    """An object, or the very text to send (which may then be no JSON at all)."""
    call_id: str | None = None
    """A fresh `call_…` when not given."""
    arguments_in: Literal["deltas", "done", "item"] = "deltas"
    """Where they first appear: in delta events, only in arguments.done, or only in the finished item."""
    late_name: bool = False
    """Leave the name out of output_item.added."""


class CustomToolCall(msgspec.Struct, kw_only=True, frozen=True, tag="custom_tool_call", forbid_unknown_fields=True):
    """A call of a freeform tool."""

    name: str
    input: str
    call_id: str | None = None


class WebSearch(msgspec.Struct, kw_only=True, frozen=True, tag="web_search_call", forbid_unknown_fields=True):
    """One call of the hosted web search; the text that uses it is a Message of its own."""

    action: Literal["search", "open_page", "find_in_page"] = "search"
    query: str = ""
    queries: list[str] = []
    """What a search of several queries searched for; `query` alone when not given."""
    sources: list[str] = []
    """Pages that a search looked at; told only to who includes them."""
    url: str = ""
    """The page that was opened or looked through."""
    pattern: str = ""
    """What was looked for in it."""
    failed: bool = False


class ImageGeneration(
    msgspec.Struct, kw_only=True, frozen=True, tag="image_generation_call", forbid_unknown_fields=True
):
    """A hosted image; `result` is the base64 of a PNG."""

    result: str
    revised_prompt: str = ""


class Compaction(msgspec.Struct, kw_only=True, frozen=True, tag="compaction", forbid_unknown_fields=True):
    """The answer to a compaction_trigger item: one opaque item (codex-backend.md 2.8)."""

    summary: str


class RawEvent(msgspec.Struct, kw_only=True, frozen=True, tag="event", forbid_unknown_fields=True):
    """Any event as it stands; only the sequence number is added."""

    event: JsonObject


Output = Reasoning | Message | FunctionCall | CustomToolCall | WebSearch | ImageGeneration | Compaction | RawEvent


class Usage(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Token figures that replace the computed ones; what is None stays computed."""

    input_tokens: Count | None = None
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    absent: bool = False
    """Send `usage: null`."""


class When(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Which requests a turn answers; every rule given must hold. Texts are compared without case."""

    last_user_text: str | None = None
    """Is contained in the last user message."""
    instructions: str | None = None
    """Is contained in the instructions or a developer message."""
    model: str | None = None
    """Is contained in the model's name."""
    tools: list[str] = []
    """All of these are offered."""
    tools_absent: list[str] = []
    """None of these is offered."""
    subagent: bool | None = None
    """The request carries (or does not carry) the header x-openai-subagent."""
    request: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Is the n-th accepted request since the scenario was loaded, from 1."""
    round: Count | None = None
    """The prompt holds this many answers of the model."""
    structured: bool = False
    """The turn is also for requests with a JSON output format and no tools, such as those for a title."""

    def matches(self, request: Request, number: int) -> bool:
        names = {str(tool.get("name") or tool.get("type")) for tool in request.tools}
        checks = (
            _contains(self.last_user_text, request.last_user_text),
            _contains(self.instructions, request.instructions),
            _contains(self.model, request.model.slug),
            names.issuperset(self.tools),
            names.isdisjoint(self.tools_absent),
            self.subagent in (None, "x-openai-subagent" in request.headers),
            self.request in (None, number),
            self.round in (None, request.rounds),
            self.structured or not _is_structured(request),
        )
        return all(checks)


class Turn(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One answer of the model."""

    output: list[Output] = []
    when: When | None = None
    pacing: Pacing | None = None
    """Replaces the scenario's pacing for this turn."""
    usage: Usage | None = None
    interleave: bool = False
    """Mix the argument deltas of neighbouring calls."""
    end_turn: bool | None = None
    """`end_turn` of the completed response; absent when None."""
    fault: str | None = None
    """A fault by name (see faults.py), for the first `fault_times` requests of each conversation that get this turn."""
    fault_times: Annotated[int, msgspec.Meta(ge=1)] = 1

    def answers(self, request: Request, number: int) -> bool:
        """Whether this turn may answer the request, the `number`-th accepted one."""
        return self.when.matches(request, number) if self.when else not _is_structured(request)


class Scenario(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """A named list of turns. A request that none of them fits is answered by the rule engine."""

    name: str = "scenario"
    description: str = ""
    pacing: Pacing = Pacing()
    turns: list[Turn] = []

    def find(self, request: Request, number: int) -> tuple[int, Turn] | None:
        """The turn for a request and its place in the list.

        A turn with `when` that matches comes first; else the n-th turn without `when` answers a prompt that holds
        n answers already. `number` counts accepted requests from 1.
        """
        plain: list[tuple[int, Turn]] = []
        for index, turn in enumerate(self.turns):
            if turn.when is None:
                plain.append((index, turn))
            elif turn.when.matches(request, number):
                return index, turn
        if request.rounds < len(plain) and not _is_structured(request):
            return plain[request.rounds]
        return None


def load_scenario(source: str | Path) -> Scenario:
    """Read a scenario: a path to a TOML or JSON file, or the name of one that comes with the package.

    Raises FileNotFoundError with the known names, or msgspec.ValidationError that names the place in the file.
    """
    path = Path(source)
    if path.suffix == ".json":
        return msgspec.json.decode(path.read_bytes(), type=Scenario)
    if path.suffix == ".toml":
        return msgspec.toml.decode(path.read_bytes(), type=Scenario)
    bundled = resources.files("turnout.simulator") / "scenarios" / f"{source}.toml"
    if not bundled.is_file():
        known = ", ".join(bundled_scenarios())
        raise FileNotFoundError(
            f"There is no scenario called {source!r}. Known: {known}; or give a .toml or .json file."
        )
    return msgspec.toml.decode(bundled.read_bytes(), type=Scenario)


def bundled_scenarios() -> list[str]:
    """The names of the scenarios that come with the package."""
    folder = resources.files("turnout.simulator") / "scenarios"
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def _contains(wanted: str | None, text: str) -> bool:
    return wanted is None or wanted.casefold() in text.casefold()


def _is_structured(request: Request) -> bool:
    return request.output_format.get("type") == "json_schema" and not request.tools
