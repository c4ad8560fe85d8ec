"""Which tool result answers which tool call, in a history that may have lost some of either.

Upstream wants each call with one output behind it and each output with its call before it (codex-backend.md 2.5).
A compaction, an interrupt or another client's bug leaves orphans and doubled ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Place = tuple[int, int]
    """Index of a message and of a block in it."""

_Call, _Result = wire.ToolUseBlock, wire.ToolResultBlock


class Pairing(msgspec.Struct, frozen=True):
    """What is wrong with the pairs, by the place of a block; all empty for a sound history."""

    unanswered: frozenset[Place] = frozenset()
    """Calls that no result follows."""
    orphaned: frozenset[Place] = frozenset()
    """Results that no open call precedes."""
    renamed: dict[Place, str] = {}
    """Further calls with an id that was used before, and their results: the id to use instead."""


SOUND = Pairing()


class Calls(msgspec.Struct, frozen=True, gc=False):
    """The calls in a conversation, or in its beginning, that is sound as far as it goes."""

    made: frozenset[str] = frozenset()
    """Their ids."""
    waiting: frozenset[str] = frozenset()
    """Those of them that have no result yet."""

    def and_then(self, messages: Iterable[wire.Message | wire.TolerantMessage]) -> Calls | None:
        """With what follows; None if there is an id twice in it, or a result without its call before it.

        Results come in the order in which the tools finished. Calls and results in a foreign role are none.
        """
        made: set[str] = set()
        waiting = set(self.waiting)
        for message in messages:
            if type(message.content) is not list:
                continue
            if message.role == "assistant":
                for block in message.content:
                    if type(block) is _Call:
                        if block.id in made or block.id in self.made:
                            return None
                        made.add(block.id)
                        waiting.add(block.id)
            elif message.role == "user":
                for block in message.content:
                    if type(block) is _Result:
                        if block.tool_use_id not in waiting:
                            return None
                        waiting.remove(block.tool_use_id)
        return Calls(self.made | made if made else self.made, frozenset(waiting))


NO_CALLS = Calls()


def pair(messages: Sequence[wire.Message | wire.TolerantMessage]) -> Pairing:
    """Pairs calls with results, in order. Nearly every history is sound."""
    calls = NO_CALLS.and_then(messages)
    return SOUND if calls is not None and not calls.waiting else pair_each(messages)


def pair_each(messages: Sequence[wire.Message | wire.TolerantMessage]) -> Pairing:
    """Pairs them one by one, whatever the history lost."""
    open_calls: dict[str, list[tuple[Place, str | None]]] = {}
    times: dict[str, int] = {}
    used: set[str] = set()
    """Ids as they are sent. An id that is made for one call may be what a later one has."""
    orphaned: set[Place] = set()
    renamed: dict[Place, str] = {}
    for m, message in enumerate(messages):
        for b, block in enumerate(message.content if type(message.content) is list else ()):
            if type(block) is _Call and message.role == "assistant":
                new_id = None
                while (block.id if new_id is None else new_id) in used:
                    times[block.id] = times.get(block.id, 1) + 1
                    new_id = f"{block.id}#{times[block.id]}"
                used.add(block.id if new_id is None else new_id)
                if new_id is not None:
                    renamed[m, b] = new_id
                open_calls.setdefault(block.id, []).append(((m, b), new_id))
            elif type(block) is _Result and message.role == "user":
                waiting = open_calls.get(block.tool_use_id)
                if not waiting:
                    orphaned.add((m, b))
                    continue
                _, new_id = waiting.pop(0)
                if new_id is not None:
                    renamed[m, b] = new_id
    unanswered = frozenset(place for waiting in open_calls.values() for place, _ in waiting)
    return Pairing(unanswered, frozenset(orphaned), renamed)
