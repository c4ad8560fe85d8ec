"""What a door hands in for one request: how it is said upstream, and how the answer is told to its client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import Raw

    from turnout.protocol.fidelity import Note
    from turnout.routing.overrides import Overrides
    from turnout.routing.question import RequestFacts
    from turnout.translate.target import Target
    from turnout.translate.translation import AnswerStream, Collector, Translation


class Dialect(Protocol):
    """One request in its door's protocol. It holds the request, and is let go of once nothing will be sent again."""

    def translate(self, target: Target) -> Translation:
        """The request as ``target`` wants it. Raises `TurnoutError` (`BAD_REQUEST`) if it cannot be said so."""
        ...

    def machine(self, translation: Translation, target: Target, now: float) -> AnswerStream:
        """What reads the answer to this translation. ``now`` is in Unix seconds."""
        ...


class Asked(msgspec.Struct, kw_only=True):
    """A request that a door has read, as far as the way from there on is the same for all doors."""

    dialect: Dialect
    facts: RequestFacts
    """What routing needs of it."""
    overrides: Overrides
    """What the request says of its own way."""
    thoughts: Sequence[Raw]
    """Parts of the conversation in which earlier reasoning may be: a session stays with the account that had it."""
    session: str
    """The session's id; empty if the request names none."""
    agent: str = ""
    """The id of the subagent in it that asks."""
    collector: Collector | None
    """Gathers the answer of a client without streaming; None for one with streaming."""
    passes: tuple[str, ...] = ()
    """Beginnings of the headers (in lower case) of upstream's answer that its client reads."""
    brings_prompt: bool = False
    """It is a Responses client's, with instructions of its own: a profile may leave these as they are."""
    notes: Sequence[Note] = ()
    """What the door itself has to say."""
