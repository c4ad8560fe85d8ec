"""The bundled catalogue is whole, and answers by name and by order."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from turnout.models.bundled import MODELS
from turnout.models.catalogue import Catalogue, ModelFacts
from turnout.models.effort import ORDER

CATALOGUE = Catalogue.bundled()


def test_listed_models_come_in_the_catalogues_order() -> None:
    assert [facts.slug for facts in CATALOGUE.listed()] == [
        "gpt-6.1-sol",
        "gpt-6-astra",
        "gpt-6-sol",
        "gpt-6-luna",
        "gpt-5.6-sol",
        "gpt-6.1-terra",
        "gpt-5.6-terra",
        "gpt-5.6-luna",
        "gpt-5.5",
    ]


def test_hidden_models_are_known_by_name() -> None:
    hidden = CATALOGUE.get("codex-auto-review")
    assert hidden is not None
    assert not hidden.listed


def test_an_unknown_name_has_no_facts() -> None:
    assert CATALOGUE.get("gpt-99") is None


def test_the_usable_window_is_what_the_codex_client_reports() -> None:
    facts = CATALOGUE.get("gpt-5.5")
    assert facts is not None
    assert facts.usable_window == 258_400


@pytest.mark.parametrize("facts", MODELS, ids=lambda facts: facts.slug)
def test_the_facts_of_a_model_agree_with_each_other(facts: ModelFacts) -> None:
    assert facts.efforts == tuple(sorted(facts.efforts, key=ORDER.index))
    assert facts.default_effort in facts.efforts
    assert facts.window <= facts.max_window
    assert facts.multi_agent_effort in {None, *facts.efforts}
    assert facts.multi_agent or facts.multi_agent_effort is None
    assert not facts.upgrade or CATALOGUE.get(facts.upgrade)


def test_names_and_places_are_unique() -> None:
    assert len({facts.slug for facts in MODELS}) == len(MODELS)
    listed = CATALOGUE.listed()
    assert len({facts.priority for facts in listed}) == len(listed)


def test_what_a_plan_may_use_is_known_from_the_catalogue_and_from_refusals() -> None:
    facts = replace(MODELS[0], plans=frozenset({"plus", "pro"}))
    catalogue = Catalogue([facts, replace(MODELS[1], plans=frozenset())], etag="1", fetched_at=5.0, source="live")
    assert catalogue.allows(facts.slug, "plus") is True
    assert catalogue.allows(facts.slug, "free") is False
    assert catalogue.allows(facts.slug, "") is None
    assert catalogue.allows(MODELS[1].slug, "free") is None
    assert catalogue.allows("gpt-99", "free") is None

    taught = catalogue.without(facts.slug, "plus")
    assert taught.allows(facts.slug, "plus") is False
    assert taught.allows(facts.slug, "pro") is True
    assert (taught.etag, taught.fetched_at, taught.source) == ("1", 5.0, "live")
    assert catalogue.allows(facts.slug, "plus") is True
