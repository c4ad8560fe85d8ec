"""What may go to the API in place of the plan, by its price: asked before a request is sent, told when it is over.

Knows models, tokens and dollars; nothing of accounts or of what is sent.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from turnout import log
from turnout.quota import prices
from turnout.translate.messages_writer import TokenUsage

if TYPE_CHECKING:
    from turnout.quota.spending import Spending

BYTES_A_TOKEN = 4
"""For answers that ended without figures: what a prompt has at least cost."""


class Budget:
    """The cap of one gateway, and what is under way below it."""

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._writing: set[asyncio.Task[None]] = set()

    async def knows(self, model: str) -> bool:
        """Whether the model's price is known: what cannot be counted is not bought."""
        return await asyncio.to_thread(prices.cost, model, TokenUsage()) is not None

    def begin(self, limit: float) -> str:
        """One more answer is under way; or why not, as a sentence without its end. ``limit`` is in US dollars.

        Nothing is waited for between the look at the book and the note that there is one more: requests that come
        together do not all see the same sum.
        """
        try:
            spent = self._spending.this_month()
        except (OSError, msgspec.DecodeError):
            return "what it has cost so far cannot be read"
        so_far = f"{spent.dollars:.2f} of {limit:.2f} dollars are spent this month"
        if spent.dollars >= limit:
            return so_far
        if self._spending.expected(spent) >= limit:
            return f"{so_far}, and the answers under way may take the rest"
        self._spending.under_way += 1
        return ""

    def ended(self, model: str, usage: TokenUsage | None, body_bytes: int) -> None:
        """An answer is over. ``body_bytes`` is the size of the body that upstream accepted, 0 if it accepted none."""
        if not body_bytes:
            self._spending.under_way -= 1
            return
        if usage is None or not (usage.input_tokens or usage.cached_tokens or usage.output_tokens):
            usage = TokenUsage(input_tokens=body_bytes // BYTES_A_TOKEN)
        writing = asyncio.get_running_loop().create_task(asyncio.to_thread(self._count, model, usage))
        self._writing.add(writing)
        writing.add_done_callback(self._written)

    async def close(self) -> None:
        """Waits until all that was spent is written down."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._writing.discard(writing)
        self._spending.under_way -= 1

    def _count(self, model: str, usage: TokenUsage) -> None:
        dollars = prices.cost(model, usage)
        if dollars is None:
            log.get().warning("price_not_known", model=model)
            return
        self._spending.add(dollars)
