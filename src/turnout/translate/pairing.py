"""Which tool result answers which tool call, in a history that may have lost some of either.

Upstream wants each call with one output behind it and each output with its call before it (codex-backend.md 2.5).
A compaction, an interrupt or another client's bug leaves orphans and doubled ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import messages as wire

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def pair(messages: Sequence[wire.Message | wire.TolerantMessage]) -> Pairing:
    """Pairs calls with results, in order."""
    calls: list[str] = []
    results: list[str] = []
    in_order = True
    for message in messages:
        if type(message.content) is list:
            if message.role == "assistant":
                calls += [block.id for block in message.content if type(block) is wire.ToolUseBlock]
            elif message.role == "user":
                results += [block.tool_use_id for block in message.content if type(block) is wire.ToolResultBlock]
                in_order = in_order and len(results) <= len(calls)
    # What the client sends as a rule: each call once, and the results in the order of the calls.
    if in_order and calls == results and len(set(calls)) == len(calls):
        return SOUND
    return _pair_each(messages)


def _pair_each(messages: Sequence[wire.Message | wire.TolerantMessage]) -> Pairing:
    open_calls: dict[str, list[tuple[Place, str | None]]] = {}
    times: dict[str, int] = {}
    orphaned: set[Place] = set()
    renamed: dict[Place, str] = {}
    for m, message in enumerate(messages):
        for b, block in enumerate(message.content if type(message.content) is list else ()):
            if type(block) is wire.ToolUseBlock and message.role == "assistant":
                times[block.id] = times.get(block.id, 0) + 1
                new_id = f"{block.id}#{times[block.id]}" if times[block.id] > 1 else None
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
