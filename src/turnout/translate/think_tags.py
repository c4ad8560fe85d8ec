"""Reasoning that a server leaves in its text: between tags, at the very beginning. Pure.

Servers without a parser for their model's reasoning (llama.cpp, LM Studio and others, as they are set up) write it so.
"""

from __future__ import annotations

from typing import Literal

_OPEN, _CLOSE = "<think>", "</think>"


class ThinkTags:
    """Tells such reasoning from the text behind it, as both stream. What may be a part of a tag is held back."""

    def __init__(self) -> None:
        self._state: Literal["before", "inside", "behind", "over"] = "before"
        """Before the tag; between the tags; behind them, with nothing said so far; in the text."""
        self._held = ""
        self._thought = False
        """A word of the reasoning has been given."""

    @property
    def over(self) -> bool:
        """All that follows is text."""
        return self._state == "over"

    def feed(self, text: str) -> tuple[str, str]:
        """What of the text is reasoning, and what is said; white space around the tags is neither."""
        text, self._held = self._held + text, ""
        thinking = ""
        if self._state == "before":
            bare = text.lstrip()
            if bare.startswith(_OPEN):
                self._state, text = "inside", bare[len(_OPEN) :]
            elif _OPEN.startswith(bare):
                self._held = text
                return "", ""
            else:
                self._state = "over"
        if self._state == "inside":
            thinking, text = self._between(text)
        if self._state == "behind":
            text = text.lstrip()
            self._state = "over" if text else "behind"
        return thinking, text

    def end(self) -> tuple[str, str]:
        """The rest, once it is known that nothing follows."""
        rest, self._held = self._held, ""
        return (rest, "") if self._state == "inside" else ("", rest)

    def _between(self, text: str) -> tuple[str, str]:
        """What of it stands before the closing tag, and what behind it."""
        if not self._thought:
            text = text.lstrip()
        inside, closed, behind = text.partition(_CLOSE)
        if closed:
            self._state = "behind"
            return inside.rstrip(), behind
        # White space is held back as well: it may be the one before the tag.
        kept = len(inside) - next(size for size in range(len(_CLOSE), -1, -1) if inside.endswith(_CLOSE[:size]))
        kept = len(inside[:kept].rstrip())
        inside, self._held = inside[:kept], inside[kept:]
        self._thought = self._thought or bool(inside)
        return inside, ""
