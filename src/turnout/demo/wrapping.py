"""Running text that comes in pieces, set in lines of a terminal's width with its words whole. Pure."""

from __future__ import annotations

import re

_RUNS = re.compile(r"\n| +|[^ \n]+")


class Wrapping:
    """The text of one paragraph or several. How it is cut into pieces makes no difference."""

    def __init__(self, width: int, indent: str) -> None:
        """`width` in characters, `indent` included, which begins every line that is not empty."""
        self._width = width
        self._indent = indent
        self._column = 0
        self._gap = ""
        self._word = ""

    def feed(self, piece: str) -> str:
        """What is to be written now: all but a last word that may go on."""
        written = ""
        for run in _RUNS.findall(piece):
            if run[0] not in " \n":
                self._word += run
                continue
            written += self._finished_word()
            if run == "\n":
                written += run
                self._column, self._gap = 0, ""
            else:
                self._gap += run
        return written

    def end(self) -> str:
        """What is left, and the end of the line."""
        written = self._finished_word()
        return written + ("\n" if self._column else "")

    def _finished_word(self) -> str:
        if not self._word:
            return ""
        if not self._column:
            lead = self._indent + self._gap
        elif self._column + len(self._gap) + len(self._word) <= self._width:
            lead = self._gap
        else:
            lead = f"\n{self._indent}"
            self._column = 0
        written = lead + self._word
        self._column += len(written.removeprefix("\n"))
        self._gap = self._word = ""
        return written
