"""What earlier requests of a session were translated into, so that only what is new is read and translated.

A coding session sends its whole history with each request: nine tenths of a request are the one before. What came
before byte for byte, the beginning of the messages and all that is around them, is compared, and neither decoded nor
translated again. Holds nothing of the requests themselves but copies, and no more than its limit.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from turnout.protocol import messages as wire
from turnout.protocol.errors import TurnoutError
from turnout.protocol.fidelity import Note
from turnout.translate.deferred import Loaded
from turnout.translate.opening import Opening
from turnout.translate.pairing import Calls

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from turnout.translate.target import Target

LIMIT = 16 * 1024 * 1024
"""Bytes held in all: a few dozen long sessions."""

_HEAD = re.compile(rb'\{"model":"[^"\\]{1,200}","messages":\[')
"""How Claude Code begins a body (claude-code-wire.md 1). Other clients' requests are read whole each time."""
_AFTER = b'],"system":'
"""What stands behind the messages there."""
_NEXT = b',{"role":"'
"""Where a message begins there, but for the first."""
_MARK = b'"cache_control"'
"""Stands in messages near the end, and is gone from them next time (claude-code-wire.md 11)."""
_MARKED = 6
"""Messages at the end that may have such a mark."""
_OVERHEAD = 2048
"""Bytes that a session takes beside those that are counted, roughly."""

_TAKEN_OUT = Raw(b"[null]")
"""Stands where the messages were, which no client sends: so it is seen if they are named again further on."""
_NOTHING: tuple[None, int] = None, 0

_decode_raws = msgspec.json.Decoder(list[Raw]).decode


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Messages that follow each other."""

    raw: bytes
    """As the client sent them, with the comma before them, if one is there."""
    items: bytes
    """What they became: JSON, with commas between."""

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.raw) + len(self.items)

    def __add__(self, other: Piece) -> Piece:
        return Piece(self.raw + other.raw, b",".join(filter(None, (self.items, other.items))))


class State(msgspec.Struct, frozen=True):
    """Where a translation stands behind the first messages of a conversation."""

    terms: Hashable
    """What of the target and of the tools it depended on."""
    calls: Calls
    loaded: Loaded
    full_names: dict[str, str]
    notes: tuple[Note, ...]


class Shell(msgspec.Struct, frozen=True):
    """What is around the messages of a request, and what it became."""

    head: bytes
    """The body before the first message."""
    tail: bytes
    """The body behind the last message."""
    opening: Opening
    request: wire.MessagesRequest | None = None
    """Both, read, once they have come again."""

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.head) + len(self.tail) + self.opening.size

    def end_in(self, body: bytes) -> int:
        """Where in the body the messages end, -1 if something else is around them."""
        end = len(body) - len(self.tail)
        return end if end >= len(self.head) and body.endswith(self.tail) else -1


class Known(msgspec.Struct, frozen=True):
    """The beginning of a conversation, and what is around its messages."""

    pieces: tuple[Piece, ...]
    """Few: what is new is joined to what is there once it is as much."""
    count: int
    """Messages in them."""
    state: State
    shell: Shell

    @property
    def size(self) -> int:
        """Bytes held."""
        return _OVERHEAD + self.shell.size + sum([piece.size for piece in self.pieces])

    def end_in(self, body: bytes) -> int:
        """Where in the body the beginning ends, -1 if it begins otherwise."""
        if not body.startswith(self.shell.head):
            return -1
        end = len(self.shell.head)
        for piece in self.pieces:
            if not body.startswith(piece.raw, end):
                return -1
            end += len(piece.raw)
        return end

    def text(self) -> bytes:
        """The messages, with commas between."""
        return b"".join([piece.raw for piece in self.pieces])

    def messages(self) -> list[wire.Message | wire.TolerantMessage]:
        """The messages, read. They were read before, so they can be."""
        return [wire.decode_message(raw, index) for index, raw in enumerate(_decode_raws(b"[%s]" % self.text()))]


class Conversation(msgspec.Struct, frozen=True):
    """A request's messages."""

    key: str
    """The session's; empty if nothing is to be remembered."""
    new: Raw
    """The messages behind the beginning that is known; all, if none is. An array."""
    read: list[wire.Message] | None
    """The same, if they are of the usual kind."""
    body: bytes = b""
    head: int = 0
    """Bytes of the body before the first message; 0 if the body is not of the usual kind."""
    at: int = 0
    """Where in the body the first of the new messages begins, or would begin."""
    known: Known | None = None
    """The beginning, if it came before."""
    shell: Shell | None = None
    """What is around the messages, if that came before."""

    @property
    def end(self) -> int:
        """Where in the body the messages end."""
        return self.at + len(self.new) - 2

    def messages(self) -> Sequence[wire.Message | wire.TolerantMessage]:
        """The new messages. Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body."""
        if self.read is not None:
            return self.read
        first = self.known.count if self.known is not None else 0
        return [wire.decode_message(raw, index) for index, raw in enumerate(_decode_raws(self.new), first)]

    def afresh(self) -> Conversation:
        """The same with nothing known of the beginning."""
        known = self.known
        if known is None:
            return self
        messages = Raw(b"[%s]" % b",".join([part for part in (known.text(), bytes(self.new)[1:-1]) if part]))
        return Conversation(self.key, messages, wire.usual_messages(messages), self.body, self.head, self.head)

    def opening(self, target: Target) -> Opening | None:
        """What is around the messages became this for the same target."""
        if self.shell is not None and self.shell.opening.asked == target:
            return self.shell.opening
        return None

    def settling(self, count: int) -> tuple[int, int]:
        """How many of the `count` new messages are worth remembering, since they will come again as they are, and
        where in the body they end."""
        if not self.head or not count:
            return 0, self.at
        body, start, settling = self.body, self.end, self.at
        for before_last in range(_MARKED + 1):
            end, start = start, body.rfind(_NEXT, self.at, start)
            if start < 0:
                start = self.at
            if before_last == 0 or body.find(_MARK, start, end) >= 0:
                settling = start
            if start == self.at:
                break
        if settling == self.at:
            return 0, self.at
        # What looks like the beginning of a message may be part of one: it is none unless the rest is whole.
        try:
            rest = _decode_raws(b"[%s]" % body[settling + 1 : self.end])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return 0, self.at
        return count - len(rest), settling


class Settled(msgspec.Struct, frozen=True):
    """What the first of a request's new messages became."""

    conversation: Conversation
    count: int
    end: int
    """Where in the body they end."""
    items: bytes
    """JSON, with commas between."""
    state: State

    def known(self, opening: Opening) -> Known | None:
        """What is known of the session with this; None if nothing can be: the body is not of the usual kind."""
        conversation, before, shell = self.conversation, self.conversation.known, self.conversation.shell
        if not conversation.head:
            return None
        body = conversation.body
        if shell is None:
            shell = Shell(body[: conversation.head], body[conversation.end :], opening)
        elif shell.opening is not opening:
            shell = msgspec.structs.replace(shell, opening=opening)
        pieces, count = (before.pieces, before.count) if before is not None else ((), 0)
        if self.count:
            # With the comma that is before the new ones.
            begin = conversation.at - (1 if count else 0)
            pieces = _joined(pieces, Piece(body[begin : self.end], self.items))
        return Known(pieces, count + self.count, self.state, shell)


def _joined(pieces: tuple[Piece, ...], piece: Piece) -> tuple[Piece, ...]:
    """The pieces with one more, each longer than the next: so there are few, and few bytes are copied for that."""
    while pieces and pieces[-1].size < 2 * piece.size:
        piece = pieces[-1] + piece
        pieces = pieces[:-1]
    return (*pieces, piece)


class SessionMemory:
    """The sessions seen last."""

    def __init__(self, limit: int = LIMIT) -> None:
        """`limit` is in bytes; 0 remembers nothing."""
        self._limit = limit
        self.held = 0
        """Bytes that are held."""
        self._sessions: OrderedDict[str, tuple[Known, int]] = OrderedDict()
        """With the bytes that each holds."""

    def recall(self, key: str) -> Known | None:
        """What is known of a session."""
        return self._sessions.get(key, _NOTHING)[0]

    def remember(self, key: str, known: Known) -> None:
        """What is known of a session, in place of what was."""
        size = known.size
        if size > self._limit:
            return
        _, before = self._sessions.pop(key, _NOTHING)
        self.held += size - before
        self._sessions[key] = known, size
        while self.held > self._limit:
            _, (_, oldest) = self._sessions.popitem(last=False)
            self.held -= oldest


def read_request(body: bytes, memory: SessionMemory, key: str) -> tuple[wire.MessagesRequest, Conversation]:
    """Reads a request; of its messages only those that are new in the session `key` (empty: the client names none).

    Raises `TurnoutError` (`BAD_REQUEST`) naming the path in the body.
    """
    known = memory.recall(key) if key else None
    again = _read_again(body, known, key) if known is not None else None
    if again is not None:
        return again
    head = _HEAD.match(body, 0, 300) if key else None
    size = head.end() if head else 0
    first = _read_first(body, size, key) if size else None
    return first or _read_whole(body, size, key)


def _read_first(body: bytes, head: int, key: str) -> tuple[wire.MessagesRequest, Conversation] | None:
    """A request that is built as Claude Code's are: its messages and what is around them are read once each.

    None if it is of another kind, or to be refused.
    """
    end = body.rfind(_AFTER)
    if end < head:
        return None
    messages = Raw(memoryview(body)[head - 1 : end + 1])
    read = wire.usual_messages(messages)
    if not read:
        return None
    try:
        request = wire.decode_envelope(b"".join((body[: head - 1], _TAKEN_OUT, body[end + 1 :])))
    except TurnoutError:
        return None
    return (request, Conversation(key, messages, read, body, head, head)) if request.messages == _TAKEN_OUT else None


def _read_whole(body: bytes, head: int, key: str) -> tuple[wire.MessagesRequest, Conversation]:
    """Any request, of whose messages nothing is known."""
    request = wire.decode_envelope(body)
    messages = request.messages
    read = _read(messages)
    if head and not body.startswith(bytes(messages), head - 1):
        head = 0
    return request, Conversation(key, messages, read, body, head, head)


def _read(messages: Raw, *, may_be_none: bool = False) -> list[wire.Message] | None:
    """The messages, if they are of the usual kind; others are read when they are translated.

    Raises `TurnoutError` (`BAD_REQUEST`) if it is no array, or an empty one that may not be.
    """
    read = wire.usual_messages(messages)
    if read is None or not (read or may_be_none):
        wire.split_messages(messages)
    return read


def _read_again(body: bytes, known: Known, key: str) -> tuple[wire.MessagesRequest, Conversation] | None:
    """The request with what is known of it; None if it begins otherwise."""
    shell = known.shell
    at = known.end_in(body)
    if at < 0:
        return None
    if known.count and body.startswith(b",{", at):
        at += 1
    elif known.count and not body.startswith(b"]", at):
        return None
    end = shell.end_in(body)
    new = Raw(b"[%s]" % body[at:end]) if end >= at else None
    read = wire.usual_messages(new) if new is not None else None
    if new is None or read is None or not (read or known.count):
        return _read_around(body, known, at, key)
    request = shell.request
    if request is None:
        request = wire.decode_envelope(shell.head + shell.tail)
        shell = msgspec.structs.replace(shell, request=request)
    return request, Conversation(key, new, read, body, len(shell.head), at, known, shell)


def _read_around(body: bytes, known: Known, at: int, key: str) -> tuple[wire.MessagesRequest, Conversation]:
    """The request if what is around the messages is not as known."""
    head = len(known.shell.head)
    request = wire.decode_envelope(known.shell.head + body[at:])
    new = request.messages
    read = _read(new, may_be_none=known.count > 0)
    if not body.startswith(bytes(new)[1:], at):
        head = 0
    return request, Conversation(key, new, read, body, head, at, known)
