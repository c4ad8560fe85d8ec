"""Default models come from the catalogue's own order and facts, whatever its models are called."""

from __future__ import annotations

import pytest

from turnout.models.catalogue import Catalogue, ModelFacts
from turnout.models.slots import balanced, default_model, lightest, strongest


def model(slug: str, priority: int, *, leads: bool = True, listed: bool = True) -> ModelFacts:
    return ModelFacts(
        slug=slug,
        priority=priority,
        multi_agent=leads,
        listed=listed,
        window=1,
        max_window=1,
        efforts=("low",),
        default_effort="low",
        minimal_client_version="0.0.0",
    )


def test_the_bundled_choice() -> None:
    catalogue = Catalogue.bundled()
    chosen = {slot: default_model(slot, catalogue).slug for slot in ("opus", "sonnet", "haiku", "other")}
    assert chosen == {"opus": "gpt-6.1-sol", "sonnet": "gpt-6-sol", "haiku": "gpt-6-luna", "other": "gpt-6-sol"}


def test_names_do_not_matter() -> None:
    catalogue = Catalogue([model("d", 4, leads=False), model("a", 1), model("c", 3), model("b", 2), model("x", 5)])
    assert [pick(catalogue).slug for pick in (strongest, balanced, lightest)] == ["a", "c", "d"]


@pytest.mark.parametrize(
    ("models", "chosen"),
    [
        ([model("only", 1)], ["only", "only", "only"]),
        ([model("small", 1, leads=False)], ["small", "small", "small"]),
        ([model("big", 1), model("small", 2, leads=False)], ["big", "small", "small"]),
        ([model("big", 1), model("next", 2)], ["big", "next", "next"]),
        ([model("small", 1, leads=False), model("big", 2)], ["small", "small", "small"]),
    ],
)
def test_small_catalogues(models: list[ModelFacts], chosen: list[str]) -> None:
    catalogue = Catalogue(models)
    assert [pick(catalogue).slug for pick in (strongest, balanced, lightest)] == chosen


def test_hidden_models_are_never_chosen() -> None:
    catalogue = Catalogue([model("hidden", 1, listed=False), model("shown", 2)])
    assert strongest(catalogue).slug == "shown"


def test_an_empty_catalogue_has_no_choice() -> None:
    with pytest.raises(LookupError):
        default_model("haiku", Catalogue([]))
