"""The prefix cache: what a repeated beginning of a prompt saves, in tokens (tokenizer.py counts them).

It remembers the item boundaries of earlier prompts and finds the longest one that the new prompt repeats.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.tokenizer import PER_ANSWER, Reveal, count_item, count_text, count_tool

CACHE_MINIMUM = 1_024
"""Tokens: a shorter common prefix is not cached, as OpenAI documents."""
CACHE_STEP = 128
"""Tokens: cached prefixes come in multiples of this."""
REMEMBERED_KEYS = 512

_encoder = msgspec.json.Encoder(order="sorted")


class Unit(msgspec.Struct, frozen=True):
    """One indivisible piece of a prompt: the tools, the instructions, or one input item."""

    digest: bytes
    tokens: int


def prompt_units(head: Iterable[object], items: Iterable[JsonObject], reveal: Reveal) -> list[Unit]:
    """The prompt as pieces in order: `head` (instructions, tools, output format), then the input items.

    Ids count for nothing and do not break a prefix, since the service gives them no meaning. `reveal` opens encrypted
    reasoning.
    """
    units = [_unit(part, _count_head(part)) for part in head if part]
    named = ({name: value for name, value in item.items() if name != "id"} for item in items)
    units.extend(_unit(item, count_item(item, reveal)) for item in named)
    return units


def total(units: Iterable[Unit]) -> int:
    """Tokens of the whole prompt."""
    return sum(unit.tokens for unit in units) + PER_ANSWER


class PrefixCache:
    """Remembers prompts per cache key and tells how many tokens at the start of a new one are known."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, set[bytes]] = OrderedDict()

    def match(self, key: str, units: list[Unit]) -> int:
        """Cached tokens of this prompt; it is remembered for the next one. A multiple of CACHE_STEP, or 0."""
        seen = self._seen.setdefault(key, set())
        self._seen.move_to_end(key)
        if len(self._seen) > REMEMBERED_KEYS:
            self._seen.popitem(last=False)
        cached = 0
        tokens = 0
        known = True
        for digest, unit in zip(_chain(units), units, strict=True):
            tokens += unit.tokens
            known = known and digest in seen
            if known:
                cached = tokens
            seen.add(digest)
        return cached // CACHE_STEP * CACHE_STEP if cached >= CACHE_MINIMUM else 0


def _chain(units: list[Unit]) -> Iterator[bytes]:
    """A digest for each prefix, so that equal digests mean equal prompts up to that piece."""
    digest = b""
    for unit in units:
        digest = hashlib.blake2b(digest + unit.digest, digest_size=16).digest()
        yield digest


def _count_head(part: object) -> int:
    if isinstance(part, list):
        return sum(map(count_tool, part))
    return count_text(part if isinstance(part, str) else _encoder.encode(part).decode())


def _unit(part: object, tokens: int) -> Unit:
    return Unit(hashlib.blake2b(_encoder.encode(part), digest_size=16).digest(), tokens)
