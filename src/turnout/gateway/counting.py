"""Counts requests without holding up the others: what is long is counted in a thread, everything else at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnout.models.tokens import Counter, survey
from turnout.models.vocabulary import o200k

if TYPE_CHECKING:
    from turnout.models.tokens import Count

AT_ONCE = 16 * 1024
"""Characters that are counted without a thread: 0.2 ms."""


class Counting:
    """Counts for all requests of one gateway. Nothing is loaded before the first one."""

    def __init__(self) -> None:
        self._vocabulary = o200k()
        self._counter = Counter(self._vocabulary)
        self._turn = asyncio.Lock()
        """One at a time: many counts that come together are mostly of the same texts."""

    async def count(self, request: bytes) -> Count:
        """The tokens of a Responses request. Raises `TurnoutError` (`BAD_REQUEST`) for what is none."""
        found = survey(request)
        if self._is_much(self._counter.missing(found)):
            async with self._turn:
                missing = self._counter.missing(found)
                if missing:
                    self._counter.learn(missing, await asyncio.to_thread(self._vocabulary.counts, missing))
        return self._counter.count(found)

    def _is_much(self, texts: list[str]) -> bool:
        return bool(texts) and (not self._vocabulary.ready or sum(map(len, texts)) > AT_ONCE)
