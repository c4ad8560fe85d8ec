"""What servers say of their models becomes facts; what they say oddly takes nothing else away."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.models import listing, reading
from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts
from turnout.models.effort import ORDER
from turnout.simulator import catalogue as simulated

BUNDLED = Catalogue.bundled()


def entry(**changes: Any) -> dict[str, Any]:
    """A model as the Codex backend lists it."""
    (one,) = [each for each in simulated.codex_listing((0, 169, 0)) if each["slug"] == "gpt-6.1-sol"]
    return {**one, **changes}


def answer(*entries: object) -> bytes:
    return json.dumps({"models": entries}).encode()


def only(**changes: Any) -> ModelFacts:
    """The facts of the one model that is listed so."""
    (facts,) = reading.codex(answer(entry(**changes))).models
    return facts


def test_a_model_of_the_codex_backend() -> None:
    facts = only(display_name="GPT-6.1 Sol", description="For hard work.", available_in_plans=["plus", "pro"])
    assert (facts.name, facts.description, facts.window, facts.max_window) == (
        "GPT-6.1 Sol",
        "For hard work.",
        272_000,
        872_000,
    )
    assert facts.efforts == ("low", "medium", "high", "xhigh", "max")
    assert (facts.multi_agent, facts.multi_agent_effort) == (True, "xhigh")
    assert facts.plans == {"plus", "pro"}


@pytest.mark.parametrize(
    ("said", "field", "known"),
    [
        ({"context_window": None}, "window", 872_000),
        ({"context_window": None, "max_context_window": None}, "window", UNKNOWN_WINDOW),
        ({"max_context_window": None}, "max_window", 272_000),
        ({"max_context_window": 1}, "max_window", 272_000),
        ({"max_output_tokens": 64_000}, "output_limit", 64_000),
        ({}, "output_limit", None),
        ({"slug": "gpt-6-astra"}, "output_limit", 128_000),
        ({"slug": "gpt-6-astra"}, "api_window", 922_000),
        ({"display_name": "gpt-6.1-sol"}, "name", ""),
        ({"supported_reasoning_levels": [{"effort": "high"}, {"effort": "low"}, {"effort": "warp"}]}, "efforts", None),
        ({"supported_reasoning_levels": None}, "efforts", ()),
        ({"supported_reasoning_levels": None}, "default_effort", ""),
        ({"default_reasoning_level": "ultra"}, "default_effort", "medium"),
        ({"supported_reasoning_levels": [{"effort": "high"}]}, "default_effort", "high"),
        ({"multi_agent_reasoning_effort": "warp"}, "multi_agent_effort", None),
        ({"supported_reasoning_levels": [{"effort": "xhigh"}]}, "multi_agent_effort", None),
        ({"service_tiers": []}, "tiers", ()),
        ({"service_tiers": [{"id": "priority", "description": "About 1.5x speed"}]}, "speed", 1.5),
        ({"service_tiers": [{"id": "priority", "description": "Fast"}]}, "speed", None),
        ({"default_service_tier": "priority"}, "default_tier", "priority"),
        ({"available_in_plans": None}, "plans", frozenset()),
        ({"visibility": "hide"}, "listed", False),
        ({"visibility": "none"}, "listed", False),
        ({"upgrade": {"model": "gpt-7"}}, "upgrade", "gpt-7"),
        ({"input_modalities": ["text"]}, "modalities", ("text",)),
        ({"use_responses_lite": False}, "lite", False),
        ({"supports_image_detail_original": None}, "original_images", False),
        ({"priority": None}, "priority", reading.LAST),
    ],
)
def test_what_an_entry_says_and_leaves_out(said: dict[str, Any], field: str, known: object) -> None:
    assert getattr(only(**said), field) == (("low", "high") if "warp" in str(said) and field == "efforts" else known)


def test_an_entry_that_cannot_be_read_is_left_out_and_named() -> None:
    found = reading.codex(answer(entry(), {"slug": "odd", "context_window": -1}, 7, entry(slug="other")))
    assert [facts.slug for facts in found.models] == ["gpt-6.1-sol", "other"]
    assert found.unreadable == ("odd", "number 3")


def test_a_model_that_is_listed_twice_counts_once() -> None:
    assert len(reading.codex(answer(entry(), entry(context_window=1))).models) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"<!DOCTYPE html><html></html>",
        b'{"models": [',
        b'{"models": []}',
        b'{"models": [{}]}',
        b"\xff",
    ],
)
def test_an_answer_that_lists_no_model_is_refused(body: bytes) -> None:
    with pytest.raises(reading.UnknownForm):
        reading.codex(body)
    with pytest.raises(reading.UnknownForm):
        listing.openai(body.replace(b"models", b"data"), BUNDLED.get)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(entry())


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6), max_size=4))
def test_whatever_a_server_says_becomes_sound_facts_or_a_refusal(odd: list[dict[str, Any]]) -> None:
    try:
        found = reading.codex(answer(*(entry(**each) for each in odd)))
    except reading.UnknownForm:
        return
    for facts in found.models:
        assert set(facts.efforts) <= set(ORDER)
        assert facts.default_effort in (*facts.efforts, "")
        assert facts.multi_agent_effort in {None, *facts.efforts}
        assert 0 < facts.window <= facts.max_window


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({"instructions_template": "You are Codex."}, "You are Codex."),
        (
            {
                "instructions_template": "Be good. {{ personality }}",
                "instructions_variables": {"personality_default": "Be kind.", "personality_friendly": "Be jolly."},
            },
            "Be good. Be kind.",
        ),
        ({"instructions_template": "Be good. {{ personality }}", "instructions_variables": None}, "Be good. "),
        ({"instructions_template": None}, ""),
        ({}, ""),
        (None, ""),
        ({"instructions_template": 5}, ""),
        ("odd", ""),
    ],
)
def test_the_backends_own_instructions(said: object, known: str) -> None:
    assert only(model_messages=said).instructions == known


def test_no_release_has_instructions_in_it() -> None:
    assert {facts.instructions for facts in BUNDLED.all()} == {""}
