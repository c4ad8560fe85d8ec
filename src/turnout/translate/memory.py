"""What earlier requests of a session were translated into, so that only what is new is read and translated.

A coding session sends its whole history with each request: nine tenths of a request are the one before. The beginning
that came before byte for byte is neither decoded nor translated again. Holds bytes only, and no more than its limit.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire
from turnout.protocol.fidelity import Note
from turnout.translate.pairing import Ids

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from msgspec import Raw

    from turnout.translate.target import Target

LIMIT = 16 * 1024 * 1024
"""Bytes held in all: a few dozen long sessions."""

TAIL = 12
"""Messages behind a beginning that may wait to become part of it: joining them to it copies all of it."""

_HEAD = re.compile(rb'\{"model":"[^"\\]{1,200}","messages":\[')
"""How Claude Code begins a body (claude-code-wire.md 1). Other clients' requests are read whole each time."""
_MARK = b'"cache_control"'
"""Stands in the messages near the end, and is gone from them next time (claude-code-wire.md 11)."""


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


class Known(msgspec.Struct, frozen=True, gc=False):
    """The beginning of a conversation, and what it became."""

    terms: Hashable
    """What of the target that depended on."""
    head: bytes
    """The body before the first message."""
    prefix: bytes
    """The body through the last message of the beginning."""
    count: int = 0
    """Messages in it."""
    items: bytes = b""
    """JSON, with commas between."""
    calls: frozenset[str] = frozenset()
    waiting: frozenset[str] = frozenset()
    """Those of the calls that have no result yet."""
    full_names: dict[str, str] = {}
    notes: tuple[Note, ...] = ()
    tail: tuple[Remembered, ...] = ()
    """The messages behind the beginning."""

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.prefix) + len(self.items) + sum([message.size for message in self.tail])

    def raws(self) -> list[Raw]:
        """The beginning's messages."""
        return list(wire.decode_envelope(self.prefix + b"]}").messages) if self.count else []  # type: ignore[arg-type]

    def grown(self, messages: Sequence[Remembered]) -> Known:
        """The beginning with the `messages` behind it: once there are many, as many of them as will come again as they
        are become part of it. The others: tail."""
        stable = 0
        for message in messages[:-1]:
            if not message.reusable or _MARK in message.raw:
                break
            stable += 1
        if stable < TAIL and (self.count or not stable):
            return msgspec.structs.replace(self, tail=tuple(messages))
        added = messages[:stable]
        raw = b",".join([message.raw for message in added])
        calls, waiting = set(self.calls), set(self.waiting)
        for message in added:
            calls.update(message.ids.calls)
            waiting.update(message.ids.calls)
            waiting.difference_update(message.ids.results)
        names = dict(self.full_names)
        for message in added:
            names.update(message.full_names)
        items = [item for message in added for item in message.items]
        return Known(
            terms=self.terms,
            head=self.head,
            prefix=b",".join((self.prefix, raw)) if self.count else self.prefix + raw,
            count=self.count + stable,
            items=b",".join([self.items, *items] if self.items else items),
            calls=frozenset(calls),
            waiting=frozenset(waiting),
            full_names=names,
            notes=(*self.notes, *(note for message in added for note in message.notes)),
            tail=tuple(messages[stable:]),
        )


class Conversation(msgspec.Struct, frozen=True):
    """A request's messages."""

    key: str
    """The session's; empty if nothing is to be remembered."""
    head: bytes
    """The body before the first message, if it is of the usual kind."""
    known: Known | None
    """The beginning, if it came before."""
    new: list[Raw]
    """The messages behind it."""

    def raws(self) -> list[Raw]:
        """All messages."""
        return [*self.known.raws(), *self.new] if self.known is not None else self.new


class SessionMemory:
    """The sessions seen last."""

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit` is in bytes; 0 remembers nothing."""
        self._limit = limit
        self._held = 0
        self._sessions: OrderedDict[str, Known] = OrderedDict()

    def recall(self, key: str) -> Known | None:
        """What is known of a session."""
        return self._sessions.get(key)

    def remember(self, key: str, known: Known) -> None:
        """What is known of a session, in place of what was."""
        size = known.size
        if size > self._limit:
            return
        before = self._sessions.pop(key, None)
        self._held += size - (before.size if before is not None else 0)
        self._sessions[key] = known
        while self._held > self._limit:
            _, oldest = self._sessions.popitem(last=False)
            self._held -= oldest.size


def read_request(body: bytes, memory: SessionMemory, key: str) -> tuple[wire.MessagesRequest, Conversation]:
    """Reads a request; of its messages only those that are new in the session `key` (empty: the client names none).

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    known = memory.recall(key) if key else None
    if known is not None and known.count and body.startswith(known.prefix):
        size = len(known.prefix)
        behind = body[size : size + 1]
        if behind in (b",", b"]"):
            rest = known.head + body[size + (behind == b",") :]
            request = wire.decode_envelope(rest, known.count)
            return request, Conversation(key, known.head, known, list(request.messages))  # type: ignore[arg-type]
    head = _HEAD.match(body, 0, 300) if key else None
    request = wire.decode_envelope(body)
    return request, Conversation(key, head[0] if head else b"", None, list(request.messages))  # type: ignore[arg-type]


def terms_of(target: Target) -> Hashable:
    """All of a target on which a message's translation depends."""
    return (
        target.account,
        target.model,
        target.image_detail,
        target.replay_reasoning,
        target.tool_search,
        target.capabilities,
    )
