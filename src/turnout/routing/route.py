"""The decision about one request, as a value."""

from __future__ import annotations

import msgspec

from turnout.models.slots import SLOTS, SlotName
from turnout.protocol.fidelity import Note
from turnout.translate.target import Framing

DIRECT = "direct"
"""In place of a slot: the request names a model of the upstream's."""


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes and how. Made by `turnout.routing.router.route`, read by everything after it."""

    upstream: str
    """Name of the upstream: ``codex``, ``openai`` or one of the user's own."""
    account: str = ""
    """Nickname of the account to send it with; empty: the upstream's usual one."""
    slot: str
    """The slot that the request falls into: one of `SLOTS`, or `DIRECT`."""
    model_asked: str
    """The client's model string, verbatim; echoed in the answer (claude-code-wire.md 3)."""
    model: str
    """The model's name upstream."""
    chosen: bool = True
    """Somebody has chosen this model, be it the client or the configuration; False: the catalogue has."""
    effort: str | None
    """Effort after capping to what the model supports; None leaves it to the upstream."""
    effort_asked: str | None = None
    """Effort that the request means, before capping."""
    tier: str | None = None
    """Service tier to ask for; None leaves it to the upstream."""
    framing: Framing
    window: int
    """The model's usable context window in tokens."""
    tool_search: bool = False
    """The model knows the upstream's own way of loading tools while a conversation runs."""
    image_detail: str = "auto"
    """The ``detail`` that images are sent with."""
    fallbacks: tuple[str, ...] = ()
    """Model strings to go on with, one after the other, where this route fails: the rest of a chain."""
    plan_counts: bool = False
    """It depends on the account's plan and on the announced client version whether the model is to be had."""
    notes: tuple[Note, ...] = ()
    """What was approximated on the way, in words."""

    @property
    def known_slot(self) -> SlotName | None:
        """The slot; None for `DIRECT`."""
        return self.slot if self.slot in SLOTS else None
