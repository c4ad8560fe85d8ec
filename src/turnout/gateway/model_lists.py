"""Writes the catalogue in the forms in which clients read lists of models. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts, usable
from turnout.protocol.capabilities import USUAL
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.model_lists import AnthropicModel, AnthropicPage, OpenAIList, OpenAIModel
from turnout.routing.router import window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from turnout.config import Config, CustomUpstream
    from turnout.discovery.lists import ListReport
    from turnout.models.catalogue import Source
    from turnout.protocol.errors import Failure
    from turnout.routing.mapping import MappingLine

DISCOVERED = "anthropic/"
"""Before the names of models in Anthropic's form: Claude Code lists only ids that begin with ``claude`` or
``anthropic`` (claude-code-wire.md 8, /model picker). Routing takes it away again."""
USUAL_LIMIT = 20
LARGEST_LIMIT = 1000
"""Models on a page of Anthropic's list."""


class ModelReport(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as ``GET /turnout/models`` and ``turnout models --json`` tell it."""

    slug: str
    """What it is asked for by: the name alone for the upstream in use, else ``upstream/name``."""
    upstream: str
    """Where requests for it go."""
    name: str
    description: str
    window: int
    """Context window in tokens that the upstream gives by default."""
    window_known: bool
    """False: nobody has told the window, and what most models have is assumed."""
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
    lists: tuple[ListReport, ...]
    """How it stands with the lists of other upstreams, and with that of the one in use if it is the user's own."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A model that requests can ask for."""

    slug: str
    """What it is asked for by."""
    upstream: str
    facts: ModelFacts
    window: int
    """Usable context window in tokens."""
    window_known: bool = True


def report(
    catalogue: Catalogue,
    slots: Sequence[MappingLine],
    config: Config,
    *,
    now: float,
    lists: Sequence[ListReport] = (),
    problem: Failure | None = None,
) -> CatalogueReport:
    """All of it. ``now`` is in Unix seconds."""
    at = catalogue.fetched_at
    return CatalogueReport(
        upstream=config.upstream,
        source=catalogue.source,
        fetched_at=at,
        age_seconds=None if at is None else max(0, int(now - at)),
        etag=catalogue.etag,
        client_version=config.codex.client_version,
        problem=problem.text if problem is not None else "",
        models=tuple(_reported(offer) for offer in offers(catalogue, config)),
        slots=tuple(slots),
        lists=tuple(lists),
    )


def offers(catalogue: Catalogue, config: Config) -> tuple[Offer, ...]:
    """Every model that is known: the catalogue's, those that the user has named of upstreams of their own, and those
    that other upstreams list, as ``upstream/model``.

    Where requests usually go to one of the user's own, the catalogue's models are not its own and are left out.
    """
    usual = config.upstream
    made = []
    if (offered := USUAL.get(usual)) is not None:
        made = [
            Offer(slug=facts.slug, upstream=usual, facts=facts, window=window(facts, offered))
            for facts in catalogue.all()
        ]
    for name, settings in config.custom.items():
        if settings.enabled:
            made += _of_own(name, settings, catalogue)
    if usual != "openai" and (listed := catalogue.beside.get("openai")):
        made += [_of_openai(facts) for facts in listed.all()]
    return tuple(made)


def _of_openai(facts: ModelFacts) -> Offer:
    """A model of the OpenAI API beside another upstream. It says no window: that of a known model counts."""
    return Offer(
        slug=f"openai/{facts.slug}",
        upstream="openai",
        facts=facts,
        window=window(facts, USUAL["openai"]),
        window_known=bool(facts.efforts or facts.api_window),
    )


def _of_own(name: str, settings: CustomUpstream, catalogue: Catalogue) -> Iterator[Offer]:
    """The models of an upstream of the user's own: first those that the configuration names."""
    named = [*dict.fromkeys(filter(None, (settings.model, *settings.models)))]
    listed = catalogue.beside.get(name)
    for model in named:
        said = listed.get(settings.models.get(model, model)) if listed is not None else None
        yield _own(name, model, settings, said or nothing_known(model))
    for facts in listed.all() if listed is not None else ():
        if facts.slug not in named:
            yield _own(name, facts.slug, settings, facts)


def _own(upstream: str, model: str, settings: CustomUpstream, facts: ModelFacts) -> Offer:
    told = settings.window or (facts.api_window and usable(facts.api_window))
    return Offer(
        slug=f"{upstream}/{model}",
        upstream=upstream,
        facts=facts,
        window=told or usable(UNKNOWN_WINDOW),
        window_known=bool(told),
    )


def listed(everything: Iterable[Offer]) -> list[Offer]:
    """Those that are offered to users."""
    return [offer for offer in everything if offer.facts.listed]


def anthropic_page(
    listed: Sequence[Offer], *, limit: int = USUAL_LIMIT, after: str = "", before: str = ""
) -> AnthropicPage:
    """A page of the models: ``limit`` of them ``after`` one id, or those just ``before`` one."""
    ids = [f"{DISCOVERED}{offer.slug}" for offer in listed]
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
    data = [anthropic_model(offer, name) for offer, name in zip(listed[start:end], ids[start:end], strict=True)]
    return AnthropicPage(
        data=data, first_id=data[0].id if data else None, last_id=data[-1].id if data else None, has_more=more
    )


def anthropic_model(offer: Offer, name: str) -> AnthropicModel:
    """One model in Anthropic's form, under the ``name`` that it is asked for by."""
    facts = offer.facts
    beside = offer.slug != facts.slug
    return AnthropicModel(
        id=name,
        display_name=(f"{facts.name} ({offer.upstream})" if facts.name and beside else facts.name) or offer.slug,
        max_input_tokens=offer.window,
        max_tokens=facts.output_limit,
    )


def openai_list(listed: Iterable[Offer]) -> OpenAIList:
    """The models in OpenAI's form."""
    return OpenAIList(data=[openai_model(offer, offer.slug) for offer in listed])


def openai_model(offer: Offer, name: str) -> OpenAIModel:
    """One model in OpenAI's form, under the ``name`` that it is asked for by."""
    whose = "openai" if offer.upstream in USUAL else offer.upstream
    return OpenAIModel(id=name, owned_by=whose, context_window=offer.window)


def nothing_known(model: str) -> ModelFacts:
    """Stands in for a model that goes through to the upstream without anything being known of it."""
    return ModelFacts(
        slug=model,
        window=UNKNOWN_WINDOW,
        max_window=UNKNOWN_WINDOW,
        efforts=(),
        default_effort="",
        tiers=(),
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


def _reported(offer: Offer) -> ModelReport:
    facts = offer.facts
    same = {
        field.name: getattr(facts, field.name)
        for field in msgspec.structs.fields(ModelReport)
        if field.name not in ("slug", "upstream", "window", "window_known", "plans", "usable_window")
    }
    told = facts.window if offer.upstream in USUAL else facts.api_window or offer.window
    return ModelReport(
        **same,
        slug=offer.slug,
        upstream=offer.upstream,
        window=told,
        window_known=offer.window_known,
        plans=tuple(sorted(facts.plans)),
        usable_window=facts.usable_window if offer.upstream in USUAL else offer.window,
    )
