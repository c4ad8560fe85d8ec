"""What earlier requests of a session were translated into, so that only what is new is translated again.

A coding session sends its whole history with each request: nine tenths of a request are the one before. Messages that
come again byte for byte give again what they gave. Holds bytes only, and no more of them than its limit.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.fidelity import Note
from turnout.translate.pairing import Ids

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from msgspec import Raw

    from turnout.translate.target import Target

LIMIT = 16 * 1024 * 1024
"""Bytes held in all: a few dozen long sessions."""


class Remembered(msgspec.Struct, frozen=True, gc=False):
    """One message and what it became."""

    raw: bytes
    """The message as the client sent it."""
    items: tuple[bytes, ...]
    ids: Ids
    full_names: dict[str, str]
    notes: tuple[Note, ...]
    reusable: bool
    """False if what it becomes depends on other messages."""
    size: int
    """Bytes held."""


class _Session(msgspec.Struct):
    terms: Hashable
    messages: list[Remembered]
    size: int


class SessionMemory:
    """The sessions seen last."""

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit` is in bytes; 0 remembers nothing."""
        self._limit = limit
        self._held = 0
        self._sessions: OrderedDict[str, _Session] = OrderedDict()

    def recall(self, target: Target, messages: Sequence[Raw]) -> list[Remembered]:
        """As many messages from the beginning as came before, byte for byte and on the same terms."""
        known = self._sessions.get(target.session or "")
        if known is None or known.terms != _terms(target):
            return []
        same: list[Remembered] = []
        for raw, remembered in zip(messages, known.messages, strict=False):
            if bytes(raw) != remembered.raw:
                break
            same.append(remembered)
        return same

    def remember(self, target: Target, messages: list[Remembered]) -> None:
        """What a session's latest request has become, in place of the one before."""
        if not target.session:
            return
        size = sum([message.size for message in messages])
        if size > self._limit:
            return
        before = self._sessions.pop(target.session, None)
        self._held += size - (before.size if before else 0)
        self._sessions[target.session] = _Session(_terms(target), messages, size)
        while self._held > self._limit:
            _, oldest = self._sessions.popitem(last=False)
            self._held -= oldest.size


def _terms(target: Target) -> Hashable:
    """All of a target on which a message's translation depends."""
    return (
        target.account,
        target.model,
        target.image_detail,
        target.replay_reasoning,
        target.tool_search,
        target.capabilities,
    )
