"""Keeps the running gateway's catalogue fresh: asks at the start, every hour, and when an answer says it has changed.

Failures are told once in the log, and the last good catalogue stays in force. The lists of other upstreams have
`turnout.gateway.other_lists`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from turnout import log
from turnout.discovery import asking
from turnout.discovery.lists import failure_of
from turnout.gateway.other_lists import OtherLists
from turnout.protocol.errors import Failure, TurnoutError
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.config import Config
    from turnout.discovery.catalogues import Catalogues
    from turnout.gateway.live import Live, Snapshot
    from turnout.models.catalogue import Catalogue
    from turnout.upstream.base import Upstream

FIRST_PAUSE = 60.0
"""Seconds after a failure until the next try; they double with each further one, up to the usual interval."""
QUIET_SECONDS = 300.0
"""How long a list counts as true whatever answers say of it: the Codex CLI keeps its own so long (codex-backend.md
5.2). Accounts of different plans may see different lists."""
ETAG = "x-models-etag"
"""Header of model answers: the mark of the catalogue in force upstream."""


class Refresher:
    """One gateway's. `start` and all else belong to its event loop."""

    def __init__(
        self,
        live: Live,
        catalogues: Catalogues,
        *,
        first_pause: float = FIRST_PAUSE,
        quiet: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``first_pause`` and ``quiet`` are in seconds, as the constants say; ``clock`` is a monotonic one."""
        self._live = live
        self.catalogues = catalogues
        """Where it asks and keeps."""
        self._first_pause = first_pause
        self._quiet = quiet
        self._clock = clock
        self.problem: Failure | None = None
        """Why the last question has failed; None if it has not, or nobody has asked yet."""
        self._failures = 0
        self._asked_at = float("-inf")
        self._account = ""
        """Tag of the account that was last asked as."""
        self._asking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._reads = _what_counts(live.config)
        self._others = OtherLists(live, catalogues, first_pause=first_pause, clock=clock)

    def start(self) -> None:
        """Begins to ask by itself, in the running event loop."""
        self._live.subscribe(self._config_may_have_changed)
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._others.start()

    async def close(self) -> None:
        """Ends it."""
        await self._others.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def notice(self, credential: Credential, headers: Mapping[str, str]) -> None:
        """An answer has come with these headers: a catalogue that has changed is asked for soon."""
        if credential.upstream:
            self._others.used(credential.upstream)
        etag = headers.get(ETAG)
        if not etag or etag == self._live.catalogue.etag or credential.tag != self._account:
            return
        if self._clock() - self._asked_at >= self._quiet:
            self._wake.set()

    async def now(self) -> None:
        """Asks every upstream that has a list, whatever is known already, and puts the answers in force.

        Raises `TurnoutError` or `SettingsError` if the one in use cannot be asked: what is known of it stays. What
        others answer counts all the same.
        """
        with self._live.hold() as snapshot:
            usual = snapshot.config.upstream
            if usual not in asking.NAMES:
                failure = (await self._others.now(snapshot)).get(usual)
                if failure is not None:
                    raise TurnoutError(failure)
                return
            done = await asyncio.gather(self._now(), self._others.now(snapshot), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each

    async def _now(self) -> None:
        async with self._asking:
            with self._live.hold() as snapshot:
                await self._ask(snapshot)

    async def _ask(self, snapshot: Snapshot) -> None:
        upstream = snapshot.upstreams[snapshot.config.upstream]
        self._asked_at = self._clock()
        self._account = await self._as_whom(upstream)
        try:
            found = await self.catalogues.ask(snapshot.config, upstream)
        except (TurnoutError, SettingsError) as error:
            self._failed(error)
            raise
        before = self._live.catalogue
        if found.etag and found.etag == before.etag:
            found = found.with_refused(before.refused)
        self._use(found)
        if self._failures:
            log.get().info("models_refreshed", upstream=snapshot.config.upstream, models=len(found.all()))
        self.problem, self._failures = None, 0

    def _use(self, found: Catalogue) -> None:
        """Puts a catalogue in force, beside the lists of others as they are."""
        self._live.use_catalogue(found.with_beside(self._live.catalogue.beside))

    def _failed(self, error: TurnoutError | SettingsError) -> None:
        failure = failure_of(error)
        self._failures += 1
        if self.problem is None or self.problem.kind is not failure.kind:
            log.get().warning("models_not_refreshed", kind=failure.kind.value, reason=failure.message)
        self.problem = failure

    async def _run(self) -> None:
        woken = False
        while True:
            self._wake.clear()
            pause = await self._look(woken=woken)
            try:
                async with asyncio.timeout(pause):
                    woken = await self._wake.wait()
            except TimeoutError:
                woken = False

    async def _look(self, *, woken: bool) -> float | None:
        """Asks if it is time, or if something has changed; the seconds until the next look, None for never."""
        config = self._live.config
        interval = config.models.refresh
        if not interval or config.upstream not in asking.NAMES:
            return None
        try:
            if not woken and (rest := await self._rest()) > 0:
                return rest
            await self._now()
        except (TurnoutError, SettingsError):
            return min(interval, self._first_pause * 2.0 ** min(self._failures - 1, 20))
        except Exception:  # noqa: BLE001 (told in the log; a gateway serves without a fresh catalogue as well)
            log.get().exception("defect")
        return interval

    async def _rest(self) -> float:
        """Seconds for which nobody has to be asked, since this user's gateways have asked lately; what they keep then
        is put in force."""
        snapshot = self._live.snapshot
        self._account = await self._as_whom(snapshot.upstreams[snapshot.config.upstream])
        rest = self.catalogues.rest(snapshot.config, self._account)
        if rest > 0:
            kept = self.catalogues.known(snapshot.config)
            if (kept.fetched_at or 0) > (snapshot.catalogue.fetched_at or 0):
                self._use(kept)
        return rest

    async def _as_whom(self, upstream: Upstream) -> str:
        try:
            return (await upstream.credential()).tag
        except TurnoutError as error:
            self._failed(error)
            raise

    def _config_may_have_changed(self) -> None:
        config = self._live.config
        now = _what_counts(config)
        if now == self._reads:
            return
        self._reads = now
        self._live.use_catalogue(self.catalogues.known(config))
        self._wake.set()


def _what_counts(config: Config) -> tuple[object, ...]:
    """What of the configuration decides which models there are, and when they are asked for."""
    return (
        config.upstream,
        config.models.refresh,
        config.codex.base_url,
        config.codex.endpoint,
        config.codex.client_version,
        config.openai.base_url,
        config.openai.api_key,
        config.accounts.use,
    )
