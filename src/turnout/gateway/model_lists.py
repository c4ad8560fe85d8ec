"""Writes the catalogue in the forms in which clients read lists of models. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.model_lists import AnthropicModel, AnthropicPage, OpenAIList, OpenAIModel
from turnout.routing.router import window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnout.config import Config
    from turnout.models.catalogue import Source
    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.errors import Failure
    from turnout.routing.mapping import MappingLine

DISCOVERED = "anthropic/"
"""Before the names of models in Anthropic's form: Claude Code lists only ids that begin with ``claude`` or
``anthropic`` (claude-code-wire.md 8, /model picker). Routing takes it away again."""
USUAL_LIMIT = 20
OWN_PRIORITY = 1_000_000
"""Place in the list of models of upstreams of the user's own: behind the catalogue's."""
LARGEST_LIMIT = 1000
"""Models on a page of Anthropic's list."""


class ModelReport(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as ``GET /turnout/models`` and ``turnout models --json`` tell it."""

    slug: str
    name: str
    description: str
    window: int
    """Context window in tokens that the upstream gives by default."""
    usable_window: int
    """The part of it that a conversation may fill."""
    max_window: int
    output_limit: int | None
    modalities: tuple[str, ...]
    efforts: tuple[str, ...]
    default_effort: str
    tiers: tuple[str, ...]
    default_tier: str
    lite: bool
    minimal_client_version: str
    plans: tuple[str, ...]
    listed: bool
    upgrade: str


class CatalogueReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the models, and what Claude's names stand for."""

    upstream: str
    source: Source
    fetched_at: float | None
    age_seconds: int | None
    etag: str
    client_version: str
    problem: str
    """Why the upstream could not be asked the last time; empty if it could."""
    models: tuple[ModelReport, ...]
    slots: tuple[MappingLine, ...]


def report(
    catalogue: Catalogue,
    slots: Sequence[MappingLine],
    *,
    upstream: str,
    client_version: str,
    now: float,
    problem: Failure | None = None,
) -> CatalogueReport:
    """All of it. ``now`` is in Unix seconds."""
    at = catalogue.fetched_at
    return CatalogueReport(
        upstream=upstream,
        source=catalogue.source,
        fetched_at=at,
        age_seconds=None if at is None else max(0, int(now - at)),
        etag=catalogue.etag,
        client_version=client_version,
        problem=problem.text if problem is not None else "",
        models=tuple(_reported(facts) for facts in catalogue.all()),
        slots=tuple(slots),
    )


def with_own(catalogue: Catalogue, config: Config) -> Catalogue:
    """The catalogue with the models that the user has named of upstreams of their own, as ``upstream/model``.

    Where requests usually go to such an upstream, the catalogue's models are not its own and are left out.
    """
    own = [
        of_own(f"{name}/{model}", settings.window or UNKNOWN_WINDOW)
        for name, settings in config.custom.items()
        if settings.enabled
        for model in dict.fromkeys(filter(None, (settings.model, *settings.models)))
    ]
    if not own:
        return catalogue
    others = () if config.upstream in config.custom else catalogue.all()
    return Catalogue(
        (*others, *own),
        source=catalogue.source,
        fetched_at=catalogue.fetched_at,
        etag=catalogue.etag,
        refused=catalogue.refused,
    )


def of_own(name: str, window: int) -> ModelFacts:
    """What is known of a model of the user's own upstream, with this usable window in tokens."""
    return msgspec.structs.replace(
        nothing_known(name), window=window, max_window=window, api_window=window, priority=OWN_PRIORITY
    )


def anthropic_page(
    catalogue: Catalogue, offered: Capabilities, *, limit: int = USUAL_LIMIT, after: str = "", before: str = ""
) -> AnthropicPage:
    """A page of the listed models: ``limit`` of them ``after`` one id, or those just ``before`` one."""
    everything = [anthropic_model(facts, offered) for facts in catalogue.listed()]
    ids = [model.id for model in everything]
    start, end = 0, len(ids)
    if after:
        start = _place(ids, after, "after_id") + 1
    if before:
        end = _place(ids, before, "before_id")
    if before and not after:
        start = max(0, end - limit)
        more = start > 0
    else:
        more = end - start > limit
        end = min(end, start + limit)
    data = everything[start:end]
    return AnthropicPage(
        data=data, first_id=data[0].id if data else None, last_id=data[-1].id if data else None, has_more=more
    )


def anthropic_model(facts: ModelFacts, offered: Capabilities, name: str = "") -> AnthropicModel:
    """One model in Anthropic's form, under the ``name`` that was asked for."""
    return AnthropicModel(
        id=name or f"{DISCOVERED}{facts.slug}",
        display_name=facts.name or facts.slug,
        max_input_tokens=window(facts, offered),
        max_tokens=facts.output_limit,
    )


def openai_list(catalogue: Catalogue, offered: Capabilities) -> OpenAIList:
    """The listed models in OpenAI's form."""
    return OpenAIList(data=[openai_model(facts, offered) for facts in catalogue.listed()])


def openai_model(facts: ModelFacts, offered: Capabilities, name: str = "") -> OpenAIModel:
    """One model in OpenAI's form, under the ``name`` that was asked for."""
    return OpenAIModel(id=name or facts.slug, context_window=window(facts, offered))


def nothing_known(model: str) -> ModelFacts:
    """Stands in for a model that goes through to the upstream without anything being known of it."""
    return ModelFacts(
        slug=model,
        window=UNKNOWN_WINDOW,
        max_window=UNKNOWN_WINDOW,
        efforts=(),
        default_effort="",
        minimal_client_version="",
        priority=0,
    )


def page_of(query: Mapping[str, Sequence[str]]) -> tuple[int, str, str]:
    """``limit``, ``after_id`` and ``before_id`` of a request. Raises `TurnoutError` (`BAD_REQUEST`)."""
    limit = query.get("limit", [str(USUAL_LIMIT)])[-1]
    if not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_LIMIT:
        raise fail(FailureKind.BAD_REQUEST, f"limit: expected a whole number from 1 to {LARGEST_LIMIT}.")
    return int(limit), query.get("after_id", [""])[-1], query.get("before_id", [""])[-1]


def _place(ids: list[str], wanted: str, field: str) -> int:
    if wanted not in ids:
        raise fail(FailureKind.BAD_REQUEST, f"{field}: there is no model {wanted[:100]!r} in this list.")
    return ids.index(wanted)


def _reported(facts: ModelFacts) -> ModelReport:
    same = {
        field.name: getattr(facts, field.name)
        for field in msgspec.structs.fields(ModelReport)
        if field.name not in ("plans", "usable_window")
    }
    return ModelReport(**same, plans=tuple(sorted(facts.plans)), usable_window=facts.usable_window)
