"""Routing: any model string, effort and configuration leads to a route that model and upstream accept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.routing.asking import NULL, SOME_TOOLS, OutputConfig, Request, Thinking, asking
from turnout.config import CodexSettings, Config, ModelsSettings, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.models.effort import BUDGETS, ORDER
from turnout.models.slots import DEFAULT_EFFORTS, SLOTS
from turnout.protocol.capabilities import CODEX, OPENAI, USUAL, Capabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.protocol.fidelity import approximated, mapped
from turnout.routing.overrides import TIERS, Overrides
from turnout.routing.route import DIRECT, Route
from turnout.routing.router import route

CATALOGUE = Catalogue.bundled()
LIVE = Catalogue(CATALOGUE.all(), source="live")


def refusal(name: str, config: Config | None = None, catalogue: Catalogue = LIVE) -> tuple[str, str]:
    with pytest.raises(TurnoutError) as caught:
        route(Request(model=name), config or Config(), catalogue)
    assert caught.value.failure.kind is FailureKind.MODEL_UNAVAILABLE
    return caught.value.failure.message, caught.value.failure.next_step


# Names


@pytest.mark.parametrize(
    ("name", "slot", "model"),
    [
        ("claude-opus-5-5", "opus", "gpt-6.1-sol"),
        ("claude-opus-4-8[1m]", "opus", "gpt-6.1-sol"),
        ("claude-3-opus-20240229", "opus", "gpt-6.1-sol"),
        ("claude-fable-5-2", "fable", "gpt-6.1-sol"),
        ("best", "best", "gpt-6.1-sol"),
        ("opus[1m]", "opus", "gpt-6.1-sol"),
        ("opusplan", "opus", "gpt-6.1-sol"),
        ("claude-sonnet-5", "sonnet", "gpt-6-sol"),
        ("claude-3-5-sonnet-latest", "sonnet", "gpt-6-sol"),
        ("claude-sonnet-4@20250514", "sonnet", "gpt-6-sol"),
        ("anthropic/claude-sonnet-5-5", "sonnet", "gpt-6-sol"),
        ("Claude-Haiku-4-5-20251001", "haiku", "gpt-6-luna"),
        ("haiku", "haiku", "gpt-6-luna"),
        ("subagent", "subagent", "gpt-6-sol"),
        ("background", "background", "gpt-6-luna"),
        ("claude-2.1", "other", "gpt-6-sol"),
        ("claude-instant-1.2", "other", "gpt-6-sol"),
        ("claude-next", "other", "gpt-6-sol"),
        ("", "other", "gpt-6-sol"),
        ("gpt-5.5", DIRECT, "gpt-5.5"),
        ("gpt-5.5[1m]", DIRECT, "gpt-5.5"),
        ("GPT-5.5", DIRECT, "gpt-5.5"),
        ("anthropic/gpt-5.5", DIRECT, "gpt-5.5"),
        ("claude-gpt-5.5", DIRECT, "gpt-5.5"),
        ("anthropic-gpt-5.5", DIRECT, "gpt-5.5"),
        ("gpt-99-new", DIRECT, "gpt-99-new"),
        ("o3", DIRECT, "o3"),
        ("codex-auto-review", DIRECT, "codex-auto-review"),
        ("codex/llama-4", DIRECT, "llama-4"),
    ],
)
def test_model_names(name: str, slot: str, model: str) -> None:
    found = route(Request(model=name), Config(), CATALOGUE)
    assert (found.slot, found.model, found.model_asked) == (slot, model, name)


@pytest.mark.parametrize(
    ("name", "model", "effort", "upstream"),
    [
        ("gpt-5.5-high", "gpt-5.5", "high", "codex"),
        ("gpt-5.5@low", "gpt-5.5", "low", "codex"),
        ("claudex:gpt-5.5:medium", "gpt-5.5", "medium", "codex"),
        ("turnout:gpt-5.5", "gpt-5.5", None, "codex"),
        ("turnout:sonnet:low", "gpt-6-sol", "low", "codex"),
        ("openai-codex:gpt-5.5", "gpt-5.5", None, "codex"),
        ("openai/gpt-5.5", "gpt-5.5", None, "openai"),
        ("openai/opus@low", "gpt-6.1-sol", "low", "openai"),
        ("codex/gpt-5.5-xhigh", "gpt-5.5", "xhigh", "codex"),
        ("gpt-5.5?reasoning_effort=low", "gpt-5.5", "low", "codex"),
        ("haiku@max", "gpt-6-luna", "max", "codex"),
        ("claude-opus-5-5-low", "gpt-6.1-sol", "low", "codex"),
    ],
)
def test_model_strings(name: str, model: str, effort: str | None, upstream: str) -> None:
    found = route(Request(model=name), Config(), CATALOGUE)
    assert (found.model, found.effort, found.upstream) == (model, effort, upstream)


def test_aliases_are_the_users_and_go_before_all_else() -> None:
    aliases = {"quick": "gpt-6-luna@low", "Twice": "quick", "opus": "gpt-5.5", "paid": "openai/gpt-9", "round": "round"}
    config = Config(models=ModelsSettings(aliases=aliases))

    def lead(name: str) -> tuple[str, str | None, str]:
        found = route(Request(model=name), config, LIVE)
        return found.model, found.effort, found.upstream

    assert lead("quick") == lead("QUICK") == lead("twice") == ("gpt-6-luna", "low", "codex")
    assert lead("quick@high") == ("gpt-6-luna", "high", "codex")
    assert lead("opus") == ("gpt-5.5", None, "codex")
    assert lead("paid") == ("gpt-9", None, "openai")
    assert lead("round")[0] == "round"  # it stands for itself: whoever wrote that may know the model


def test_an_unknown_name_is_answered_with_the_nearest_ones() -> None:
    message, step = refusal("gpt-5.6-lunar")
    assert message == "There is no model 'gpt-5.6-lunar' here."
    assert step.startswith("Did you mean gpt-5.6-luna")
    assert "codex/gpt-5.6-lunar" in step
    assert "There is gpt-6.1-sol, gpt-6-astra and gpt-6-sol." in refusal("zzz")[1]
    assert "Did you mean sonnet" in refusal("sonet")[1]
    assert "quickly" in refusal("quickli", Config(models=ModelsSettings(aliases={"quickly": "gpt-5.5"})))[1]


def test_what_the_release_does_not_know_may_be_new_and_what_the_live_catalogue_does_not_know_is_not_there() -> None:
    assert route(Request(model="gpt-99"), Config(), CATALOGUE).model == "gpt-99"
    assert refusal("gpt-99")
    assert refusal("llama-4", catalogue=CATALOGUE)


def test_other_servers_may_have_any_model() -> None:
    assert route(Request(model="llama-4"), Config(upstream="openai"), LIVE).model == "llama-4"


def test_what_the_configuration_names_is_not_doubted() -> None:
    config = Config(slots=Slots(opus=Slot(model="gpt-99")))
    assert route(Request(), config, LIVE).model == "gpt-99"


def test_an_empty_catalogue_is_a_failure_with_a_name() -> None:
    assert "lists no model" in refusal("opus", catalogue=Catalogue([]))[0]
    config = Config(slots=Slots(haiku=Slot(model="sonnet")))
    assert "lists no model" in refusal("haiku", config, Catalogue([]))[0]


# Slots


def test_a_slot_follows_another_one_in_what_is_not_set_of_it() -> None:
    slots = Slots(opus=Slot(model="gpt-5.5", effort="low", account="work"), fable=Slot(effort="medium"))
    fable = route(Request(model="claude-fable-5"), Config(slots=slots), CATALOGUE)
    assert (fable.slot, fable.model, fable.effort, fable.account) == ("fable", "gpt-5.5", "medium", "work")
    other = route(Request(model="claude-new"), Config(slots=Slots(sonnet=Slot(model="gpt-5.5"))), CATALOGUE)
    assert (other.slot, other.model) == ("other", "gpt-5.5")


def test_a_slot_may_stand_for_what_another_one_stands_for() -> None:
    def model(slots: Slots) -> str:
        return route(Request(model="haiku"), Config(slots=slots), CATALOGUE).model

    assert model(Slots(haiku=Slot(model="sonnet"))) == "gpt-6-sol"
    assert model(Slots(haiku=Slot(model="sonnet"), sonnet=Slot(model="gpt-5.5"))) == "gpt-5.5"
    assert model(Slots(haiku=Slot(model="haiku"))) == "gpt-6-luna"
    assert model(Slots(haiku=Slot(model="sonnet"), sonnet=Slot(model="haiku"))) == "gpt-6-luna"


def test_subagents_have_a_slot_of_their_own_once_something_is_set_of_it() -> None:
    def asks(slots: Slots, model: str = "claude-haiku-5-5") -> Route:
        return route(Request(model=model), Config(slots=slots), CATALOGUE, Overrides(subagent=True))

    assert asks(Slots()).slot == "haiku"
    only_effort = asks(Slots(subagent=Slot(effort="low")))
    assert (only_effort.slot, only_effort.model, only_effort.effort) == ("subagent", "gpt-6-luna", "low")
    assert asks(Slots(subagent=Slot(model="gpt-5.5"))).model == "gpt-5.5"
    assert asks(Slots(subagent=Slot(model="gpt-5.5")), "gpt-6-sol").model == "gpt-6-sol"
    assert route(Request(model="haiku"), Config(slots=Slots(subagent=Slot(model="x"))), CATALOGUE).slot == "haiku"


def test_small_helper_calls_have_a_slot_of_their_own_once_something_is_set_of_it() -> None:
    config = Config(slots=Slots(background=Slot(model="gpt-5.5")))
    for tools in (NULL, Raw(b"[]")):
        assert route(Request(model="haiku", tools=tools), config, CATALOGUE).slot == "background"
        assert route(Request(model="haiku", tools=tools), Config(), CATALOGUE).slot == "haiku"
        assert route(Request(model="sonnet", tools=tools), config, CATALOGUE).slot == "sonnet"
    assert route(Request(model="haiku", tools=SOME_TOOLS), config, CATALOGUE).slot == "haiku"


def test_slots_go_to_accounts_and_upstreams_of_their_own() -> None:
    slots = Slots(opus=Slot(upstream="openai"), haiku=Slot(account="spare"), sonnet=Slot(model="openai/gpt-5.5"))
    config = Config(slots=slots)
    opus, haiku, sonnet = (route(Request(model=name), config, CATALOGUE) for name in ("opus", "haiku", "sonnet"))
    assert (opus.upstream, opus.account) == ("openai", "")
    assert (haiku.upstream, haiku.account) == ("codex", "spare")
    assert (sonnet.upstream, sonnet.model) == ("openai", "gpt-5.5")


def test_an_upstream_that_is_not_there() -> None:
    with pytest.raises(TurnoutError, match=r"no upstream openai here\. There is codex") as caught:
        route(Request(model="openai/gpt-5.5"), Config(), CATALOGUE, upstreams={"codex": CODEX})
    assert caught.value.failure.kind is FailureKind.BAD_REQUEST


def test_any_upstream_that_is_there_can_be_named() -> None:
    there = {**USUAL, "groq": OPENAI}
    config = Config(slots=Slots(haiku=Slot(model="groq/qwen@low")))
    asked = route(Request(model="Groq/llama-4"), Config(), LIVE, upstreams=there)
    assert (asked.upstream, asked.model) == ("groq", "llama-4")
    assert route(Request(), Config(), LIVE, Overrides(upstream="groq"), upstreams=there).upstream == "groq"
    haiku = route(Request(model="haiku"), config, LIVE, upstreams=there)
    assert (haiku.upstream, haiku.model) == ("groq", "qwen")
    with pytest.raises(TurnoutError, match="no model 'groq/llama-4'"):
        route(Request(model="groq/llama-4"), Config(), LIVE)


# The order of what counts


def test_the_models_order() -> None:
    config = Config(model="gpt-6-astra", slots=Slots(haiku=Slot(model="gpt-5.6-luna")))
    assert route(Request(model="opus"), config, CATALOGUE).model == "gpt-6-astra"
    assert route(Request(model="haiku"), config, CATALOGUE).model == "gpt-5.6-luna"
    assert route(Request(model="gpt-5.5"), config, CATALOGUE).model == "gpt-5.5"
    assert route(Request(model="gpt-5.5"), config, CATALOGUE, Overrides(model="gpt-6-sol")).model == "gpt-6-sol"
    asked = route(Request(model="opus"), config, CATALOGUE, Overrides(model="haiku"))
    assert (asked.model, asked.model_asked) == ("gpt-5.6-luna", "opus")
    assert asked.notes[0] == mapped("model", "haiku in its place: the request says so itself")


def test_the_upstreams_order() -> None:
    config = Config(upstream="openai", slots=Slots(opus=Slot(upstream="codex")))
    assert route(Request(model="haiku"), config, CATALOGUE).upstream == "openai"
    assert route(Request(model="opus"), config, CATALOGUE).upstream == "codex"
    assert route(Request(model="openai/opus"), config, CATALOGUE).upstream == "openai"
    assert route(Request(model="openai/opus"), config, CATALOGUE, Overrides(upstream="codex")).upstream == "codex"


EVERYWHERE = Config(effort="medium")
IN_THE_STRING = Config(slots=Slots(opus=Slot(model="gpt-6-sol@low")))


@pytest.mark.parametrize(
    ("config", "request_", "overrides", "effort"),
    [
        (Config(), asking("low"), Overrides(effort="max"), "max"),
        (EVERYWHERE, asking(model="opus@low"), Overrides(effort="max"), "max"),
        (EVERYWHERE, asking("high", model="opus@low"), Overrides(), "low"),
        (EVERYWHERE, asking("high"), Overrides(), "medium"),
        (EVERYWHERE, asking(None, Thinking("disabled")), Overrides(), "medium"),
        (EVERYWHERE, asking(model="gpt-5.5"), Overrides(), "medium"),
        (IN_THE_STRING, asking("high"), Overrides(), "low"),
        (msgspec.structs.replace(IN_THE_STRING, effort="max"), asking("high"), Overrides(), "max"),
        (Config(effort="max", slots=Slots(opus=Slot(effort="low"))), asking("high"), Overrides(), "low"),
        (Config(slots=Slots(opus=Slot(effort="low"))), asking("high"), Overrides(), "low"),
        (Config(slots=Slots(opus=Slot(effort="low"))), asking(None, Thinking("disabled")), Overrides(), "low"),
        (Config(slots=Slots(haiku=Slot(effort="low"))), asking("high"), Overrides(), "high"),
        (Config(slots=Slots(opus=Slot(effort="low"))), asking(), Overrides(), "low"),
    ],
)
def test_the_efforts_order(config: Config, request_: Request, overrides: Overrides, effort: str) -> None:
    assert route(request_, config, CATALOGUE, overrides).effort == effort


# Effort


@pytest.mark.parametrize(
    ("request_", "effort"),
    [
        (asking("low"), "low"),
        (asking("max"), "max"),
        (asking("low", Thinking("disabled")), "low"),
        (asking("ultra"), "xhigh"),
        (asking("ULTRA", model="gpt-6-sol"), "max"),
        (asking(" High "), "high"),
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
        (asking("turbo", None, "claude-haiku-5-5"), "high"),
        (asking("", None, "claude-haiku-5-5"), "high"),
        (asking(model="turnout:gpt-5.5:turbo"), "high"),
    ],
)
def test_effort(request_: Request, effort: str | None) -> None:
    assert route(request_, Config(), CATALOGUE).effort == effort


def test_what_was_approximated_is_said() -> None:
    assert route(asking("max", model="gpt-5.5"), Config(), CATALOGUE).notes == (
        approximated("effort", "max became xhigh: gpt-5.5 has low, medium, high, xhigh"),
    )
    assert route(asking("high"), Config(), CATALOGUE).notes == ()
    assert "nothing is known of gpt-99" in route(asking("high", model="gpt-99"), Config(), CATALOGUE).notes[0].reason
    assert "'turbo' is no effort" in route(asking("turbo"), Config(), CATALOGUE).notes[0].reason
    assert "medium, which is fixed" in route(asking("high"), EVERYWHERE, CATALOGUE).notes[0].reason
    assert "verbosity" in route(asking(model="gpt-5.5?verbosity=high"), Config(), CATALOGUE).notes[0].reason


# Tier, window, framing


def fast(model: str = "opus", **fields: Raw) -> Request:
    return Request(model=model, **{"speed": Raw(b'"fast"'), **fields})


def test_fast_mode_is_the_priority_tier_where_the_model_has_it() -> None:
    assert route(fast(), Config(), CATALOGUE).tier == "priority"
    without = route(fast("gpt-daybreak-red-latest"), Config(), CATALOGUE)
    assert without.tier is None
    assert [note.place for note in without.notes] == ["service_tier"]
    assert route(fast("openai/gpt-daybreak-red-latest"), Config(), CATALOGUE).tier == "priority"


def test_the_tiers_order() -> None:
    flex = Config(upstream="openai", tier="flex", slots=Slots(haiku=Slot(tier="fast")))
    assert route(Request(model="opus"), flex, CATALOGUE).tier == "flex"
    assert route(Request(model="haiku"), flex, CATALOGUE).tier == "priority"
    assert route(fast(), flex, CATALOGUE).tier == "priority"
    assert route(Request(service_tier=Raw(b'"standard_only"')), flex, CATALOGUE).tier is None
    assert route(fast("opus?service_tier=flex"), flex, CATALOGUE).tier == "flex"
    assert route(fast("opus?tier=flex"), flex, CATALOGUE, Overrides(tier="default")).tier is None


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


# Plans


def with_plans(**plans: str) -> Catalogue:
    """The bundled models; those named (with ``_`` for what a keyword cannot hold) only in these plans."""
    only = {slug.replace("__", ".").replace("_", "-"): frozenset(names.split()) for slug, names in plans.items()}
    return Catalogue(
        [msgspec.structs.replace(facts, plans=only.get(facts.slug, frozenset())) for facts in CATALOGUE.all()]
    )


PAID = with_plans(gpt_6__1_sol="plus pro")


def test_a_default_that_the_plan_has_not_is_repaired() -> None:
    assert route(Request(), Config(), PAID, plan="plus").model == "gpt-6.1-sol"
    repaired = route(Request(), Config(), PAID, plan="free")
    assert (repaired.model, repaired.chosen) == ("gpt-6-astra", False)
    assert repaired.notes == (mapped("model", "gpt-6.1-sol is not in the plan free: gpt-6-astra instead"),)
    assert route(Request(), Config(upstream="openai"), PAID, plan="free").model == "gpt-6.1-sol"


@pytest.mark.parametrize("name", ["gpt-6.1-sol", "opus"])
def test_what_somebody_has_chosen_is_kept_with_a_warning(name: str) -> None:
    config = Config(slots=Slots(opus=Slot(model="gpt-6.1-sol")))
    kept = route(Request(model=name), config, PAID, plan="free")
    assert (kept.model, kept.chosen) == ("gpt-6.1-sol", True)
    assert "may not be offered to the plan free" in kept.notes[0].reason
    assert "is" in kept.notes[0].reason


def test_where_the_plan_is_not_known_models_for_paid_plans_are_warned_of_only() -> None:
    assert route(Request(), Config(), PAID).notes == ()
    warned = route(Request(model="gpt-6.1-sol"), Config(), PAID)
    assert warned.model == "gpt-6.1-sol"
    assert "the account's plan is not known" in warned.notes[0].reason
    assert route(Request(model="gpt-5.5"), Config(), PAID).notes == ()


def test_what_the_server_has_refused_is_avoided() -> None:
    learned = CATALOGUE.without("gpt-6.1-sol", "plus")
    assert route(Request(), Config(), learned, plan="plus").model == "gpt-6-astra"
    assert route(Request(), Config(), learned, plan="pro").model == "gpt-6.1-sol"
    assert route(Request(), Config(upstream="openai"), learned, plan="plus").model == "gpt-6.1-sol"
    of_the_api = CATALOGUE.without("gpt-6.1-sol", "api")
    assert route(Request(), Config(upstream="openai"), of_the_api, plan="plus").model == "gpt-6-astra"


# Any request, any configuration

names = st.one_of(
    st.text(max_size=30),
    st.sampled_from([facts.slug for facts in CATALOGUE.all()]),
    st.sampled_from(["quick", "turnout:opus:low", "openai/gpt-5.5", "codex/x", "gpt-5.5-high", "haiku?tier=flex"]),
    st.builds("claude-{}-{}".format, st.sampled_from(["opus", "sonnet", "haiku", "fable", "x"]), st.text(max_size=5)),
)
words = st.sampled_from(["", *ORDER, "ultra"])
tier_words = st.sampled_from(["", *TIERS])
upstream_words = st.sampled_from(["", "codex", "openai"])
slot_configs = st.builds(
    Slot, model=st.one_of(st.just(""), names), effort=words, tier=tier_words, upstream=upstream_words
)
configs = st.builds(
    Config,
    upstream=st.sampled_from(["codex", "openai"]),
    model=st.one_of(st.just(""), names),
    effort=words,
    tier=tier_words,
    slots=st.builds(Slots, **dict.fromkeys(SLOTS, slot_configs)),
    models=st.builds(ModelsSettings, aliases=st.dictionaries(st.one_of(st.just("quick"), names), names, max_size=3)),
)
requests = st.builds(
    Request,
    model=names,
    output_config=st.one_of(st.none(), st.builds(OutputConfig, st.one_of(st.none(), words, st.text(max_size=8)))),
    thinking=st.one_of(
        st.none(), st.builds(Thinking, st.sampled_from(["enabled", "disabled", "adaptive", "?"]), st.integers())
    ),
    tools=st.sampled_from([NULL, SOME_TOOLS]),
    speed=st.sampled_from([NULL, Raw(b'"fast"'), Raw(b"[]")]),
    service_tier=st.sampled_from([NULL, Raw(b'"flex"'), Raw(b'"auto"'), Raw(b"5")]),
)
overrides = st.builds(
    Overrides,
    model=st.one_of(st.just(""), names),
    effort=words,
    tier=tier_words,
    upstream=upstream_words,
    subagent=st.booleans(),
)
catalogues = st.sampled_from([CATALOGUE, LIVE, PAID, CATALOGUE.without("gpt-6.1-sol", ""), Catalogue([])])
there = st.sampled_from([USUAL, {"codex": CODEX}, {"openai": OPENAI}])


@given(requests, configs, catalogues, overrides, st.tuples(there, st.sampled_from(["", "free", "plus"])))
def test_every_request_gets_a_route_that_is_accepted_or_a_failure_with_a_name(
    request_: Request,
    config: Config,
    catalogue: Catalogue,
    asked: Overrides,
    where: tuple[dict[str, Capabilities], str],
) -> None:
    upstreams, plan = where
    try:
        found = route(request_, config, catalogue, asked, upstreams=upstreams, plan=plan)
    except TurnoutError as error:
        assert error.failure.kind in {FailureKind.MODEL_UNAVAILABLE, FailureKind.BAD_REQUEST}
        assert error.failure.next_step
        return
    offered, facts = upstreams[found.upstream], catalogue.get(found.model)
    assert found.effort is None or (facts is not None and found.effort in facts.efforts)
    assert found.tier is None or found.tier in offered.tiers
    if offered.catalogued and found.tier:
        assert facts is not None
        assert found.tier in facts.tiers
    assert found.framing == "plain" or offered.lite_framing
    assert found.model_asked == request_.model
    assert found.window > 0


@given(st.text(max_size=20), configs, st.sampled_from([CATALOGUE, LIVE]))
def test_every_name_of_claudes_leads_somewhere(rest: str, config: Config, catalogue: Catalogue) -> None:
    assert route(Request(model=f"claude-{rest}"), config, catalogue).model is not None


# The documentation

PAGE = (Path(__file__).parents[2] / "docs" / "routing.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """The table under a heading, without its own heading."""
    table = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_documented_slots_are_the_real_ones() -> None:
    shown = {row[0].strip("`"): row[3] for row in rows("Claude's names are slots")}
    assert shown == dict(DEFAULT_EFFORTS)


@pytest.mark.parametrize("name", [row[0].strip("`") for row in rows("Model strings")])
def test_the_documented_model_strings_lead_somewhere(name: str) -> None:
    found = route(Request(model=name), Config(), LIVE)
    assert found.model == ("gpt-99" if "gpt-99" in name else "gpt-6.1-sol" if "opus" in name else "gpt-5.5")
    assert found.upstream == ("openai" if name.startswith("openai/") else "codex")
    wanted = "low" if "low" in name else "high" if "high" in name else None
    assert found.effort == wanted
    assert found.tier == ("priority" if "priority" in name else None)


def test_the_documented_budgets_are_the_real_ones() -> None:
    bounds = [int(digits.replace(",", "")) for row in rows("Effort") if (digits := row[0].split()[-1])[0].isdigit()]
    efforts = [row[1] for row in rows("Effort")]
    assert (bounds, efforts) == ([2_000, 8_000, 24_000], ["low", "medium", "high", "xhigh"])
    assert [(below - (below == 24_001), effort) for below, effort in BUDGETS] == list(
        zip(bounds, efforts, strict=False)
    )
