"""Brings the events of several output items that upstream works on at once into one item after another.

Upstream may; a door's stream has one of them open at a time (behaviours.md 26). So one item is current, and the events
of the others wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import responses as wire
from turnout.protocol import surrogates

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from turnout.translate.response_events import ItemRecord


class Unfinished(wire.ItemDone):
    """The end of an item whose own never came, though the response is over."""


class ItemOrder:
    """The order in which the events of one response's items are told."""

    def __init__(self) -> None:
        self._current: int | None = None
        """Output index of the item whose events pass."""
        self._waiting: dict[int, list[ItemRecord]] = {}
        """Events of the items behind it."""
        self._done: set[int] = set()

    def take(self, record: ItemRecord) -> Sequence[ItemRecord]:
        """What may be told now that this event has come. Each item ends with a `wire.ItemDone`: what comes behind that
        says nothing new."""
        index = record.output_index
        if index in self._done:
            return ()
        if self._current is None:
            self._current = index
        if index != self._current:
            self._waiting.setdefault(index, []).append(record)
            return ()
        return self._ended(record) if isinstance(record, wire.ItemDone) else (record,)

    def missing(self, outputs: Sequence[Raw]) -> list[wire.ItemDone]:
        """What is not yet over of the items that a response holds in the end. Raises `msgspec.DecodeError`."""
        return [wire.ItemDone(_read(item), index) for index, item in enumerate(outputs) if index not in self._done]

    def end(self, missing: Sequence[wire.ItemDone] = ()) -> list[ItemRecord]:
        """The response is over: what is `missing`, and the ends of items that are still open."""
        ready: list[ItemRecord] = []
        for record in missing:
            ready += self.take(record)
        while self._current is not None:
            ready += self.take(Unfinished(wire.Item(), self._current))
        return ready

    def _ended(self, end: wire.ItemDone) -> list[ItemRecord]:
        """The end of the current item, and what had to wait for it."""
        ready: list[ItemRecord] = [end]
        self._done.add(end.output_index)
        self._current = None
        while self._current is None and self._waiting:
            index = self._current = min(self._waiting)
            for record in self._waiting.pop(index):
                ready.append(record)
                if isinstance(record, wire.ItemDone):
                    self._done.add(index)
                    self._current = None
                    break
        return ready


def _read(item: Raw) -> wire.Item:
    try:
        return wire.decode_item(item)
    except msgspec.DecodeError:
        return wire.decode_item(surrogates.mend(bytes(item)))
