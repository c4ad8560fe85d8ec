"""What became of the parts of a request that could not be carried over as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Iterable

Action = Literal["mapped", "approximated", "dropped", "ignored"]
"""``mapped``: said otherwise, with the same meaning. ``approximated``: said with less than its meaning. ``dropped``:
not said at all; strict requests are refused instead. ``ignored``: accepted, and without effect on the answer."""


class Note(msgspec.Struct, frozen=True):
    """One thing that was not carried over as it was, and why."""

    action: Action
    place: str
    """Where in the request, the route or the answer: ``messages[3].content[0]``, ``reasoning.effort``."""
    reason: str
    """What was done and why, in words."""

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


def mapped(place: str, reason: str) -> Note:
    """A note on something said otherwise."""
    return Note("mapped", place, reason)


def approximated(place: str, reason: str) -> Note:
    """A note on something said with less than its meaning."""
    return Note("approximated", place, reason)


def dropped(place: str, reason: str) -> Note:
    """A note on something that was left out."""
    return Note("dropped", place, reason)


def ignored(place: str, reason: str) -> Note:
    """A note on something accepted without effect."""
    return Note("ignored", place, reason)


def refuse_what_drops(notes: Iterable[Note]) -> None:
    """Raises `TurnoutError` (`BAD_REQUEST`) naming each place and reason, if any of the notes is on a loss."""
    lost = [str(note) for note in notes if note.action == "dropped"]
    if lost:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"This request is strict, and would lose something on its way: {'; '.join(lost)}.",
            "Leave that out of the request, or send it without x-turnout-strict (TURNOUT_STRICT).",
        )
