"""What a client's name for a model stands for: an alias of the user's, a model of the catalogue, a slot. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from turnout.models.slots import SLOTS, SlotName
from turnout.routing import chains, model_strings
from turnout.routing.model_strings import Wish

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from turnout.models.catalogue import Catalogue

FAMILIES: tuple[tuple[str, SlotName], ...] = (
    ("opus", "opus"),
    ("fable", "fable"),
    ("sonnet", "sonnet"),
    ("haiku", "haiku"),
)
"""Words in a Claude model's name and the slot that they mean; the first that fits counts."""

SHORT: Mapping[str, SlotName] = {
    **{slot: slot for slot in SLOTS if slot != "other"},
    "opusplan": "opus",
    "default": "opus",
    "": "other",
}
"""Claude Code's own short names (claude-code-wire.md 1), which it resolves itself and scripts and SDKs send bare; and
those of the other slots, for CLAUDE_CODE_SUBAGENT_MODEL and its like."""

OPENAIS = re.compile(r"(gpt-|o\d)", re.IGNORECASE)
"""Names that OpenAI gives its models."""

CLAUDE_LISTS = ("claude-", "anthropic-")
"""Before a name so that Claude Code lists the model (claude-code-wire.md 8, /model picker): no part of it."""

DEEPEST = 8
"""Aliases of aliases that are followed."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """What a model string stands for."""

    wish: Wish
    """What it says, aliases followed; ``wish.name`` is a model's name upstream unless there is a slot."""
    slot: SlotName | None = None
    known: bool = True
    """The name leads somewhere; False: nothing is known of it."""


def resolve(
    text: str, aliases: Mapping[str, str], catalogue: Catalogue, upstreams: Collection[str] = (), instead: str = ""
) -> Named:
    """What the model string stands for. ``aliases`` are the user's, and go before everything else.

    ``upstreams`` are the names of those that there are. Of a chain the first member counts, or the one ``instead``.
    """
    chain = chains.members(text)
    if chain:
        text = instead or chain[0]
    lowered = {name.lower(): target for name, target in aliases.items()}
    followed: set[str] = set()

    def leads(name: str) -> bool:
        low = name.lower()
        return (low in lowered and low not in followed) or low in SHORT or bool(model_named(name, catalogue))

    if text.strip().lower() not in lowered and (listed := _listed(text, catalogue)):
        return Named(wish=msgspec.structs.replace(listed, chain=chain) if chain else listed)
    wish = model_strings.read(text, leads, upstreams)
    while (low := wish.name.lower()) in lowered and low not in followed and len(followed) < DEEPEST:
        followed.add(low)
        target = lowered[low]
        if inner := chains.members(target):
            target = inner[0] if chain else instead or inner[0]
            chain = chain or inner
        wish = _behind(wish, model_strings.read(target, leads, upstreams))
    wish = msgspec.structs.replace(wish, chain=chain) if chain else wish
    if model := model_named(wish.name, catalogue):
        return Named(wish=msgspec.structs.replace(wish, name=model))
    slot = slot_named(wish.name)
    # Who names the upstream, or has made an alias, knows what models it has.
    return Named(wish=wish, slot=slot, known=bool(slot or wish.upstream or followed))


def _listed(text: str, catalogue: Catalogue) -> Wish | None:
    """The model that ``upstream/model`` names exactly as the upstream lists it: nothing in the name means anything
    else then, be it like one of Claude's or like an effort."""
    upstream, _, name = model_strings.bare(text).partition("/")
    return Wish(name=name, upstream=upstream.lower()) if catalogue.of(upstream.lower(), name) else None


def model_named(name: str, catalogue: Catalogue) -> str:
    """The catalogue's model that goes by this name, in any case and as Claude Code lists it; empty if none does."""
    for candidate in (name, name.lower()):
        if catalogue.get(candidate):
            return candidate
    low = name.lower()
    bare = next((low.removeprefix(prefix) for prefix in CLAUDE_LISTS if low.startswith(prefix)), "")
    return bare if bare and catalogue.get(bare) else ""


def slot_named(name: str) -> SlotName | None:
    """The slot that a name means; every name of Claude's means one."""
    low = name.lower()
    if low in SHORT:
        return SHORT[low]
    if model_strings.is_claudes(name):
        return next((slot for word, slot in FAMILIES if word in low), "other")
    return None


def _behind(outer: Wish, inner: Wish) -> Wish:
    """What an alias stands for, with what was said around the alias."""
    return Wish(
        name=inner.name,
        effort=outer.effort or inner.effort,
        tier=outer.tier or inner.tier,
        upstream=outer.upstream or inner.upstream,
        notes=(*outer.notes, *inner.notes),
    )
