"""The lists of models that servers give, in every form that they have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.models import listing
from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts
from turnout.models.reading import UnknownForm

BUNDLED = Catalogue.bundled()


class TestAnApi:
    def read(self, *entries: object) -> Catalogue:
        return Catalogue(listing.openai(json.dumps({"data": entries}).encode(), BUNDLED.get).models)

    def test_offers_the_models_that_are_known_and_has_the_others(self) -> None:
        found = self.read({"id": "whisper-9"}, {"id": "gpt-6-sol"}, {"id": "gpt-6.1-sol"}, {"id": "gpt-4.1"})
        assert [facts.slug for facts in found.listed()] == ["gpt-6.1-sol", "gpt-6-sol"]
        assert found.get("gpt-6-sol") == BUNDLED.get("gpt-6-sol")
        whisper = found.get("whisper-9")
        assert whisper is not None
        assert (whisper.efforts, whisper.window, whisper.tiers) == ((), UNKNOWN_WINDOW, ())
        assert found.get("gpt-5.5") is None

    def test_of_which_nothing_is_known_offers_all_in_its_own_order(self) -> None:
        found = self.read({"id": "qwen", "max_model_len": 32_768}, {"id": "llama", "name": "Llama", "owned_by": "me"})
        assert [(facts.slug, facts.name, facts.window) for facts in found.listed()] == [
            ("qwen", "", 32_768),
            ("llama", "Llama", UNKNOWN_WINDOW),
        ]

    def test_says_itself_how_large_its_window_is(self) -> None:
        facts = self.read({"id": "gpt-6.1-sol", "context_length": 400_000}).get("gpt-6.1-sol")
        assert facts is not None
        assert (facts.api_window, facts.window) == (400_000, 272_000)


class TestAServerOfOnesOwn:
    def read(self, answer: object) -> tuple[ModelFacts, ...]:
        return listing.own(json.dumps(answer).encode(), BUNDLED.get).models

    def only(self, **said: Any) -> ModelFacts:
        (facts,) = self.read({"data": [{"id": "qwen", **said}]})
        return facts

    def test_offers_all_that_it_lists_in_its_own_order(self) -> None:
        found = Catalogue(self.read({"data": [{"id": "z"}, {"id": "gpt-5.5"}, {"id": "a"}]}))
        assert [facts.slug for facts in found.listed()] == ["z", "gpt-5.5", "a"]

    def test_and_only_it_says_how_large_the_window_of_a_known_model_is_there(self) -> None:
        facts = self.only(id="gpt-6-astra")
        assert (facts.api_window, facts.window, facts.efforts[-1]) == (None, UNKNOWN_WINDOW, "max")
        assert self.only(id="gpt-6-astra", max_model_len=32_768).window == 32_768

    @pytest.mark.parametrize(
        "answer",
        [
            {"object": "list", "data": [{"id": "a"}, {"id": "b"}]},
            {"data": ["a", "b"]},
            {"models": [{"name": "a", "model": "a"}, {"name": "b"}]},
            {"data": None, "models": [{"id": "a"}, {"id": "b"}]},
            [{"id": "a"}, {"id": "b"}, {"id": "a"}],
            {"data": [{"id": " a "}, {"id": 7}, None, {"id": ""}, {"id": "x" * 300}, {"id": "a\nb"}, [], {"id": "b"}]},
        ],
    )
    def test_in_every_form_that_there_is(self, answer: object) -> None:
        assert [facts.slug for facts in self.read(answer)] == ["a", "b"]

    @pytest.mark.parametrize("answer", [{"data": []}, {"data": None}, [], {"models": []}])
    def test_may_have_no_model_yet(self, answer: object) -> None:
        assert self.read(answer) == ()

    @pytest.mark.parametrize(
        "answer", [{}, {"error": {"message": "no"}}, {"data": {"id": "a"}}, {"data": [{}, 3]}, "a", 7]
    )
    def test_that_answers_otherwise_lists_no_models(self, answer: object) -> None:
        with pytest.raises(UnknownForm):
            self.read(answer)

    @pytest.mark.parametrize(
        ("said", "window"),
        [
            ({"context_window": 131_072}, 131_072),
            ({"context_length": 8192.0}, 8192),
            ({"max_model_len": "32768"}, 32_768),
            ({"context_window": None, "max_context_length": 4096}, 4096),
            ({"top_provider": {"context_length": 1000}}, 1000),
            ({"context_window": -1}, None),
            ({"context_window": 0}, None),
            ({"context_window": 10**30}, None),
            ({"context_window": "inf"}, None),
            ({"context_window": "nan"}, None),
            ({"context_window": {"tokens": 5}}, None),
            ({"context_window": True}, None),
            ({"top_provider": "me"}, None),
            ({}, None),
        ],
    )
    def test_tells_its_windows_in_many_ways(self, said: dict[str, Any], window: int | None) -> None:
        facts = self.only(**said)
        assert (facts.api_window, facts.window) == (window, window or UNKNOWN_WINDOW)

    def test_tells_more_of_its_models(self) -> None:
        facts = self.only(
            name="Qwen",
            description="For\n code.",
            max_completion_tokens=8192,
            architecture={"input_modalities": ["text"], "output_modalities": ["text"]},
        )
        assert (facts.name, facts.description, facts.output_limit, facts.modalities) == (
            "Qwen",
            "For code.",
            8192,
            ("text",),
        )

    def test_does_not_offer_what_it_no_longer_serves_or_what_does_not_write(self) -> None:
        assert not self.only(active=False).listed
        assert not self.only(architecture={"output_modalities": ["image"]}).listed
        assert self.only(active="no", architecture={"output_modalities": 7}).listed

    def test_of_more_models_than_anyone_has_the_first_are_kept(self) -> None:
        found = listing.own(
            json.dumps({"data": [{"id": f"m{n}"} for n in range(listing.MOST + 3)]}).encode(), BUNDLED.get
        )
        assert (len(found.models), found.beyond) == (listing.MOST, 3)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = [
    "id",
    "name",
    "context_window",
    "context_length",
    "max_output_tokens",
    "top_provider",
    "architecture",
    "active",
]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5) | JSON, max_size=4))
def test_whatever_a_server_says_becomes_sound_facts_or_a_refusal(odd: list[Any]) -> None:
    try:
        found = listing.own(json.dumps({"data": [{"id": "sound"}, *odd]}).encode(), BUNDLED.get)
    except UnknownForm:
        return
    assert found.models[0].slug == "sound"
    for facts in found.models:
        assert facts.slug == facts.slug.strip() != ""
        assert 0 < facts.window <= facts.max_window
