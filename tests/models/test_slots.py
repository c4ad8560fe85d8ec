"""Default models come from the catalogue's own order and facts, whatever its models are called."""

from __future__ import annotations

import pytest

from turnout.models.catalogue import Catalogue, ModelFacts
from turnout.models.slots import API, DEFAULT_EFFORTS, FOLLOWS, SLOTS, SlotName, chain, choose, default_model

THREE: tuple[SlotName, ...] = ("opus", "sonnet", "haiku")


def model(slug: str, priority: int, *, leads: bool = True, listed: bool = True, plans: str = "") -> ModelFacts:
    return ModelFacts(
        slug=slug,
        priority=priority,
        multi_agent=leads,
        listed=listed,
        plans=frozenset(plans.split()),
        window=1,
        max_window=1,
        efforts=("low",),
        default_effort="low",
        minimal_client_version="0.0.0",
    )


def chosen(catalogue: Catalogue, plan: str = "") -> list[str]:
    """What the three families stand for."""
    return [default_model(slot, catalogue, plan).slug for slot in THREE]


def test_the_bundled_choice() -> None:
    catalogue = Catalogue.bundled()
    assert {slot: default_model(slot, catalogue).slug for slot in SLOTS} == {
        "opus": "gpt-6.1-sol",
        "sonnet": "gpt-6-sol",
        "haiku": "gpt-6-luna",
        "fable": "gpt-6.1-sol",
        "best": "gpt-6.1-sol",
        "subagent": "gpt-6-sol",
        "background": "gpt-6-luna",
        "other": "gpt-6-sol",
    }


def test_every_slot_ends_at_one_of_the_three_families_and_has_its_effort() -> None:
    assert {chain(slot)[-1] for slot in SLOTS} == set(THREE)
    assert {slot: DEFAULT_EFFORTS[slot] for slot in FOLLOWS} == {
        slot: DEFAULT_EFFORTS[chain(slot)[-1]] for slot in FOLLOWS
    }


def test_names_do_not_matter() -> None:
    catalogue = Catalogue([model("d", 4, leads=False), model("a", 1), model("c", 3), model("b", 2), model("x", 5)])
    assert chosen(catalogue) == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([model("only", 1)], ["only", "only", "only"]),
        ([model("small", 1, leads=False)], ["small", "small", "small"]),
        ([model("big", 1), model("small", 2, leads=False)], ["big", "small", "small"]),
        ([model("big", 1), model("next", 2)], ["big", "next", "next"]),
        ([model("small", 1, leads=False), model("big", 2)], ["small", "small", "small"]),
    ],
)
def test_small_catalogues(models: list[ModelFacts], expected: list[str]) -> None:
    assert chosen(Catalogue(models)) == expected


def test_hidden_models_are_never_chosen() -> None:
    assert chosen(Catalogue([model("hidden", 1, listed=False), model("shown", 2)]))[0] == "shown"


def test_an_empty_catalogue_has_no_choice() -> None:
    with pytest.raises(LookupError):
        choose("haiku", Catalogue([]))


def test_only_what_the_plan_has_is_chosen_as_far_as_that_is_known() -> None:
    models = [model("paid", 1, plans="plus"), model("all", 2, plans="free plus"), model("?", 3, leads=False)]
    catalogue = Catalogue(models)
    assert chosen(catalogue, "plus") == ["paid", "all", "?"]
    assert chosen(catalogue, "free") == ["all", "?", "?"]
    assert chosen(catalogue, "") == chosen(catalogue, API) == ["paid", "all", "?"]
    assert chosen(catalogue.without("all", "plus"), "plus") == ["paid", "?", "?"]
    assert chosen(catalogue.without("paid", API), API) == ["all", "?", "?"]


def test_a_plan_that_has_nothing_gets_what_all_get() -> None:
    assert chosen(Catalogue([model("paid", 1, plans="plus")]), "free") == ["paid", "paid", "paid"]


def test_every_choice_has_its_reason() -> None:
    catalogue = Catalogue([model("paid", 1, plans="plus"), model("all", 2), model("small", 3, leads=False)])
    assert choose("opus", catalogue).why == "the strongest: first in the catalogue's order"
    assert choose("fable", catalogue, "free").why.endswith("order, of those that the plan free has")
    assert "lightest" in choose("background", catalogue).why
    assert "balanced" in choose("other", catalogue).why
