"""What is in force in a running gateway: its configuration, its models and its upstreams, which may change.

A request takes one `Snapshot` at its beginning and keeps it: whatever changes meanwhile is for the requests after it.
Knows nothing of where a new configuration or a new catalogue comes from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.config import Config
    from turnout.models.catalogue import Catalogue
    from turnout.upstream.base import Upstream


class Snapshot(msgspec.Struct, frozen=True):
    """What holds for one request from its beginning to its end."""

    config: Config
    catalogue: Catalogue
    upstreams: Mapping[str, Upstream]
    """By name; those that ``config`` wants."""


class Live:
    """The configuration, the catalogue and the upstreams in force now."""

    def __init__(self, config: Config, catalogue: Catalogue, upstreams: Mapping[str, Upstream]) -> None:
        self.snapshot = Snapshot(config, catalogue, upstreams)
        """What a request takes that begins now."""
        self._listeners: list[Callable[[], None]] = []

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self.snapshot.config

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue in force."""
        return self.snapshot.catalogue

    def use_config(self, config: Config) -> None:
        """Puts a configuration in force for all requests that begin from now on."""
        self._change(msgspec.structs.replace(self.snapshot, config=config))

    def use_catalogue(self, catalogue: Catalogue) -> None:
        """Puts a catalogue in force for all requests that begin from now on."""
        self._change(msgspec.structs.replace(self.snapshot, catalogue=catalogue))

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Has ``callback`` called after each change, in the thread and at the moment of the change."""
        self._listeners.append(callback)

    def _change(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for callback in self._listeners:
            callback()
