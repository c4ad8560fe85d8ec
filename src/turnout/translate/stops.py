"""Stop sequences, which the upstream does not have: found in the text as it streams, never shown in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class StopFilter:
    """Watches one text. What may be the beginning of a stop sequence is held back until it is known."""

    def __init__(self, sequences: Iterable[str]) -> None:
        self._sequences = tuple(sequence for sequence in sequences if sequence)
        self._held = ""

    def feed(self, text: str) -> tuple[str, str | None]:
        """The text to show now, and the stop sequence that was reached behind it, if one was.

        The first to be complete counts, and of those that end together the longest: so it is all the same how the text
        was cut.
        """
        text = self._held + text
        self._held = ""
        found = [(place + len(one), place, one) for one in self._sequences if (place := text.find(one)) >= 0]
        if found:
            _, place, sequence = min(found)
            return text[:place], sequence
        keep = self._longest_beginning(text)
        if keep:
            text, self._held = text[:-keep], text[-keep:]
        return text, None

    def flush(self) -> str:
        """The text held back, once it is known that nothing follows."""
        text, self._held = self._held, ""
        return text

    def _longest_beginning(self, text: str) -> int:
        """How many characters at the end of `text` are the beginning of a sequence."""
        longest = 0
        for sequence in self._sequences:
            for length in range(min(len(sequence) - 1, len(text)), longest, -1):
                if text.endswith(sequence[:length]):
                    longest = length
                    break
        return longest
