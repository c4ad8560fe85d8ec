"""How many tokens texts are, by the vocabulary ``o200k_base``, which comes inside the wheel of splintr-rs.

It is the public vocabulary from gpt-4o to gpt-5; that later models have the same is assumed (codex-backend.md 8).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from splintr import AnyTokenizer

NAME = "o200k_base"

SPECIAL = "<|"
"""How tokens begin that only a server may write. Inside a text they are nothing but its characters."""

FIRST = "naïve 列车 🚂 12 don't\n"
"""A text that has the library build now what it would build at a later first use, for letters beyond ASCII as well."""


class Vocabulary:
    """The vocabulary, loaded when it is first needed: that takes some 0.2 s and 45 MiB."""

    def __init__(self) -> None:
        self._tokenizer: AnyTokenizer | None = None

    @property
    def ready(self) -> bool:
        """It is loaded."""
        return self._tokenizer is not None

    def counts(self, texts: Sequence[str]) -> list[int]:
        """The tokens of each text. Lets other threads run while it works (a batch gives up the GIL, measured)."""
        tokenizer = self._tokenizer or self._load()
        pieces: list[str] = []
        counts: list[int] = []
        owners: list[int] = []
        for index, text in enumerate(texts):
            parts = text.split(SPECIAL) if SPECIAL in text else (text,)
            counts.append(len(parts) - 1)  # `<|` itself is one token
            pieces += parts
            owners += [index] * len(parts)
        _, offsets = tokenizer.encode_batch_flat(pieces)
        ends = memoryview(offsets).cast("Q")
        for place, owner in enumerate(owners):
            counts[owner] += ends[place + 1] - ends[place]
        return counts

    def _load(self) -> AnyTokenizer:
        from splintr import Tokenizer

        loaded = Tokenizer.from_pretrained(NAME)
        loaded.encode_batch_flat([FIRST])
        self._tokenizer = loaded
        return loaded


@lru_cache(maxsize=1)
def o200k() -> Vocabulary:
    """The process's one vocabulary."""
    return Vocabulary()
