"""Keeps the lists of the upstreams beside the one in use fresh in a running gateway: those of the user's own, and the
OpenAI API's where there is a key for it.

Nobody waits for them: they are asked side by side in the background, and what was known stays in force meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from turnout import log
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from turnout.config import Config
    from turnout.discovery.catalogues import Catalogues
    from turnout.gateway.live import Live, Snapshot
    from turnout.models.catalogue import Catalogue

ASK_A_PERSON = ("command:", "keyring:")
"""Keys that may have a person asked to unlock something. Nobody is asked for a list alone: not before a request has
needed the key, or the user wants the lists now."""


class OtherLists:
    """One gateway's. `start` and all else belong to its event loop."""

    def __init__(
        self, live: Live, catalogues: Catalogues, *, first_pause: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``first_pause`` is in seconds from a failure to the next try; it doubles with each further one. ``clock`` is
        a monotonic one."""
        self._live = live
        self._catalogues = catalogues
        self._lists = catalogues.lists
        self._first_pause = first_pause
        self._clock = clock
        self._failures: dict[str, int] = {}
        """How often an upstream has failed since it was last asked well."""
        self._told: dict[str, FailureKind] = {}
        """What of that stands in the log."""
        self._again_at: dict[str, float] = {}
        """When an upstream is looked after again, by the clock."""
        self._unlocked: set[str] = set()
        """Upstreams whose key a request has needed."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reads = _what_counts(live.config)

    def start(self) -> None:
        """Begins to ask by itself, in the running event loop."""
        self._live.subscribe(self._config_may_have_changed)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Ends it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def used(self, upstream: str) -> None:
        """An answer has come from the upstream: its key is at hand, and there is a way to it."""
        is_back = self._told.get(upstream) is FailureKind.UNREACHABLE
        if upstream in self._unlocked and not is_back:
            return
        self._unlocked.add(upstream)
        if is_back:
            self._again_at.pop(upstream, None)
        if is_back or _asks_a_person(self._live.config, upstream):
            self._wake.set()

    async def now(self, snapshot: Snapshot) -> dict[str, Failure]:
        """Asks all of them, whatever is known, and puts the answers in force. Gives those that could not be asked.

        The caller holds the ``snapshot``.
        """
        return await self._ask_all(snapshot, self._lists.wanted(snapshot.config))

    async def _ask_all(self, snapshot: Snapshot, names: Iterable[str]) -> dict[str, Failure]:
        there = [name for name in names if name in snapshot.upstreams]
        if not there:
            return {}
        facts = await asyncio.to_thread(self._catalogues.facts, snapshot.config)
        failures = await asyncio.gather(*(self._ask(snapshot, name, facts) for name in there))
        return {name: failure for name, failure in zip(there, failures, strict=True) if failure is not None}

    async def _ask(self, snapshot: Snapshot, name: str, facts: Catalogue) -> Failure | None:
        interval, upstream = snapshot.config.models.refresh, snapshot.upstreams[name]
        try:
            found = await self._lists.ask(snapshot.config, name, upstream, facts=facts)
        except TurnoutError as error:
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            self._again_at[name] = self._clock() + min(interval, self._first_pause * 2.0 ** min(failures - 1, 20))
            failure = error.failure
            if self._told.get(name) is not failure.kind:
                log.get().warning(
                    "models_not_refreshed", upstream=name, kind=failure.kind.value, reason=failure.message
                )
            self._told[name] = failure.kind
            return failure
        self._again_at[name] = self._clock() + interval
        self._well(name, found)
        if self._live.snapshot.upstreams.get(name) is upstream:  # else another server goes by that name meanwhile
            self._use({name: found})
        return None

    def _well(self, name: str, found: Catalogue) -> None:
        self._failures.pop(name, None)
        if self._told.pop(name, None) is not None:
            log.get().info("models_refreshed", upstream=name, models=len(found.all()))

    def _use(self, found: Mapping[str, Catalogue]) -> None:
        catalogue = self._live.catalogue
        self._live.use_catalogue(catalogue.with_beside({**catalogue.beside, **found}))

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause: float | None = self._first_pause
            try:
                pause = await self._look()
            except Exception:  # noqa: BLE001 (told in the log; a gateway serves without fresh lists as well)
                log.get().exception("defect")
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> float | None:
        """Asks those whose time it is; the seconds until the next look, None for never."""
        with self._live.hold() as snapshot:
            config = snapshot.config
            if not config.models.refresh:
                return None
            wanted = await asyncio.to_thread(self._lists.wanted, config)
            names = [name for name in wanted if name in self._unlocked or not _asks_a_person(config, name)]
            await self._ask_all(snapshot, [name for name in names if await self._is_due(config, name)])
        pauses = [self._again_at[name] - self._clock() for name in names if name in self._again_at]
        return max(0.0, min(pauses, default=config.models.refresh))

    async def _is_due(self, config: Config, name: str) -> bool:
        """Whether the upstream is to be asked now: not while what another gateway of this user has kept is young, which
        is put in force then."""
        if self._again_at.get(name, 0.0) > self._clock():
            return False
        rest = await asyncio.to_thread(self._lists.rest, config, name)
        if rest <= 0:
            return True
        self._again_at[name] = self._clock() + rest
        kept = (await asyncio.to_thread(self._lists.known, config)).get(name)
        mine = self._live.catalogue.beside.get(name)
        if kept is not None and (mine is None or (kept.fetched_at or 0) > (mine.fetched_at or 0)):
            self._well(name, kept)
            self._use({name: kept})
        return False

    def _config_may_have_changed(self) -> None:
        config = self._live.config
        now = _what_counts(config)
        if now == self._reads:
            return
        self._reads = now
        self._again_at.clear()
        self._live.use_catalogue(self._live.catalogue.with_beside(self._lists.known(config)))
        self._wake.set()


def _asks_a_person(config: Config, name: str) -> bool:
    own = config.custom.get(name)
    return own is not None and own.key.startswith(ASK_A_PERSON)


def _what_counts(config: Config) -> tuple[object, ...]:
    """What of the configuration decides which lists there are, and how they are asked for."""
    own = {
        name: (
            *(each.enabled, each.list_models, each.base_url, each.query, each.key, each.key_header, each.headers),
            *(each.proxy, each.tls),
        )
        for name, each in config.custom.items()
    }
    openai = config.openai
    return (config.upstream, config.upstreams.openai, openai.base_url, openai.api_key, config.models.refresh, own)
