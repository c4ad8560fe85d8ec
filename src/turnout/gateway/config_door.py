"""The doors that show and change the running gateway's configuration: ``/turnout/config``, and those of claudex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from turnout.gateway.doors import CLAUDEX_CONFIG, CLAUDEX_MODELS, CLAUDEX_REFRESH, JSON
from turnout.models.slots import SLOTS
from turnout.protocol.errors import FailureKind, fail
from turnout.settings import report

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from turnout.gateway.exchange import Exchange
    from turnout.gateway.live import Live
    from turnout.gateway.steering import Outcome, Steering

Body = TypeVar("Body")

PERSIST = "persist"
"""The key of a request's body that is no setting: whether the change is written to the file."""


class Claudex(msgspec.Struct, frozen=True):
    """The body of ``POST /claudex/config``: what is left out stays, null and empty text take it back."""

    model: str | msgspec.UnsetType | None = msgspec.UNSET
    reasoning: str | msgspec.UnsetType | None = msgspec.UNSET


class ConfigDoor:
    """Answers at these paths."""

    def __init__(self, live: Live, steering: Steering, refresh: Callable[[], Awaitable[object]]) -> None:
        """``refresh`` has the upstream's models asked for. Raises `TurnoutError`."""
        self._live = live
        self._steering = steering
        self._refresh = refresh

    async def answer(self, exchange: Exchange, path: str) -> None:
        """Answers one request. Raises `TurnoutError`."""
        if path == CLAUDEX_CONFIG:
            body = await self._claudex_config(exchange)
        elif path in (CLAUDEX_MODELS, CLAUDEX_REFRESH):
            if path == CLAUDEX_REFRESH:
                await self._refresh()
            body = self._claudex_models()
        elif exchange.method == "POST":
            body = await self._change(exchange)
        else:
            body = self._state()
        await exchange.answer(200, dict(JSON), msgspec.json.encode(body))

    def _state(self) -> dict[str, object]:
        steering = self._steering
        loaded = msgspec.structs.replace(steering.loaded, config=self._live.config)
        return {
            "settings": report.as_json(report.values(loaded)),
            "file": str(steering.file) if steering.file is not None else None,
            "restart": steering.restart,
            "problem": steering.problem or None,
        }

    async def _change(self, exchange: Exchange) -> dict[str, object]:
        wanted = await self._read(exchange, dict[str, Any])
        persist = wanted.pop(PERSIST, False)
        if not isinstance(persist, bool):
            raise fail(FailureKind.BAD_REQUEST, f"{PERSIST} must be true or false.")
        return self._said(await self._steering.tell(wanted, persist=persist))

    def _said(self, outcome: Outcome) -> dict[str, object]:
        loaded = msgspec.structs.replace(self._steering.loaded, config=self._live.config)
        return {
            "changed": report.as_json(each for each in report.values(loaded) if each.key in outcome.changed),
            "restart": outcome.restart,
            "written": str(outcome.written) if outcome.written is not None else None,
        }

    async def _claudex_config(self, exchange: Exchange) -> dict[str, object]:
        if exchange.method == "POST":
            asked = await self._read(exchange, Claudex)
            names = {"model": asked.model, "effort": asked.reasoning}
            wanted = {key: value or None for key, value in names.items() if value is not msgspec.UNSET}
            await self._steering.tell(wanted)
        config = self._live.config
        return {"status": "ok", "config": {"model": config.model or None, "reasoning": config.effort or None}}

    def _claudex_models(self) -> dict[str, object]:
        from turnout.routing.mapping import mapping

        snapshot = self._live.snapshot
        catalogue = snapshot.catalogue
        slots = {line.slot: line.model for line in mapping(snapshot.config, catalogue, upstreams=snapshot.offers)}
        return {
            "models": [{"id": facts.slug, "name": facts.name or facts.slug} for facts in catalogue.listed()],
            "mapping": {slot: slots[slot] for slot in SLOTS[:3]},
            "source": catalogue.source,
            "fetchedAt": catalogue.fetched_at and int(catalogue.fetched_at * 1000),
        }

    async def _read(self, exchange: Exchange, kind: type[Body]) -> Body:
        server = self._live.config.server
        data = await exchange.body(server.body_limit, server.body_timeout)
        try:
            return msgspec.json.decode(data or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise fail(FailureKind.BAD_REQUEST, f"The request's body cannot be read: {error}.") from None
