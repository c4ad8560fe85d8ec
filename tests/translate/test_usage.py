"""Upstream's token counts, split the way the Messages API splits them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from msgspec import Raw

from tests.translate import strategies
from turnout.translate.messages_writer import TokenUsage
from turnout.translate.usage import count


def counted(usage: object) -> TokenUsage | None:
    return count(Raw(json.dumps(usage).encode()))


def test_cached_and_written_tokens_are_taken_out_of_the_input() -> None:
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 20},
        "total_tokens": 150,
    }
    assert counted(usage) == TokenUsage(
        input_tokens=10, cached_tokens=60, cache_write_tokens=30, output_tokens=50, reasoning_tokens=20
    )


@pytest.mark.parametrize("usage", [None, {}, {"input_tokens": None, "output_tokens_details": None}])
def test_what_is_not_said_is_zero(usage: object) -> None:
    assert counted(usage) == TokenUsage()


def test_no_count_is_negative() -> None:
    assert counted({"input_tokens": 50, "input_tokens_details": {"cached_tokens": 60}}) == TokenUsage(cached_tokens=60)
    assert counted({"input_tokens": -5, "output_tokens": -1, "input_tokens_details": {"cached_tokens": -9}}) == (
        TokenUsage()
    )


def test_whole_numbers_may_be_written_with_a_point() -> None:
    assert counted({"input_tokens": 12.0, "output_tokens": 3.0}) == TokenUsage(input_tokens=12, output_tokens=3)


@pytest.mark.parametrize("usage", ["none", [], {"input_tokens": "12"}, {"input_tokens_details": []}])
def test_what_cannot_be_read_is_said_to_be_unknown(usage: object) -> None:
    assert counted(usage) is None


@settings(max_examples=150, deadline=None)
@given(strategies.USAGES)
def test_any_usage_gives_counts_or_nothing(usage: object) -> None:
    found = counted(usage)
    if found is not None:
        assert all(getattr(found, name) >= 0 for name in TokenUsage.__struct_fields__)
