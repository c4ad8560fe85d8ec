"""Decides where a request goes and how: model name → slot, model, effort, framing, window. Pure: no clock, no I/O.

Knows the client's names for things (Claude's model families, thinking budgets) and the catalogue, no wire format.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.models import effort as efforts
from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts, usable
from turnout.models.slots import DEFAULT_EFFORTS, SLOTS, SlotName, default_model
from turnout.protocol.fidelity import Note, approximated, dropped
from turnout.routing.route import Route

if TYPE_CHECKING:
    from turnout.config import Config, Slot, UpstreamName

FAMILIES: tuple[tuple[str, SlotName], ...] = (
    ("opus", "opus"),
    ("fable", "opus"),
    ("sonnet", "sonnet"),
    ("haiku", "haiku"),
)
"""Words in a Claude model's name and the slot that they mean; the first that fits counts."""

ALIASES: dict[str, SlotName] = {
    **dict(FAMILIES),
    "best": "opus",
    "opusplan": "opus",
    "default": "opus",
    "": "other",
}
"""Claude Code's own short names (claude-code-wire.md 1): it resolves them itself, scripts and SDKs send them bare."""

DIRECT = re.compile(r"(gpt-|o\d)", re.IGNORECASE)
"""Names of OpenAI's models."""

CONTEXT_SUFFIX = re.compile(r"\[[^\]]*\]$")
"""``[1m]``: the client's mark for a long window, no part of the name (claude-code-wire.md 1)."""


class Thinking(Protocol):
    """The ``thinking`` of a request."""

    @property
    def type(self) -> str: ...
    @property
    def budget_tokens(self) -> int | None: ...


class OutputConfig(Protocol):
    """The ``output_config`` of a request."""

    @property
    def effort(self) -> str | None: ...


class RequestFacts(Protocol):
    """What routing needs of a request; `turnout.protocol.messages.MessagesRequest` has it."""

    @property
    def model(self) -> str: ...
    @property
    def thinking(self) -> Thinking | None: ...
    @property
    def output_config(self) -> OutputConfig | None: ...


class MappingLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot stands for at this moment."""

    slot: SlotName
    model: str
    effort: str | None
    """Effort after capping, for requests that name none; None leaves it to the upstream."""
    upstream: str
    window: int
    """Usable context window in tokens."""

    def __str__(self) -> str:
        return f"{self.slot:<6} → {self.model} · {self.effort or 'its own effort'} · {self.upstream}"


def route(request: RequestFacts, config: Config, catalogue: Catalogue) -> Route:
    """The decision about one request. Any model name leads somewhere; nothing here refuses."""
    slot, model = resolve(request.model, config, catalogue)
    facts = catalogue.get(model)
    asked, said = wanted_effort(request, slot, config)
    effort = efforts.cap(asked, facts)
    return Route(
        upstream=config.upstream,
        slot=slot or "direct",
        model_asked=request.model,
        model=model,
        effort=effort,
        effort_asked=asked,
        framing="lite" if config.upstream == "codex" and config.codex.framing.get(model) == "lite" else "plain",
        window=window(facts, config.upstream),
        tool_search=facts is not None and config.tools.search,
        image_detail="original" if facts is not None and facts.original_images else "auto",
        notes=(*said, *_effort_notes(asked, effort, model, facts)),
    )


def mapping(config: Config, catalogue: Catalogue) -> list[MappingLine]:
    """What each slot stands for, for start-up and reports."""
    lines = []
    for slot in SLOTS:
        model = slot_model(slot, config, catalogue)
        facts = catalogue.get(model)
        effort = efforts.cap(slot_effort(slot, config), facts)
        upstream = config.upstream
        lines.append(
            MappingLine(slot=slot, model=model, effort=effort, upstream=upstream, window=window(facts, upstream))
        )
    return lines


def resolve(name: str, config: Config, catalogue: Catalogue) -> tuple[SlotName | None, str]:
    """The slot that a client's model name falls into and the model it stands for; no slot for a name that passes."""
    bare = CONTEXT_SUFFIX.sub("", name.strip()).removeprefix("anthropic/").strip()
    lowered = bare.lower()
    for candidate in (bare, lowered):
        if catalogue.get(candidate):
            return None, candidate
    if DIRECT.match(bare):
        return None, bare
    slot = ALIASES.get(lowered)
    if slot is None and lowered.startswith("claude"):
        slot = next((slot for word, slot in FAMILIES if word in lowered), "other")
    return (slot, slot_model(slot, config, catalogue)) if slot else (None, name)


def slot_model(slot: SlotName, config: Config, catalogue: Catalogue) -> str:
    """The model of a slot: the user's choice, else the catalogue's. ``other`` follows ``sonnet``."""
    chosen = _slot(slot, config).model
    if slot == "other":
        chosen = chosen or config.slots.sonnet.model
    return chosen or default_model(slot, catalogue).slug


def slot_effort(slot: SlotName, config: Config) -> str:
    """The effort of a slot for requests that name none, before capping."""
    return _slot(slot, config).effort or DEFAULT_EFFORTS[slot]


def wanted_effort(request: RequestFacts, slot: SlotName | None, config: Config) -> tuple[str | None, tuple[Note, ...]]:
    """The effort that a request means, before capping, and what there is to say about it.

    In order: ``output_config.effort``; thinking switched off (the least there is) or given a budget; the slot's
    effort. A name that passes has no slot: its effort is left to the upstream.
    """
    said: tuple[Note, ...] = ()
    if request.output_config is not None and (named := request.output_config.effort):
        if efforts.known(named):
            return named, said
        said = (dropped("output_config.effort", f"{named!r} is not known"),)
    thinking = request.thinking
    if thinking is not None and thinking.type == "disabled":
        return efforts.ORDER[0], said
    if thinking is not None and thinking.type == "enabled" and thinking.budget_tokens is not None:
        return efforts.of_budget(thinking.budget_tokens), said
    return (slot_effort(slot, config) if slot else None), said


def window(facts: ModelFacts | None, upstream: UpstreamName) -> int:
    """The usable context window in tokens."""
    if facts is None:
        return usable(UNKNOWN_WINDOW)
    if upstream == "openai" and facts.api_window is not None:
        return facts.api_window
    return facts.usable_window


def _slot(slot: SlotName, config: Config) -> Slot:
    chosen: Slot = getattr(config.slots, slot)
    return chosen


def _effort_notes(asked: str | None, sent: str | None, model: str, facts: ModelFacts | None) -> tuple[Note, ...]:
    if asked is None or asked == sent:
        return ()
    if facts is None:
        return (approximated("effort", f"{asked} was left to the upstream: nothing is known of {model}"),)
    return (approximated("effort", f"{asked} became {sent}: {model} has {', '.join(facts.efforts)}"),)
