"""Reads the Codex backend's catalogue, and what is common to all lists of models. Pure.

An entry that cannot be read is left out and named: one odd model must not take the others away. Lists of servers of the
OpenAI API are read in `turnout.models.listing`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Raw

from turnout.models.catalogue import UNKNOWN_WINDOW, ModelFacts
from turnout.models.effort import MULTI_AGENT, ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ESTABLISHED = {"gpt-6-astra": {"api_window": 922_000, "output_limit": 128_000}, "gpt-5.5": {"output_limit": 128_000}}
"""What no catalogue tells, and is established elsewhere (codex-backend.md 4 and 5.1)."""

FACTOR = re.compile(r"(\d+(?:\.\d+)?)\s*x\b", re.IGNORECASE)
"""How descriptions of tiers put their speed: ``1.5x``."""


Tokens = Annotated[int, Meta(ge=0)]


class UnknownForm(ValueError):
    """An answer that lists no models in any form that is known."""


class Reading(msgspec.Struct, frozen=True):
    """What an answer has told."""

    models: tuple[ModelFacts, ...]
    unreadable: tuple[str, ...] = ()
    """Entries that were left out: their names, or their places."""
    beyond: int = 0
    """Further entries of a list that is too long to be kept whole."""


class _Effort(msgspec.Struct):
    effort: str


class _Tier(msgspec.Struct):
    id: str
    description: str | None = None


class _Upgrade(msgspec.Struct):
    model: str


class _Variables(msgspec.Struct):
    personality_default: str | None = None


class _Messages(msgspec.Struct):
    """The prompts of the Codex CLI (codex-backend.md 5.1)."""

    instructions_template: str | None = None
    instructions_variables: _Variables | None = None


class _CodexEntry(msgspec.Struct):
    """A model as the Codex backend describes it (codex-backend.md 5.2); the fields that count here."""

    slug: str
    display_name: str | None = None
    description: str | None = None
    context_window: Tokens | None = None
    max_context_window: Tokens | None = None
    max_output_tokens: Tokens | None = None
    input_modalities: list[str] | None = None
    supported_reasoning_levels: list[_Effort] | None = None
    default_reasoning_level: str | None = None
    multi_agent_reasoning_effort: str | None = None
    use_responses_lite: bool | None = None
    service_tiers: list[_Tier] | None = None
    default_service_tier: str | None = None
    available_in_plans: list[str] | None = None
    minimal_client_version: str | None = None
    supports_image_detail_original: bool | None = None
    visibility: str | None = None
    priority: int | None = None
    upgrade: _Upgrade | None = None
    model_messages: Raw = Raw(b"null")
    """`_Messages`: nothing odd in them is to take the model away."""


class _CodexAnswer(msgspec.Struct):
    models: list[Raw]


class _Nameless(msgspec.Struct):
    slug: str = ""
    id: str = ""


PERSONALITY = "{{ personality }}"
"""Place in instructions for words on the model's manner, which the CLI lets its user choose."""
LAST = 1000
"""Place of models to which the catalogue gives none."""


def codex(body: bytes) -> Reading:
    """The catalogue of the Codex backend (``{"models": […]}``). Raises `UnknownForm` if no model can be read."""
    try:
        entries = msgspec.json.decode(body, type=_CodexAnswer).models
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnknownForm(str(error)) from None
    return read_each(entries, lambda entry: _facts(msgspec.json.decode(entry, type=_CodexEntry)))


def read_each(entries: Iterable[Raw], read: Callable[[Raw], ModelFacts]) -> Reading:
    """The models of a list that ``read`` can read, in its order. Raises `UnknownForm` if there is none."""
    models: dict[str, ModelFacts] = {}
    unreadable = []
    for place, entry in enumerate(entries):
        try:
            facts = read(entry)
        except (msgspec.DecodeError, UnicodeDecodeError):
            unreadable.append(_name(entry) or f"number {place + 1}")
            continue
        models.setdefault(facts.slug, facts)
    if not models:
        raise UnknownForm("it lists no model that can be read")
    return Reading(tuple(models.values()), tuple(unreadable))


def _name(entry: Raw) -> str:
    try:
        found = msgspec.json.decode(entry, type=_Nameless)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return (found.slug or found.id)[:100]


def _facts(entry: _CodexEntry) -> ModelFacts:
    window = entry.context_window or entry.max_context_window or UNKNOWN_WINDOW
    levels = [level.effort for level in entry.supported_reasoning_levels or ()]
    efforts = tuple(effort for effort in ORDER if effort in levels)
    ultra = entry.multi_agent_reasoning_effort
    fastest = next((tier for tier in entry.service_tiers or () if FACTOR.search(tier.description or "")), None)
    return ModelFacts(
        slug=entry.slug,
        name=entry.display_name if entry.display_name and entry.display_name != entry.slug else "",
        description=entry.description or "",
        window=window,
        max_window=max(window, entry.max_context_window or 0),
        api_window=ESTABLISHED.get(entry.slug, {}).get("api_window"),
        output_limit=entry.max_output_tokens or ESTABLISHED.get(entry.slug, {}).get("output_limit"),
        modalities=tuple(entry.input_modalities or ("text", "image")),
        efforts=efforts,
        default_effort=_default(entry.default_reasoning_level, efforts),
        multi_agent=MULTI_AGENT in levels,
        multi_agent_effort=ultra if MULTI_AGENT in levels and ultra in efforts else None,
        lite=bool(entry.use_responses_lite),
        tiers=tuple(tier.id for tier in entry.service_tiers or ()),
        default_tier=entry.default_service_tier or "",
        speed=float(found[1]) if fastest and (found := FACTOR.search(fastest.description or "")) else None,
        plans=frozenset(entry.available_in_plans or ()),
        minimal_client_version=entry.minimal_client_version or "",
        original_images=bool(entry.supports_image_detail_original),
        listed=entry.visibility == "list",
        priority=LAST if entry.priority is None else entry.priority,
        upgrade=entry.upgrade.model if entry.upgrade else "",
        instructions=_instructions(entry.model_messages),
    )


def _instructions(model_messages: Raw) -> str:
    """The instructions for clients without a wish for the model's manner; empty if there are none that can be read."""
    try:
        said = msgspec.json.decode(model_messages, type=_Messages | None)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    if said is None or said.instructions_template is None:
        return ""
    variables = said.instructions_variables or _Variables()
    return said.instructions_template.replace(PERSONALITY, variables.personality_default or "")


def _default(named: str | None, efforts: tuple[str, ...]) -> str:
    """The default effort, which is one of the model's own; a preset that only the client knows is none."""
    if named in efforts:
        return str(named)
    return "medium" if "medium" in efforts else next(iter(efforts), "")
