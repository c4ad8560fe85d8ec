"""The decision about one request, as a value."""

from __future__ import annotations

import msgspec

from turnout.protocol.fidelity import Note
from turnout.translate.target import Framing


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes and how. Made by `turnout.routing.router.route`, read by everything after it."""

    upstream: str
    """Name of the upstream: ``codex`` or ``openai``."""
    slot: str
    """The slot of the asked model: ``opus``, ``sonnet``, ``haiku``, ``other``; ``direct`` for a name that passes."""
    model_asked: str
    """The client's model string, verbatim; echoed in the answer (claude-code-wire.md 3)."""
    model: str
    """The model's name upstream."""
    effort: str | None
    """Effort after capping to what the model supports; None leaves it to the upstream."""
    effort_asked: str | None = None
    """Effort that the request means, before capping."""
    framing: Framing
    window: int
    """The model's usable context window in tokens."""
    tool_search: bool = False
    """The model knows the upstream's own way of loading tools while a conversation runs."""
    image_detail: str = "auto"
    """The ``detail`` that images are sent with."""
    notes: tuple[Note, ...] = ()
    """What was approximated on the way, in words."""
