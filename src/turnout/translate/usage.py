"""Tokens as upstream counts them → tokens as the Messages API counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol import responses as wire
from turnout.translate.messages_writer import TokenUsage

if TYPE_CHECKING:
    from msgspec import Raw

_decode = msgspec.json.Decoder(wire.Usage | None).decode


def count(usage: Raw) -> TokenUsage | None:
    """Upstream's figures, whose input includes the cached tokens, split; never below zero (behaviours.md 33).

    All zero if there are none, None if they cannot be read.
    """
    try:
        read = _decode(usage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if read is None:
        return TokenUsage()
    inside = read.input_tokens_details or wire.InputDetails()
    outside = read.output_tokens_details or wire.OutputDetails()
    cached, written = _whole(inside.cached_tokens), _whole(inside.cache_write_tokens)
    return TokenUsage(
        input_tokens=max(0, _whole(read.input_tokens) - cached - written),
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=_whole(read.output_tokens),
        reasoning_tokens=_whole(outside.reasoning_tokens),
    )


def _whole(tokens: float | None) -> int:
    """Some servers write whole numbers as ``12.0``."""
    return int(tokens) if tokens and tokens > 0 else 0
