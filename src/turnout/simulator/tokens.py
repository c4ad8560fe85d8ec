"""Counting tokens, and the prefix cache: what a repeated beginning of a prompt saves.

The count is an estimate (four bytes a token, a flat figure for an image), the cache is real: it remembers
the item boundaries of earlier prompts and finds the longest one that the new prompt repeats.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator

import msgspec

from turnout.simulator.jsontypes import JsonObject

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1_000
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


def count_text(text: str) -> int:
    """Estimated tokens of a text; 0 only for the empty one."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def prompt_units(head: Iterable[object], items: Iterable[JsonObject]) -> list[Unit]:
    """The prompt as pieces in order: `head` (instructions, tools, output format), then the input items.

    Ids count for nothing and do not break a prefix, since the service gives them no meaning.
    """
    units = [_unit(part) for part in head if part]
    units.extend(_unit({name: value for name, value in item.items() if name != "id"}) for item in items)
    return units


def total(units: Iterable[Unit]) -> int:
    """Tokens of the whole prompt."""
    return sum(unit.tokens for unit in units)


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


def _unit(part: object) -> Unit:
    encoded = _encoder.encode(part)
    images, image_bytes = _images(part)
    tokens = -(-(len(encoded) - image_bytes) // BYTES_PER_TOKEN) + images * IMAGE_TOKENS
    return Unit(hashlib.blake2b(encoded, digest_size=16).digest(), tokens)


def _images(part: object) -> tuple[int, int]:
    """How many inline images (or files) a piece holds, and the bytes of their data URLs."""
    if isinstance(part, dict):
        found = [_images(value) for value in part.values()]
    elif isinstance(part, list):
        found = [_images(value) for value in part]
    elif isinstance(part, str) and part.startswith("data:"):
        return 1, len(part)
    else:
        return 0, 0
    return sum(images for images, _ in found), sum(size for _, size in found)
