"""A request's lane: the slot that it falls into, the slots that this one follows, and what is set of them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.models.slots import SlotName, chain
from turnout.routing import names, plans

if TYPE_CHECKING:
    from collections.abc import Collection

    from turnout.config import Config, Slot
    from turnout.models.catalogue import Catalogue
    from turnout.routing.model_strings import Wish


class Lane(msgspec.Struct, frozen=True):
    """What the configuration says to a request: its slot first, then those that it follows. Empty: a direct model."""

    slots: tuple[SlotName, ...]
    config: Config

    def first(self, field: str) -> str:
        """The first of the slots' settings of this name; empty if none is set."""
        return next((value for slot in self.slots if (value := getattr(getattr(self.config.slots, slot), field))), "")

    def or_general(self, field: str) -> str:
        """The same, and after it what is set for every slot."""
        general: str = getattr(self.config, field)
        return self.first(field) or general


def of(named: SlotName | None, config: Config, *, subagent: bool, small: bool) -> Lane:
    """The lane of a request whose name means this slot; None: it names a model of the upstream's.

    ``subagent``: a subagent asks. ``small``: it offers no tools, as Claude Code's helper calls do.
    """
    if named is None:
        return Lane((), config)
    if subagent and named != "subagent" and is_set(config.slots.subagent):
        return Lane(("subagent", *chain(named)), config)
    if small and not subagent and named == "haiku" and is_set(config.slots.background):
        return Lane(chain("background"), config)
    return Lane(chain(named), config)


def is_set(slot: Slot) -> bool:
    """Whether the user has said anything of this slot."""
    return any(msgspec.structs.astuple(slot))


def configured(
    lane: Lane,
    catalogue: Catalogue,
    upstreams: Collection[str] = (),
    seen: frozenset[str] = frozenset(),
    *,
    ruled: str = "",
    instead: str = "",
) -> Wish | None:
    """What the configuration says of the lane's model, with the model's name upstream; None if it says nothing.

    ``ruled`` is what a rule says in its place. Of a chain the first member counts, or the one ``instead``.
    """
    setting = ruled or lane.or_general("model")
    if not lane.slots or not setting or setting in seen:
        return None
    named = names.resolve(setting, lane.config.models.aliases, catalogue, upstreams, instead)
    if named.slot is None:
        return named.wish
    if named.slot in lane.slots:
        return None
    # A slot that stands for what another one stands for: `haiku = "sonnet"`.
    inner = configured(Lane(chain(named.slot), lane.config), catalogue, upstreams, seen | {setting})
    name = inner.name if inner else plans.default(named.slot, catalogue, "")[0].facts.slug
    wish = named.wish
    if inner is None:
        return msgspec.structs.replace(wish, name=name)
    return msgspec.structs.replace(
        wish,
        name=name,
        effort=wish.effort or inner.effort,
        tier=wish.tier or inner.tier,
        upstream=wish.upstream or inner.upstream,
        chain=wish.chain or inner.chain,
    )
