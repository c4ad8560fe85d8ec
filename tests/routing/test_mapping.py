"""What the slots stand for, and why."""

from __future__ import annotations

import msgspec

from turnout.config import Config, CustomUpstream, ModelsSettings, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.models.slots import SLOTS
from turnout.routing.mapping import mapping

CATALOGUE = Catalogue.bundled()


def test_it_says_what_each_slot_stands_for() -> None:
    config = Config(slots=Slots(haiku=Slot(model="gpt-99")))
    assert [str(line) for line in mapping(config, CATALOGUE)] == [
        "opus   → gpt-6.1-sol · xhigh · codex",
        "sonnet → gpt-6-sol · high · codex",
        "haiku  → gpt-99 · its own effort · codex",
        "other  → gpt-6-sol · high · codex",
    ]


def test_slots_that_follow_are_shown_once_something_is_set_of_them() -> None:
    slots = Slots(fable=Slot(upstream="openai", account="work", tier="fast"))
    assert [str(line) for line in mapping(Config(slots=slots), CATALOGUE) if line.slot == "fable"] == [
        "fable  → gpt-6.1-sol · xhigh · openai · priority · work"
    ]
    assert [line.slot for line in mapping(Config(), CATALOGUE, every=True)] == list(SLOTS)


def test_it_says_why() -> None:
    config = Config(slots=Slots(opus=Slot(model="gpt-5.5")))
    why = {line.slot: line.why for line in mapping(config, CATALOGUE, every=True)}
    assert why["opus"] == why["fable"] == "set in the configuration"
    assert why["haiku"].startswith("the lightest")
    assert why["background"] == "follows haiku"


def test_it_warns() -> None:
    models = [msgspec.structs.replace(facts, plans=frozenset({"pro"})) for facts in CATALOGUE.all()]
    config = Config(slots=Slots(opus=Slot(model="gpt-6-sol", effort="ultra")))
    opus = mapping(config, Catalogue(models), plan="free")[0]
    assert any("may not be offered to the plan free" in warning for warning in opus.warnings)
    assert any("ultra became max" in warning for warning in opus.warnings)


def test_it_warns_of_names_that_nobody_knows_and_of_nothing_that_nobody_has_asked_for() -> None:
    models = [msgspec.structs.replace(facts, efforts=("low",)) for facts in CATALOGUE.all()]
    assert [line.warnings for line in mapping(Config(), Catalogue(models))] == [()] * 4
    opus, *others = mapping(Config(slots=Slots(opus=Slot(model="gpt-5.55"))), CATALOGUE)
    assert opus.warnings == ("gpt-5.55 is in no list of models; the nearest is gpt-5.5",)
    assert not any(line.warnings for line in others)


def test_an_alias_with_a_slots_name_does_not_change_the_slot() -> None:
    config = Config(models=ModelsSettings(aliases={"opus": "gpt-5.5", "quick": "gpt-5.5"}))
    assert mapping(config, CATALOGUE)[0].model == "gpt-6.1-sol"


def test_upstreams_of_ones_own_are_known_by_the_configuration() -> None:
    own = CustomUpstream(base_url="http://127.0.0.1:8080/v1", model="qwen3-coder")
    config = Config(upstream="box", custom={"box": own})
    lines = mapping(config, CATALOGUE)
    assert {(line.upstream, line.model) for line in lines} == {("box", "qwen3-coder")}
