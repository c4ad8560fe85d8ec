"""What is known of each model, as records, and the collection that answers questions about them. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

USABLE_PERCENT = 95
"""Share of a model's window that a conversation may fill; the Codex client counts so too (codex-backend.md 5.1)."""

UNKNOWN_WINDOW = 272_000
"""Window assumed for a model that the catalogue does not know: what nearly every model in it has."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one model, as in the table of codex-backend.md 5.1."""

    slug: str
    """Name on the wire."""
    window: int
    """Context window in tokens that the Codex backend gives by default."""
    max_window: int
    """Largest context window in tokens that the Codex backend can give."""
    api_window: int | None = None
    """Input tokens that the OpenAI API takes, where that is established (codex-backend.md 4)."""
    efforts: tuple[str, ...]
    """Reasoning efforts that the server accepts, weakest first."""
    default_effort: str
    """Effort that the server uses when a request names none."""
    multi_agent: bool = False
    """Offered with the client's ``ultra`` preset, in which it leads other agents."""
    multi_agent_effort: str | None = None
    """What ``ultra`` stands for on the wire; None: the highest effort (codex-backend.md 5.3)."""
    lite: bool = True
    """The Codex client itself uses the lite framing for it (codex-backend.md 2.3)."""
    tiers: tuple[str, ...] = ("priority",)
    """Service tiers that a ChatGPT account may ask for."""
    minimal_client_version: str
    """Oldest Codex client version that the backend offers it to."""
    original_images: bool = True
    """Takes images with ``detail`` ``original`` (codex-backend.md 2.5, 5.1)."""
    listed: bool = True
    """Shown in the client's model picker."""
    priority: int
    """The catalogue's own order: 1 is offered first."""
    upgrade: str = ""
    """The model that the catalogue recommends in its place."""

    @property
    def usable_window(self) -> int:
        """Tokens that a conversation through the Codex backend may fill."""
        return usable(self.window)


class Catalogue:
    """A set of models, in the catalogue's own order."""

    def __init__(self, models: Iterable[ModelFacts]) -> None:
        self._models = tuple(sorted(models, key=lambda facts: facts.priority))
        self._by_slug = {facts.slug: facts for facts in self._models}

    @classmethod
    def bundled(cls) -> Catalogue:
        """The catalogue that came with this release."""
        from turnout.models.bundled import MODELS

        return cls(MODELS)

    def get(self, slug: str) -> ModelFacts | None:
        """The facts of a model, None for one that the catalogue does not know."""
        return self._by_slug.get(slug)

    def all(self) -> tuple[ModelFacts, ...]:
        """Every model, the one offered first at the beginning."""
        return self._models

    def listed(self) -> tuple[ModelFacts, ...]:
        """The models that are offered to users, in the catalogue's order."""
        return tuple(facts for facts in self._models if facts.listed)


def usable(window: int) -> int:
    """The part of a context window, in tokens, that a conversation may fill."""
    return window * USABLE_PERCENT // 100
