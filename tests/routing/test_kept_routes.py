"""Routes that are kept: whoever asks what was asked before is sent where a router without a memory sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from tests.routing.asking import NULL, SOME_TOOLS, OutputConfig, Request, Thinking
from turnout.config import Config, CustomUpstream, ModelsSettings, RoutingSettings, Rule, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.protocol.errors import Failure, TurnoutError
from turnout.routing import rules
from turnout.routing.overrides import Overrides
from turnout.routing.router import KEPT, LONGEST, Router, route

if TYPE_CHECKING:
    from collections.abc import Callable

    from turnout.routing.route import Route

BUNDLED = Catalogue.bundled()
LIVE = Catalogue(BUNDLED.all(), source="live", refused=[("gpt-6.1-sol", "plus")])
THERE = {**USUAL, "groq": Capabilities(tiers=frozenset())}
SEARCH = Raw(b'[{"type": "web_search_20250305","name":"web_search"}]')

# Few values of each, so that much is asked again and little of it is quite the same.

models = st.sampled_from(
    (
        *("claude-opus-5-5", "haiku", "sonnet[1m]", "", "gpt-5.5", "gpt-5.5-low", "zzz", "openai/gpt-5.5", "groq/kimi"),
        *("quick", "chain", "[zzz, gpt-5.5, groq/kimi]", "opus?tier=flex&a=b", "claude-" + "x" * LONGEST),
    )
)
efforts = st.sampled_from(["", "low", "max"])
tiers = st.sampled_from(["", "priority", "flex"])
upstreams = st.sampled_from(["", "openai", "groq"])
sizes = st.sampled_from([0, 0, 1_000, 2_000])

requests = st.builds(
    Request,
    model=models,
    thinking=st.none()
    | st.builds(Thinking, st.sampled_from(["disabled", "enabled"]), st.sampled_from([None, 1_999, 2_000, 90_000])),
    output_config=st.none() | st.builds(OutputConfig, st.sampled_from([None, "low", " Max ", "turbo", "z" * LONGEST])),
    tools=st.sampled_from([NULL, Raw(b"[]"), SOME_TOOLS, SEARCH]),
    speed=st.sampled_from([NULL, Raw(b'"fast"')]),
    service_tier=st.sampled_from([NULL, Raw(b'"flex"'), Raw(b'"standard_only"')]),
)
overrides = st.just(Overrides()) | st.builds(
    Overrides,
    model=st.sampled_from(["", "haiku", "gpt-5.5"]),
    effort=efforts,
    tier=tiers,
    account=st.sampled_from(["", "bob"]),
    upstream=upstreams | st.just("nowhere"),
    subagent=st.booleans(),
)
ruled = st.builds(
    Rule,
    kind=st.sampled_from(["", "background", "subagent", "web_search"]),
    slot=st.sampled_from(["", "opus", "haiku"]),
    above=sizes,
    below=sizes,
    model=st.sampled_from(["", "gpt-5.5", "groq/kimi", "[zzz, openai/gpt-5.5]"]),
    effort=efforts,
    tier=tiers,
    upstream=upstreams,
)
slots = st.builds(Slot, model=st.sampled_from(["", "sonnet", "gpt-5.5@low"]), effort=efforts, upstream=upstreams)
configurations = st.builds(
    Config,
    slots=st.builds(Slots, opus=slots, haiku=slots, subagent=slots, background=slots),
    models=st.just(ModelsSettings(aliases={"quick": "gpt-6-luna@low", "chain": "[groq/kimi, zzz, opus]"})),
    routing=st.builds(RoutingSettings, rules=st.lists(ruled, max_size=3).map(tuple)),
    custom=st.just({"groq": CustomUpstream(base_url="http://groq.example/v1", model="kimi")}),
    upstream=st.sampled_from(["codex", "openai"]),
    effort=efforts,
    tier=tiers,
)
asked = st.tuples(requests, overrides, st.integers(0, 3_000), st.sampled_from(["", "plus", "free"]))


def outcome(decide: Callable[..., Route], *asked: Any, **named: Any) -> Route | Failure:
    try:
        return decide(*asked, **named)
    except TurnoutError as error:
        return error.failure


@given(configurations, st.sampled_from([BUNDLED, LIVE]), st.lists(asked, min_size=1, max_size=12))
def test_a_router_with_a_memory_decides_as_one_without(
    config: Config, catalogue: Catalogue, asking: list[tuple[Request, Overrides, int, str]]
) -> None:
    router = Router(config, catalogue, THERE)
    for request, own, tokens, plan in asking * 2:
        question = router.question(request, own, tokens=tokens)
        anew = outcome(route, request, config, catalogue, own, upstreams=THERE, plan=plan, tokens=tokens)
        assert outcome(router.route, question, plan) == anew


@given(configurations, asked)
def test_what_a_question_leaves_out_makes_no_difference(
    config: Config, asking: tuple[Request, Overrides, int, str]
) -> None:
    request, own, tokens, plan = asking
    router = Router(config, LIVE, THERE)
    question = router.question(request, own, tokens=tokens)
    searches = rules.wants_search(request.tools)
    everything = msgspec.structs.replace(question, tokens=tokens, searches=searches)
    assert outcome(router.route, question, plan) == outcome(router.route, everything, plan)


def test_requests_that_differ_only_in_what_nobody_looks_at_ask_the_same() -> None:
    plain, sized = Router(Config(), LIVE), Router(Config(routing=RoutingSettings(rules=(Rule(above=500),))), LIVE)
    short, long = Request(thinking=Thinking("enabled", 1)), Request(thinking=Thinking("enabled", 2), tools=SEARCH)
    assert plain.question(short, tokens=100) == plain.question(long, tokens=900)
    assert sized.question(short, tokens=100) == sized.question(short, tokens=200)
    assert sized.question(short, tokens=100) != sized.question(short, tokens=900)


def test_a_route_that_was_decided_is_found_again() -> None:
    router = Router(Config(), LIVE)
    assert router.route(router.question(Request()), "pro") is router.route(router.question(Request()), "pro")


def test_it_keeps_so_many_and_none_with_endless_names() -> None:
    router = Router(Config(), LIVE)
    for number in range(KEPT * 2):
        router.route(router.question(Request(model=f"claude-{number}")))
    assert router._kept.cache_info().currsize == KEPT
    before = router._kept.cache_info()
    router.route(router.question(Request(model="claude-" + "x" * LONGEST)))
    router.route(router.question(Request(output_config=OutputConfig("x" * LONGEST))))
    assert router._kept.cache_info() == before
