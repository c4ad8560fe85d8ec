"""Effort is capped to what the model has, and a thinking budget stands for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.models.catalogue import Catalogue, ModelFacts
from turnout.models.effort import MULTI_AGENT, ORDER, cap, of_budget

CATALOGUE = Catalogue.bundled()


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("gpt-5.5", "high", "high"),
        ("gpt-5.5", "max", "xhigh"),
        ("gpt-5.5", "minimal", "low"),
        ("gpt-5.5", "none", "low"),
        ("gpt-6.1-sol", "max", "max"),
        ("gpt-6.1-sol", "ultra", "xhigh"),
        ("gpt-6-sol", "ultra", "max"),
        ("gpt-5.6-sol", "ultra", "max"),
        ("gpt-6-luna", "ultra", "max"),
        ("gpt-5.5", "ultra", "xhigh"),
        ("gpt-5.5", None, None),
        ("gpt-5.5", "enormous", None),
        ("gpt-99", "high", None),
    ],
)
def test_cap(model: str, asked: str | None, sent: str | None) -> None:
    assert cap(asked, CATALOGUE.get(model)) == sent


@given(st.sampled_from([*ORDER, MULTI_AGENT]), st.sets(st.sampled_from(ORDER), min_size=1))
def test_a_capped_effort_is_always_one_that_the_model_has(asked: str, efforts: set[str]) -> None:
    facts = ModelFacts(
        slug="m",
        window=1,
        max_window=1,
        efforts=tuple(efforts),
        default_effort="low",
        minimal_client_version="0.0.0",
        priority=1,
    )
    assert cap(asked, facts) in efforts


@pytest.mark.parametrize(
    ("budget", "effort"),
    [
        (0, "low"),
        (1_999, "low"),
        (2_000, "medium"),
        (7_999, "medium"),
        (8_000, "high"),
        (24_000, "high"),
        (31_999, "xhigh"),
    ],
)
def test_a_budget_stands_for_an_effort(budget: int, effort: str) -> None:
    assert of_budget(budget) == effort
