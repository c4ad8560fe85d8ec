"""Deltas by the hundred, unread: where a run of them ends in a piece of a stream, and ids replaced in all of it.

A Responses client gets the upstream's own bytes, and not to look at each event is what costs least.
"""

from __future__ import annotations

PASSED = frozenset(
    b"event: response.%s\ndata: " % name
    for name in (
        b"content_part.added",
        b"content_part.done",
        b"custom_tool_call_input.delta",
        b"custom_tool_call_input.done",
        b"function_call_arguments.delta",
        b"function_call_arguments.done",
        b"output_text.annotation.added",
        b"output_text.delta",
        b"output_text.done",
        b"reasoning_summary_part.added",
        b"reasoning_summary_part.done",
        b"reasoning_summary_text.delta",
        b"reasoning_summary_text.done",
        b"reasoning_text.delta",
        b"reasoning_text.done",
        b"refusal.delta",
        b"refusal.done",
    )
)
"""How the events begin that go on as they are, unread."""
_SOUGHT = 24
"""Characters of an id that are looked for."""
_LINES = 3
"""Lines of an event as servers write it: its name, its data, and nothing."""


def mark_of(complete: bytes, at: int) -> bytes:
    """How the event begins that stands there: all up to its data."""
    return complete[at : complete.find(b"\n", at) + len(b"\ndata: ")]


def end_of_run(complete: bytes, at: int, mark: bytes) -> int:
    """Where the events that begin with ``mark`` end, of which one begins here; 0 if others come between them.

    Most of what comes is many deltas of the same kind: counting their names is the fastest way to see that.
    """
    end = complete.find(b"\n", complete.rfind(mark, at) + len(mark)) + 2
    if not complete.startswith(b"\n\n", end - 2):
        return 0
    return end if complete.count(b"\n", at, end) == _LINES * complete.count(mark, at, end) else 0


def replaced(data: bytes, before: bytes, after: bytes) -> bytes:
    """``data`` with ``after`` in place of ``before``, which may be of hundreds of characters: looked for are the first
    ones only, which is several times as fast."""
    first, rest = before[:_SOUGHT], before[_SOUGHT:]
    head, *tails = data.split(first)
    if not all(tail.startswith(rest) for tail in tails):
        return data.replace(before, after)
    return after.join((head, *(tail[len(rest) :] for tail in tails)))
