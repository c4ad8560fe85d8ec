"""Which tool result answers which tool call, in a history that may have lost some of either.

Upstream wants each call with one output behind it and each output with its call before it (codex-backend.md 2.5).
A compaction, an interrupt or another client's bug leaves orphans and doubled ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    Place = tuple[int, int]
    """Index of a message and of a block in it."""


class Pairing(msgspec.Struct, frozen=True):
    """What is wrong with the pairs, by the place of a block; all empty for a sound history."""

    unanswered: frozenset[Place] = frozenset()
    """Calls that no result follows."""
    orphaned: frozenset[Place] = frozenset()
    """Results that no open call precedes."""
    renamed: dict[Place, str] = {}
    """Further calls with an id that was used before, and their results: the id to use instead."""


SOUND = Pairing()


class Ids(msgspec.Struct, frozen=True, gc=False):
    """The ids of the calls and results in one message."""

    calls: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


NO_IDS = Ids()


def ids_of(message: wire.Message | wire.TolerantMessage) -> Ids:
    """The calls and results in a message; those in a foreign role are none."""
    if type(message.content) is list:
        if message.role == "assistant":
            return Ids(calls=tuple([block.id for block in message.content if type(block) is wire.ToolUseBlock]))
        if message.role == "user":
            found = [block.tool_use_id for block in message.content if type(block) is wire.ToolResultBlock]
            return Ids(results=tuple(found)) if found else NO_IDS
    return NO_IDS


def is_sound(
    messages: Iterable[Ids], before: Collection[str] = frozenset(), open_before: Collection[str] = frozenset()
) -> bool:
    """Whether each call has one result behind it, and each result its call before it, with no id twice.

    So it is in nearly every history. Results come in the order in which the tools finished. `before` are the calls of
    a sound beginning, `open_before` those of them that had no result in it.
    """
    seen = set(before)
    waiting = set(open_before)
    calls = len(seen)
    results = calls - len(waiting)
    for ids in messages:
        if ids.calls:
            seen.update(ids.calls)
            waiting.update(ids.calls)
            calls += len(ids.calls)
        elif ids.results:
            if not waiting.issuperset(ids.results):
                return False
            waiting.difference_update(ids.results)
            results += len(ids.results)
    # With an id twice, in calls or in results, the numbers part.
    return calls == results == len(seen)


def pair(messages: Sequence[wire.Message | wire.TolerantMessage]) -> Pairing:
    """Pairs calls with results, in order."""
    return SOUND if is_sound(map(ids_of, messages)) else pair_each(messages)


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
            if type(block) is wire.ToolUseBlock and message.role == "assistant":
                new_id = None
                while (block.id if new_id is None else new_id) in used:
                    times[block.id] = times.get(block.id, 1) + 1
                    new_id = f"{block.id}#{times[block.id]}"
                used.add(block.id if new_id is None else new_id)
                if new_id is not None:
                    renamed[m, b] = new_id
                open_calls.setdefault(block.id, []).append(((m, b), new_id))
            elif type(block) is wire.ToolResultBlock and message.role == "user":
                waiting = open_calls.get(block.tool_use_id)
                if not waiting:
                    orphaned.add((m, b))
                    continue
                _, new_id = waiting.pop(0)
                if new_id is not None:
                    renamed[m, b] = new_id
    unanswered = frozenset(place for waiting in open_calls.values() for place, _ in waiting)
    return Pairing(unanswered, frozenset(orphaned), renamed)
