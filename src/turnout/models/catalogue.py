"""What is known of each model, as records, and the collection that answers questions about them. No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Source = Literal["live", "cache", "api", "bundled"]
"""Where a catalogue is from: asked just now, kept on disk, an API's list of names, or this release."""

USABLE_PERCENT = 95
"""Share of a model's window that a conversation may fill; the Codex client counts so too (codex-backend.md 5.1)."""

UNKNOWN_WINDOW = 272_000
"""Window assumed for a model that the catalogue does not know: what nearly every model in it has."""


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one model, as in the table of codex-backend.md 5.1."""

    slug: str
    """Name on the wire."""
    name: str = ""
    """Name for people; empty: the slug."""
    description: str = ""
    """What the catalogue says of it, in its own words."""
    window: int
    """Context window in tokens that the Codex backend gives by default."""
    max_window: int
    """Largest context window in tokens that the Codex backend can give."""
    api_window: int | None = None
    """Input tokens that the OpenAI API takes, where that is established (codex-backend.md 4)."""
    output_limit: int | None = None
    """Largest answer in tokens, None where nobody has said."""
    modalities: tuple[str, ...] = ("text", "image")
    """What it reads."""
    efforts: tuple[str, ...]
    """Reasoning efforts that the server accepts, weakest first; empty: not known."""
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
    default_tier: str = ""
    """The tier that the catalogue names for requests that name none; the Codex client does not send it (5.1)."""
    speed: float | None = None
    """How many times faster its fast tier answers, where the catalogue says so."""
    plans: frozenset[str] = frozenset()
    """Plans that the catalogue offers it to; empty: not known. What a plan really has, only the server knows (5.1)."""
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
    instructions: str = ""
    """The backend's own instructions for it, where its catalogue was asked; a release has none of them."""

    @property
    def usable_window(self) -> int:
        """Tokens that a conversation through the Codex backend may fill."""
        return usable(self.window)


class Catalogue:
    """A set of models, in the catalogue's own order, and where it is from. Never changes: a lesson makes a new one."""

    def __init__(
        self,
        models: Iterable[ModelFacts],
        *,
        source: Source = "bundled",
        fetched_at: float | None = None,
        etag: str = "",
        refused: Iterable[tuple[str, str]] = (),
        beside: Mapping[str, Catalogue] | None = None,
    ) -> None:
        """``fetched_at`` is the Unix time at which the facts were asked for, None for those of the release.

        ``etag`` is the server's mark of this version. ``refused`` are models and the plans that were refused them.
        ``beside`` are the lists of other upstreams, by the upstream's name.
        """
        self.source = source
        self.fetched_at = fetched_at
        self.etag = etag
        self.refused = frozenset(refused)
        self.beside: Mapping[str, Catalogue] = dict(beside or {})
        """What other upstreams list: their models are theirs only, and are asked for as ``upstream/model``."""
        self._models = tuple(sorted(models, key=lambda facts: facts.priority))
        self._by_slug = {facts.slug: facts for facts in self._models}

    @classmethod
    def bundled(cls) -> Catalogue:
        """The catalogue that came with this release."""
        from turnout.models.bundled import MODELS

        return cls(MODELS)

    def without(self, slug: str, plan: str) -> Self:
        """The same catalogue with a lesson: the server has refused this model to an account of this plan."""
        return self._with(self._models, self.refused | {(slug, plan)})

    def allows(self, slug: str, plan: str) -> bool | None:
        """Whether a plan may use a model; None if that is not known. What the server has refused goes first."""
        if (slug, plan) in self.refused:
            return False
        facts = self.get(slug)
        if facts is None or not facts.plans or not plan:
            return None
        return plan in facts.plans

    def for_client(self, client_version: str) -> Self:
        """The same catalogue as a client of this version is shown it: without what is for newer ones only.

        The backend compares the versions itself (codex-backend.md 2.6): this is for facts from elsewhere.
        """
        mine = version(client_version)
        return self._with([facts for facts in self._models if version(facts.minimal_client_version) <= mine])

    def with_beside(self, beside: Mapping[str, Catalogue]) -> Self:
        """The same catalogue with these lists of other upstreams, and no others."""
        return self._with(self._models, beside=beside)

    def with_refused(self, refused: Iterable[tuple[str, str]]) -> Self:
        """The same catalogue with these lessons."""
        return self._with(self._models, refused)

    def get(self, slug: str) -> ModelFacts | None:
        """The facts of a model, None for one that the catalogue does not know."""
        return self._by_slug.get(slug)

    def of(self, upstream: str, slug: str) -> ModelFacts | None:
        """What another upstream's own list says of a model, None for one that it does not list."""
        listed = self.beside.get(upstream)
        return listed.get(slug) if listed is not None else None

    def _with(
        self,
        models: Iterable[ModelFacts],
        refused: Iterable[tuple[str, str]] | None = None,
        beside: Mapping[str, Catalogue] | None = None,
    ) -> Self:
        return type(self)(
            models,
            source=self.source,
            fetched_at=self.fetched_at,
            etag=self.etag,
            refused=self.refused if refused is None else refused,
            beside=self.beside if beside is None else beside,
        )

    def all(self) -> tuple[ModelFacts, ...]:
        """Every model, the one offered first at the beginning."""
        return self._models

    def listed(self) -> tuple[ModelFacts, ...]:
        """The models that are offered to users, in the catalogue's order."""
        return tuple(facts for facts in self._models if facts.listed)


def usable(window: int) -> int:
    """The part of a context window, in tokens, that a conversation may fill."""
    return window * USABLE_PERCENT // 100


def version(text: str) -> tuple[int, ...]:
    """A client's version for comparison, ``0.169.0`` as ``(0, 169, 0)``; () for one that is none."""
    parts = text.split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()
