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
    from collections.abc import Callable, Sequence

    from msgspec import Raw

    from turnout.translate.response_events import ItemRecord


class Unfinished(wire.ItemDone):
    """The end of an item whose own never came, though the response is over."""


class ItemOrder:
    """Hands on the events of one response's items, as soon as it is their turn."""

    def __init__(self, write: Callable[[ItemRecord], None]) -> None:
        """Each item that `write` is given ends with a `wire.ItemDone`; what comes behind that says nothing new."""
        self._write = write
        self._current: int | None = None
        """Output index of the item whose events pass."""
        self._waiting: dict[int, list[ItemRecord]] = {}
        """Events of the items behind it."""
        self._done: set[int] = set()

    def take(self, record: ItemRecord) -> None:
        """The next event, of whatever item."""
        index = record.output_index
        if index in self._done:
            return
        if self._current is None:
            self._current = index
        if index != self._current:
            self._waiting.setdefault(index, []).append(record)
            return
        self._pass(record)
        while self._current is None and self._waiting:
            index = self._current = min(self._waiting)
            for each in self._waiting.pop(index):
                if self._current == index:
                    self._pass(each)

    def missing(self, outputs: Sequence[Raw]) -> list[wire.ItemDone]:
        """What is not yet over of the items that a response holds in the end. Raises `msgspec.DecodeError`."""
        return [wire.ItemDone(_read(item), index) for index, item in enumerate(outputs) if index not in self._done]

    def end(self, missing: Sequence[wire.ItemDone] = ()) -> None:
        """The response is over: hands on what is `missing`, and ends what is still open."""
        for record in missing:
            self.take(record)
        while self._current is not None:
            self.take(Unfinished(wire.Item(), self._current))

    def _pass(self, record: ItemRecord) -> None:
        if isinstance(record, wire.ItemDone):
            self._done.add(record.output_index)
            self._current = None
        self._write(record)


def _read(item: Raw) -> wire.Item:
    try:
        return wire.decode_item(item)
    except msgspec.DecodeError:
        return wire.decode_item(surrogates.mend(bytes(item)))
