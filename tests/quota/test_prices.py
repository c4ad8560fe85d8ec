"""What an answer costs."""

from __future__ import annotations

import pytest

from turnout.models.catalogue import Catalogue
from turnout.quota.prices import cost
from turnout.translate.messages_writer import TokenUsage


@pytest.mark.parametrize("model", [facts.slug for facts in Catalogue.bundled().listed()])
def test_every_model_that_is_listed_has_a_price(model: str) -> None:
    assert cost(model, TokenUsage(input_tokens=1_000, output_tokens=100))


def test_nothing_costs_nothing() -> None:
    assert cost("gpt-6-astra", TokenUsage()) == 0


def test_cached_input_is_cheaper_and_output_dearer() -> None:
    fresh = cost("gpt-6-astra", TokenUsage(input_tokens=100_000))
    cached = cost("gpt-6-astra", TokenUsage(cached_tokens=100_000))
    output = cost("gpt-6-astra", TokenUsage(output_tokens=100_000))
    assert fresh and cached and output
    assert 0 < cached < fresh < output


def test_a_model_without_a_price() -> None:
    assert cost("my-own-model", TokenUsage(input_tokens=1)) is None
