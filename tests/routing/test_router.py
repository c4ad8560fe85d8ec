"""Routing: any model name, effort and configuration leads to a route that the model supports."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnout.config import CodexSettings, Config, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.models.effort import ORDER
from turnout.protocol.fidelity import approximated
from turnout.routing.router import mapping, route

CATALOGUE = Catalogue.bundled()


class Thinking(msgspec.Struct):
    type: str
    budget_tokens: int | None = None


class OutputConfig(msgspec.Struct):
    effort: str | None = None


class Request(msgspec.Struct):
    model: str = "claude-opus-5-5"
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None


def asking(effort: str | None = None, thinking: Thinking | None = None, model: str = "claude-opus-5-5") -> Request:
    return Request(model=model, thinking=thinking, output_config=OutputConfig(effort) if effort else None)


@pytest.mark.parametrize(
    ("name", "slot", "model"),
    [
        ("claude-opus-5-5", "opus", "gpt-6.1-sol"),
        ("claude-opus-4-8[1m]", "opus", "gpt-6.1-sol"),
        ("claude-3-opus-20240229", "opus", "gpt-6.1-sol"),
        ("claude-fable-5-2", "opus", "gpt-6.1-sol"),
        ("best", "opus", "gpt-6.1-sol"),
        ("opus[1m]", "opus", "gpt-6.1-sol"),
        ("claude-sonnet-5", "sonnet", "gpt-6-sol"),
        ("claude-3-5-sonnet-latest", "sonnet", "gpt-6-sol"),
        ("anthropic/claude-sonnet-5-5", "sonnet", "gpt-6-sol"),
        ("Claude-Haiku-4-5-20251001", "haiku", "gpt-6-luna"),
        ("haiku", "haiku", "gpt-6-luna"),
        ("claude-2.1", "other", "gpt-6-sol"),
        ("claude-next", "other", "gpt-6-sol"),
        ("", "other", "gpt-6-sol"),
        ("gpt-5.5", "direct", "gpt-5.5"),
        ("gpt-5.5[1m]", "direct", "gpt-5.5"),
        ("GPT-5.5", "direct", "gpt-5.5"),
        ("anthropic/gpt-5.5", "direct", "gpt-5.5"),
        ("gpt-99-new", "direct", "gpt-99-new"),
        ("o3", "direct", "o3"),
        ("codex-auto-review", "direct", "codex-auto-review"),
        ("llama-4", "direct", "llama-4"),
    ],
)
def test_model_names(name: str, slot: str, model: str) -> None:
    found = route(Request(model=name), Config(), CATALOGUE)
    assert (found.slot, found.model, found.model_asked) == (slot, model, name)


@pytest.mark.parametrize(
    ("request_", "effort"),
    [
        (asking("low"), "low"),
        (asking("max"), "max"),
        (asking("low", Thinking("disabled")), "low"),
        (asking("ultra"), "xhigh"),
        (asking(None, Thinking("disabled")), "low"),
        (asking(None, Thinking("enabled", 1_024)), "low"),
        (asking(None, Thinking("enabled", 4_000)), "medium"),
        (asking(None, Thinking("enabled", 16_000)), "high"),
        (asking(None, Thinking("enabled", 31_999)), "xhigh"),
        (asking(None, Thinking("enabled")), "xhigh"),
        (asking(None, Thinking("adaptive")), "xhigh"),
        (asking(None, None), "xhigh"),
        (asking(None, None, "claude-sonnet-5"), "high"),
        (asking(None, None, "claude-haiku-5-5"), "medium"),
        (asking(None, None, "claude-2.1"), "high"),
        (asking(None, None, "gpt-5.5"), None),
        (asking("max", None, "gpt-5.5"), "xhigh"),
        (asking("high", None, "gpt-99"), None),
        (asking("turbo", None, "claude-haiku-5-5"), "medium"),
    ],
)
def test_effort(request_: Request, effort: str | None) -> None:
    assert route(request_, Config(), CATALOGUE).effort == effort


def test_the_users_choice_of_model_and_effort_counts() -> None:
    config = Config(slots=Slots(sonnet=Slot(model="gpt-5.5", effort="max"), haiku=Slot(effort="low")))
    sonnet = route(Request(model="claude-sonnet-5"), config, CATALOGUE)
    assert (sonnet.model, sonnet.effort) == ("gpt-5.5", "xhigh")
    assert route(Request(model="claude-haiku-5"), config, CATALOGUE).effort == "low"
    assert route(Request(model="claude-new"), config, CATALOGUE).model == "gpt-5.5"


def test_what_was_approximated_is_said() -> None:
    assert route(asking("max", model="gpt-5.5"), Config(), CATALOGUE).notes == (
        approximated("effort", "max became xhigh: gpt-5.5 has low, medium, high, xhigh"),
    )
    assert route(asking("high"), Config(), CATALOGUE).notes == ()
    assert "nothing is known of gpt-99" in route(asking("high", model="gpt-99"), Config(), CATALOGUE).notes[0].reason
    assert "'turbo'" in route(asking("turbo"), Config(), CATALOGUE).notes[0].reason


@pytest.mark.parametrize(
    ("upstream", "model", "window"),
    [
        ("codex", "gpt-6-astra", 258_400),
        ("codex", "gpt-6.1-terra", 475_000),
        ("openai", "gpt-6-astra", 922_000),
        ("openai", "gpt-5.5", 258_400),
        ("codex", "gpt-99", 258_400),
    ],
)
def test_windows(upstream: str, model: str, window: int) -> None:
    assert route(Request(model=model), Config(upstream=upstream), CATALOGUE).window == window


def test_framing_is_a_switch_per_model_of_the_codex_backend_only() -> None:
    lite = CodexSettings(framing={"gpt-6-astra": "lite", "gpt-5.5": "auto"})
    assert route(Request(model="gpt-6-astra"), Config(codex=lite), CATALOGUE).framing == "lite"
    assert route(Request(model="gpt-5.5"), Config(codex=lite), CATALOGUE).framing == "plain"
    assert route(Request(model="gpt-6-astra"), Config(upstream="openai", codex=lite), CATALOGUE).framing == "plain"


def test_the_mapping_says_what_each_slot_stands_for() -> None:
    config = Config(slots=Slots(haiku=Slot(model="gpt-99")))
    assert [str(line) for line in mapping(config, CATALOGUE)] == [
        "opus   → gpt-6.1-sol · xhigh · codex",
        "sonnet → gpt-6-sol · high · codex",
        "haiku  → gpt-99 · its own effort · codex",
        "other  → gpt-6-sol · high · codex",
    ]


names = st.one_of(
    st.text(max_size=30),
    st.sampled_from([facts.slug for facts in CATALOGUE.all()]),
    st.builds("claude-{}-{}".format, st.sampled_from(["opus", "sonnet", "haiku", "fable", "x"]), st.text(max_size=5)),
)
words = st.sampled_from(["", *ORDER, "ultra"])
slot_configs = st.builds(Slot, model=st.one_of(st.just(""), names), effort=words)


@given(
    model=names,
    effort=st.one_of(st.none(), words, st.text(max_size=8)),
    thinking=st.one_of(
        st.none(), st.builds(Thinking, st.sampled_from(["enabled", "disabled", "adaptive", "?"]), st.integers())
    ),
    slots=st.builds(Slots, opus=slot_configs, sonnet=slot_configs, haiku=slot_configs, other=slot_configs),
    upstream=st.sampled_from(["codex", "openai"]),
)
def test_every_request_gets_a_route_that_its_model_supports(
    model: str, effort: str | None, thinking: Thinking | None, slots: Slots, upstream: str
) -> None:
    request = Request(model=model, thinking=thinking, output_config=OutputConfig(effort))
    found = route(request, Config(upstream=upstream, slots=slots), CATALOGUE)
    facts = CATALOGUE.get(found.model)
    assert found.effort is None or (facts is not None and found.effort in facts.efforts)
    assert found.model_asked == model
    assert found.upstream == upstream
    assert found.window > 0
