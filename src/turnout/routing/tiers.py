"""Which service tier a request is sent with: what it wants, and what model and upstream offer. Pure.

Claude Code's fast mode is OpenAI's tier ``priority`` (codex-backend.md 2.2, claude-code-wire.md 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from turnout.protocol.fidelity import Note, approximated, mapped

if TYPE_CHECKING:
    from msgspec import Raw

    from turnout.models.catalogue import ModelFacts
    from turnout.protocol.capabilities import Capabilities

FAST = "priority"
"""The tier that fast mode is."""
USUAL = "default"
"""The tier that need not be asked for."""
_SAID = {
    b'"priority"': FAST,
    b'"fast"': FAST,
    b'"flex"': "flex",
    b'"standard_only"': USUAL,
    b'"default"': USUAL,
}
"""What clients say in ``service_tier``, in JSON."""


class Wanting(Protocol):
    """The fields of a request that say a tier."""

    @property
    def speed(self) -> Raw: ...
    @property
    def service_tier(self) -> Raw: ...


def of_request(request: Wanting) -> str:
    """The tier that a client means: `FAST` for fast mode, `USUAL` for ``standard_only``; empty if it says none."""
    if bytes(request.speed) == b'"fast"':
        return FAST
    return _SAID.get(bytes(request.service_tier), "")


def chosen(
    wanted: str, facts: ModelFacts | None, capabilities: Capabilities, model: str
) -> tuple[str | None, tuple[Note, ...]]:
    """The tier to ask for, None to leave it to the upstream; and what there is to say about it.

    ``wanted`` is a tier, or empty; ``facts`` are those of ``model``.
    """
    tier = FAST if wanted == "fast" else wanted
    if tier in ("", USUAL):
        return None, ()
    if tier not in capabilities.tiers or "service_tier" not in capabilities.fields:
        return None, (approximated("service_tier", f"{tier} was not asked for: the upstream has no such tier"),)
    if capabilities.catalogued and tier not in (facts.tiers if facts else ()):
        return None, (approximated("service_tier", f"{tier} was not asked for: {model} is not known to have it"),)
    return tier, (mapped("service_tier", f"asked for as {tier}"),)
