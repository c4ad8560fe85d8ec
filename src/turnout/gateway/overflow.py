"""Refuses a request that is surely longer than its model's window, before it is sent.

Claude Code sums a conversation up by itself when it is told "prompt is too long: N tokens > M maximum", and works with
the numbers (claude-code-wire.md 6). So they are real ones, also where upstream has refused and named none.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from turnout.models import windows
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

if TYPE_CHECKING:
    from turnout.accounts.credential import Credential
    from turnout.gateway.counting import Counting
    from turnout.gateway.live import Snapshot
    from turnout.models.tokens import Count
    from turnout.protocol.capabilities import Capabilities
    from turnout.upstream.base import Call, Upstream, UpstreamStream


CONVERSATIONS = 1024
"""Long conversations of which the last request's figures are remembered."""


class Sent(msgspec.Struct, frozen=True):
    """A long request that upstream has answered."""

    size: int
    """Its bytes."""
    tokens: int
    """Its tokens, as upstream has counted them."""


class Overflow:
    """What is known of how upstreams count, for all requests of one gateway."""

    def __init__(self, counting: Counting) -> None:
        self._counting = counting
        self._shares: dict[tuple[str, str], float] = {}
        """By upstream and model, the least part of a request's certain tokens that upstream has ever counted in it."""
        self._sent: OrderedDict[tuple[str, str, str], Sent] = OrderedDict()
        """The last long request by upstream, model and conversation."""

    def guard(self, snapshot: Snapshot) -> Guard:
        """The guard of one request."""
        return Guard(self, snapshot)

    async def count(self, body: bytes) -> Count:
        """The tokens of a request."""
        return await self._counting.count(body)

    def certain(self, upstream: str, model: str, count: Count) -> int:
        """The tokens that upstream will count at the least."""
        return int(count.least * self._shares.get((upstream, model), 1.0))

    def fits(self, upstream: str, call: Call, limit: int) -> bool:
        """Whether upstream's own count of the conversation's last request says that there is room for this one: then it
        need not be counted."""
        last = self._sent.get((upstream, call.model, call.session or ""))
        return last is not None and last.tokens + windows.most_tokens(len(call.body) - last.size) <= limit

    def remember(self, upstream: str, model: str, session: str, sent: Sent) -> None:
        """Upstream has answered a long request."""
        key = (upstream, model, session)
        self._sent[key] = sent
        self._sent.move_to_end(key)
        if len(self._sent) > CONVERSATIONS:
            self._sent.popitem(last=False)

    def learn(self, upstream: str, model: str, count: Count, counted: int) -> None:
        """Upstream has ``counted`` the tokens of a request of which this is our count: where it finds fewer than those
        that count as certain, no request is refused by them any more."""
        key = (upstream, model)
        self._shares[key] = min(self._shares.get(key, 1.0), counted / max(1, count.least))


class Guard:
    """Stands before the upstreams that one request is sent to."""

    def __init__(self, overflow: Overflow, snapshot: Snapshot) -> None:
        self.overflow = overflow
        self._snapshot = snapshot
        self._call: Call | None = None
        """The last call that was let through. It lets go of its body when upstream has accepted it."""
        self._upstream = ""
        self._size = 0
        """Its bytes, if it is a long one."""
        self._count: Count | None = None
        """Its count, where there was a reason to count it."""

    def around(self, upstream: Upstream) -> Upstream:
        """The upstream behind the guard."""
        return _GuardedUpstream(upstream, self)

    async def admit(self, upstream: str, call: Call) -> None:
        """Raises `TurnoutError` (`CONTEXT_OVERFLOW`) for a request that is too long for certain."""
        if call is self._call:
            return  # an answer goes on: there is nothing to sum up now
        self._call, self._upstream, self._size, self._count = call, upstream, 0, None
        share = self._snapshot.config.models.overflow
        limit = self._limit(upstream, call.model, share)
        if limit is None or windows.most_tokens(len(call.body)) <= limit:
            return
        self._size = len(call.body)
        if call.session and self.overflow.fits(upstream, call, limit):
            return
        self._count = await self.overflow.count(call.body)
        if self.overflow.certain(upstream, call.model, self._count) > limit:
            raise TurnoutError(
                Failure(
                    kind=FailureKind.CONTEXT_OVERFLOW,
                    message=f"The request has {self._count.total:,} tokens, and {call.model} takes {limit:,} "
                    f"({share:.0%} of its window). It was not sent.",
                    next_step="Have the conversation summed up (/compact in Claude Code).",
                    tokens=self._count.total,
                    maximum=limit,
                )
            )

    def _limit(self, upstream: str, model: str, share: float) -> int | None:
        own = self._snapshot.config.custom.get(upstream)
        if own is not None:
            # What the catalogue knows of a model says nothing of a server that serves it with a smaller window.
            return int(own.window * share) if own.window and share else None
        return windows.limit(self._snapshot.catalogue.get(model), upstream, share)

    async def with_numbers(self, failure: Failure) -> Failure:
        """An overflow with the request's tokens and the model's window, where upstream has not named them."""
        call = self._call
        if failure.kind is not FailureKind.CONTEXT_OVERFLOW or call is None:
            return failure
        tokens, maximum = failure.tokens, failure.maximum
        if maximum is None:
            maximum = windows.whole(self._snapshot.catalogue.get(call.model), self._upstream)
        if tokens is None and call.body:
            tokens = (self._count or await self.overflow.count(call.body)).total
        return msgspec.structs.replace(failure, tokens=tokens, maximum=maximum)

    def counted(self, tokens: int) -> None:
        """Upstream has counted so many tokens in the request; 0 if that is not known."""
        call = self._call
        if call is None or not tokens or not self._size:
            return
        if call.session:
            self.overflow.remember(self._upstream, call.model, call.session, Sent(self._size, tokens))
        if self._count is not None:
            self.overflow.learn(self._upstream, call.model, self._count, tokens)


class _GuardedUpstream:
    """An upstream behind a guard."""

    def __init__(self, upstream: Upstream, guard: Guard) -> None:
        self.name = upstream.name
        self.capabilities: Capabilities = upstream.capabilities
        self._upstream = upstream
        self._guard = guard

    async def credential(self, account: str | None = None) -> Credential:
        return await self._upstream.credential(account)

    async def renew(self, refused: Credential) -> Credential | None:
        return await self._upstream.renew(refused)

    async def open(self, call: Call, credential: Credential) -> UpstreamStream:
        await self._guard.admit(self.name, call)
        return await self._upstream.open(call, credential)

    async def close(self) -> None:
        await self._upstream.close()
