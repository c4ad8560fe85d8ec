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
from turnout.protocol.fidelity import Note
from turnout.translate.deferred import Loaded
from turnout.translate.opening import Opening
from turnout.translate.pairing import Calls

if TYPE_CHECKING:
    from collections.abc import Hashable

    from turnout.translate.target import Target

LIMIT = 16 * 1024 * 1024
"""Bytes held in all: a few dozen long sessions."""

_HEAD = re.compile(rb'\{"model":"[^"\\]{1,200}","messages":\[')
"""How Claude Code begins a body (claude-code-wire.md 1). Other clients' requests are read whole each time."""
_MARK = b'"cache_control"'
"""Stands in messages near the end, and is gone from them next time (claude-code-wire.md 11)."""
_MARKED = 6
"""Messages at the end that may have such a mark."""
_OVERHEAD = 2048
"""Bytes that a session takes beside those that are counted, roughly."""

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
    text: bytes
    """The body without the messages."""
    opening: Opening
    request: wire.MessagesRequest | None = None
    """The text, read, once it has come again."""

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.text) + self.opening.size

    def end_in(self, body: bytes) -> int:
        """Where in the body the messages end, -1 if something else is around them."""
        end = len(body) - len(self.text) + len(self.head)
        return end if end >= len(self.head) and self.text.endswith(body[end:]) else -1


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

    def raws(self) -> list[Raw]:
        """The messages."""
        return _decode_raws(b"[%s]" % b"".join([piece.raw for piece in self.pieces]))


class Conversation(msgspec.Struct, frozen=True):
    """A request's messages."""

    key: str
    """The session's; empty if nothing is to be remembered."""
    new: list[Raw]
    """The messages behind the beginning that is known; all, if none is."""
    body: bytes = b""
    head: int = 0
    """Bytes of the body before the first message; 0 if the body is not of the usual kind."""
    at: int = 0
    """Where in the body the first of the new messages begins, or would begin."""
    known: Known | None = None
    """The beginning, if it came before."""
    shell: Shell | None = None
    """What is around the messages, if that came before."""

    def raws(self) -> list[Raw]:
        """All messages."""
        return [*self.known.raws(), *self.new] if self.known is not None else self.new

    def afresh(self) -> Conversation:
        """The same with nothing known of the beginning."""
        return msgspec.structs.replace(self, new=self.raws(), at=self.head, known=None)

    def opening(self, target: Target) -> Opening | None:
        """What is around the messages became this for the same target."""
        if self.shell is not None and self.shell.opening.asked == target:
            return self.shell.opening
        return None

    def settling(self) -> int:
        """How many of the new messages are worth remembering: those that will come again as they are."""
        if not self.head:
            return 0
        count = max(len(self.new) - 1, 0)
        for index in range(count - 1, max(count - _MARKED, 0) - 1, -1):
            if _MARK in bytes(self.new[index]):
                count = index
        return count


class Settled(msgspec.Struct, frozen=True):
    """What the first of a request's new messages became."""

    conversation: Conversation
    count: int
    items: bytes
    """JSON, with commas between."""
    state: State

    def known(self, opening: Opening) -> Known | None:
        """What is known of the session with this; None if nothing can be: the body is not of the usual kind."""
        conversation, before = self.conversation, self.conversation.known
        if not conversation.head:
            return None
        raw = b",".join(conversation.new[: self.count])
        behind = b",".join(conversation.new[self.count :])
        end = conversation.at + len(raw) + (1 if raw and behind else 0)
        body = conversation.body
        if not (body.startswith(raw, conversation.at) and body.startswith(behind, end)):
            return None  # there is white space between the messages
        shell = conversation.shell
        if shell is None:
            head = body[: conversation.head]
            shell = Shell(head, head + body[end + len(behind) :], opening)
        elif shell.opening is not opening:
            shell = msgspec.structs.replace(shell, opening=opening)
        pieces, count = (before.pieces, before.count) if before is not None else ((), 0)
        if raw:
            pieces = _joined(pieces, Piece(b"," + raw if count else raw, self.items))
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
    request = wire.decode_envelope(body)
    head = _HEAD.match(body, 0, 300) if key else None
    size = head.end() if head else 0
    return request, Conversation(key, list(request.messages), body, size, size)  # type: ignore[arg-type]


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
    new = _raws(body[at:end]) if end >= at else None
    if new is None or not (new or known.count):
        return _read_around(body, known, at, key)
    request = shell.request
    if request is None:
        request = wire.decode_envelope(shell.text, 1)
        shell = msgspec.structs.replace(shell, request=request)
    return request, Conversation(key, new, body, len(shell.head), at, known, shell)


def _read_around(body: bytes, known: Known, at: int, key: str) -> tuple[wire.MessagesRequest, Conversation]:
    """The request if what is around the messages is not as known."""
    head = known.shell.head
    request = wire.decode_envelope(head + body[at:], known.count)
    return request, Conversation(key, list(request.messages), body, len(head), at, known)  # type: ignore[arg-type]


def _raws(messages: bytes) -> list[Raw] | None:
    """Messages with commas between; None if they are none."""
    try:
        return _decode_raws(b"[%s]" % messages)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
