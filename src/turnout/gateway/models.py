"""The doors that tell which models there are: in Anthropic's form, in OpenAI's, and in Turnout's own."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import msgspec

from turnout.gateway import model_lists
from turnout.gateway.doors import JSON, MODELS, MODELS_REFRESH, OWN_MODELS, speaks_openai
from turnout.protocol.errors import FailureKind, fail
from turnout.routing.mapping import Nothing, mapping
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live, Snapshot
    from turnout.gateway.model_lists import Offer
    from turnout.gateway.refreshing import Refresher
    from turnout.gateway.who import Who


class ModelsDoor:
    """Answers at the paths of models."""

    def __init__(self, live: Live, refresher: Refresher, who: Who) -> None:
        self._live = live
        self._refresher = refresher
        self._lists = refresher.catalogues.lists
        self._who = who
        self._kept: tuple[Snapshot, Sequence[Offer]] | None = None

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request. Raises `TurnoutError`."""
        if path == MODELS_REFRESH:
            await self.refresh()
        if path in (MODELS_REFRESH, OWN_MODELS):
            body = await self.report()
        elif path == MODELS:
            body = self._list(exchange, self._live.snapshot)
        else:
            body = self._one(exchange, path.removeprefix(f"{MODELS}/"), self._live.snapshot)
        await exchange.answer(200, dict(JSON), body)

    async def report(self) -> bytes:
        """All that is known of the models, and what Claude's names stand for, as JSON."""
        now = self._live.snapshot
        slots = mapping(now.config, now.catalogue, upstreams=now.offers, plan=self._who.plan(), every=True)
        lists = await asyncio.to_thread(self._lists.report, now.config)
        report = model_lists.report(
            now.catalogue, slots, now.config, now=time.time(), lists=lists, problem=self._refresher.problem
        )
        return msgspec.json.encode(report)

    async def refresh(self) -> None:
        """Has the upstream asked. Raises `TurnoutError`: what is known stays in force."""
        try:
            await self._refresher.now()
        except SettingsError as error:
            raise fail(FailureKind.UNREACHABLE, str(error)) from None

    def _list(self, exchange: Exchange, now: Snapshot) -> bytes:
        listed = self._listed(now)
        if speaks_openai(exchange):
            return msgspec.json.encode(model_lists.openai_list(listed))
        limit, after, before = model_lists.page_of(parse_qs(exchange.query.decode("latin-1")))
        return msgspec.json.encode(model_lists.anthropic_page(listed, limit=limit, after=after, before=before))

    def _listed(self, now: Snapshot) -> Sequence[Offer]:
        """The models that are offered under this snapshot, which may be thousands: kept while it is in force."""
        if self._kept is None or self._kept[0] is not now:
            self._kept = now, model_lists.listed(model_lists.offers(now.catalogue, now.config))
        return self._kept[1]

    def _one(self, exchange: Exchange, name: str, now: Snapshot) -> bytes:
        """The model that a request with this name would go to. Raises `TurnoutError` (`MODEL_UNAVAILABLE`)."""
        found = now.router.route(now.router.question(Nothing(name)), self._who.plan())
        facts = now.catalogue.of(found.upstream, found.model)
        if found.upstream not in now.config.custom:
            facts = now.catalogue.get(found.model) or facts
        facts = facts or model_lists.nothing_known(found.model)
        usual = found.upstream == now.config.upstream and found.upstream not in now.config.custom
        slug = found.model if usual else f"{found.upstream}/{found.model}"
        offer = model_lists.Offer(slug=slug, upstream=found.upstream, facts=facts, window=found.window)
        write = model_lists.openai_model if speaks_openai(exchange) else model_lists.anthropic_model
        return msgspec.json.encode(write(offer, name))
