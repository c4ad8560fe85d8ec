"""What each slot stands for at this moment, and why: for start-up, `turnout models` and reports. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.models.slots import FOLLOWS, SLOTS, SlotName
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.routing import plans
from turnout.routing.lanes import is_set
from turnout.routing.router import route
from turnout.routing.unknown import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turnout.config import Config
    from turnout.models.catalogue import Catalogue
    from turnout.routing.route import Route

ALWAYS: tuple[SlotName, ...] = ("opus", "sonnet", "haiku", "other")
"""Slots that are always shown; the others stand for the same until something is set of them."""
NULL = Raw(b"null")
TOOLS = Raw(b"[{}]")


class MappingLine(msgspec.Struct, frozen=True, kw_only=True):
    """What one slot stands for at this moment."""

    slot: SlotName
    model: str
    effort: str | None
    """Effort after capping, for requests that name none; None leaves it to the upstream."""
    upstream: str
    window: int
    """Usable context window in tokens."""
    tier: str | None = None
    account: str = ""
    """Nickname; empty: the upstream's usual account."""
    chosen: bool = False
    """The model was chosen by the user; False: from the catalogue."""
    why: str = ""
    """Why it is this model."""
    warnings: tuple[str, ...] = ()
    """What is to be said of it: that the plan may not have it, that its effort is another one than wanted."""

    def __str__(self) -> str:
        parts = [self.model, self.effort or "its own effort", self.upstream, self.tier or "", self.account]
        return f"{self.slot:<6} → {' · '.join(filter(None, parts))}"


class Nothing(msgspec.Struct, frozen=True):
    """A request that says a model's name and nothing else."""

    model: str
    thinking: None = None
    output_config: None = None
    tools: Raw = TOOLS
    speed: Raw = NULL
    service_tier: Raw = NULL


def mapping(
    config: Config,
    catalogue: Catalogue,
    *,
    upstreams: Mapping[str, Capabilities] | None = None,
    plan: str = "",
    every: bool = False,
) -> list[MappingLine]:
    """What the slots stand for: those of which something is set, or ``every`` one. The rest is as for `route`.

    Without ``upstreams`` those count that the configuration names.
    """
    upstreams = named_upstreams(config) if upstreams is None else upstreams
    shown = [slot for slot in SLOTS if every or slot in ALWAYS or is_set(getattr(config.slots, slot))]
    return [_line(slot, config, catalogue, upstreams, plan) for slot in shown]


def named_upstreams(config: Config) -> Mapping[str, Capabilities]:
    """The upstreams that the configuration names, for routing where none of them is built."""
    own = {name: Capabilities(tiers=frozenset()) for name, settings in config.custom.items() if settings.enabled}
    return {**USUAL, **own}


def _line(
    slot: SlotName, config: Config, catalogue: Catalogue, upstreams: Mapping[str, Capabilities], plan: str
) -> MappingLine:
    # The user's aliases are for requests' names: here the slot itself is meant.
    models = msgspec.structs.replace(config.models, aliases=_without_slots(config.models.aliases))
    plain = msgspec.structs.replace(config, models=models)
    found = route(Nothing("" if slot == "other" else slot), plain, catalogue, upstreams=upstreams, plan=plan)
    if found.chosen:
        why = "set in the configuration"
    else:
        why = plans.default(slot, catalogue, plan if found.plan_counts else plans.API)[0].why
        if slot in FOLLOWS:
            why = f"follows {FOLLOWS[slot]}"
    return MappingLine(
        slot=slot,
        model=found.model,
        effort=found.effort,
        upstream=found.upstream,
        window=found.window,
        tier=found.tier,
        account=found.account,
        chosen=found.chosen,
        why=why,
        warnings=tuple(_warnings(found, config, catalogue)),
    )


def _warnings(found: Route, config: Config, catalogue: Catalogue) -> Iterator[str]:
    if found.chosen and found.plan_counts and catalogue.get(found.model) is None:
        close = nearest(found.model, (facts.slug for facts in catalogue.listed()))
        yield f"{found.model} is in no list of models" + (f"; the nearest is {close[0]}" if close else "")
    # That a slot's own effort is more than its model has is no news: nobody has asked for it.
    set_effort = bool(config.effort) or any(getattr(config.slots, slot).effort for slot in SLOTS)
    for note in found.notes:
        if note.action == "approximated" and (note.place != "effort" or (set_effort and catalogue.get(found.model))):
            yield note.reason


def _without_slots(aliases: Mapping[str, str]) -> dict[str, str]:
    return {name: target for name, target in aliases.items() if name.lower() not in SLOTS}
