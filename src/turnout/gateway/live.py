"""What is in force in a running gateway: its configuration, its models and its upstreams, which may change.

A request takes one `Snapshot` at its beginning and keeps it: whatever changes meanwhile is for the requests after it.
Knows nothing of where a new configuration or a new catalogue comes from.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from turnout.routing.router import Router

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from turnout.config import Config
    from turnout.models.catalogue import Catalogue
    from turnout.protocol.capabilities import Capabilities
    from turnout.upstream.base import Upstream


class Snapshot(msgspec.Struct, frozen=True, eq=False, dict=True):
    """What holds for one request from its beginning to its end; and what follows from it, worked out when first asked
    for."""

    config: Config
    catalogue: Catalogue
    upstreams: Mapping[str, Upstream]
    """By name; those that ``config`` wants."""

    @cached_property
    def offers(self) -> dict[str, Capabilities]:
        """What each upstream takes, by its name."""
        return {name: upstream.capabilities for name, upstream in self.upstreams.items()}

    @cached_property
    def router(self) -> Router:
        """Decides where requests go, by this and nothing else: what it keeps ends with the snapshot."""
        return Router(self.config, self.catalogue, self.offers)


class Live:
    """The configuration, the catalogue and the upstreams in force now."""

    def __init__(self, config: Config, catalogue: Catalogue, upstreams: Mapping[str, Upstream]) -> None:
        self.snapshot = Snapshot(config, catalogue, upstreams)
        """What a request takes that begins now."""
        self._listeners: list[Callable[[], None]] = []
        self._holders: dict[Snapshot, int] = {}
        """How many requests are under way that took a snapshot, and may use its upstreams."""
        self._retired: set[Upstream] = set()
        """Upstreams that no new request uses, and an old one still may."""
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.snapshot.config

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self.snapshot.catalogue

    def use_config(self, config: Config, upstreams: Mapping[str, Upstream] | None = None) -> None:
        """Puts a configuration in force for all requests that begin from now on, with the ``upstreams`` it wants.

        An upstream that is not among them any more is closed once the last request that holds it has ended.
        Without ``upstreams`` they stay as they are. Belongs to the event loop of the requests.
        """
        before = self.snapshot.upstreams
        kept = before if upstreams is None else upstreams
        self._change(msgspec.structs.replace(self.snapshot, config=config, upstreams=kept))
        self._retired = (self._retired | set(before.values())) - set(kept.values())
        self._close_retired()

    def use_catalogue(self, catalogue: Catalogue) -> None:
        """Puts a catalogue in force for all requests that begin from now on."""
        self._change(msgspec.structs.replace(self.snapshot, catalogue=catalogue))

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Has ``callback`` called after each change, in the thread and at the moment of the change."""
        self._listeners.append(callback)

    @contextlib.contextmanager
    def hold(self) -> Iterator[Snapshot]:
        """What is in force now, whose upstreams stay open for the length of the ``with`` block."""
        snapshot = self.snapshot
        self._holders[snapshot] = self._holders.get(snapshot, 0) + 1
        try:
            yield snapshot
        finally:
            self._holders[snapshot] -= 1
            if not self._holders[snapshot]:
                del self._holders[snapshot]
            if self._retired:
                self._close_retired()

    async def close(self) -> None:
        """Closes all upstreams, whoever holds them."""
        everything = {*self.snapshot.upstreams.values(), *self._retired}
        self._retired.clear()
        for upstream in everything:
            await upstream.close()
        if self._closing:
            await asyncio.wait(self._closing)

    def _close_retired(self) -> None:
        held = {upstream for snapshot in self._holders for upstream in snapshot.upstreams.values()}
        for upstream in self._retired - held:
            self._retired.discard(upstream)
            closing = asyncio.get_running_loop().create_task(upstream.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _change(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for callback in self._listeners:
            callback()
