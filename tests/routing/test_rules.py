"""Rules by kind and size, and chains of models."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from tests.routing.asking import NULL, Request
from turnout.config import Config, CustomUpstream, ModelsSettings, RoutingSettings, Rule, Slot, Slots
from turnout.models.catalogue import Catalogue
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.protocol.errors import TurnoutError
from turnout.routing import chains
from turnout.routing.overrides import Overrides
from turnout.routing.route import Route
from turnout.routing.router import route

CATALOGUE = Catalogue.bundled()
THERE = {**USUAL, "groq": Capabilities(tiers=frozenset())}
CUSTOM = {"groq": CustomUpstream(base_url="http://groq.example/v1", model="kimi")}
SEARCH = Raw(b'[{"type": "web_search_20250305","name":"web_search"}]')


def to(
    config: Config, *, tokens: int = 0, instead: str = "", overrides: Any = None, model: str = "opus", **fields: Any
) -> Route:
    asked = Request(model=model, **fields)
    return route(asked, config, CATALOGUE, overrides or Overrides(), upstreams=THERE, tokens=tokens, instead=instead)


def ruled(*rules: Rule, **fields: Any) -> Config:
    return Config(custom=CUSTOM, routing=RoutingSettings(rules=rules), **fields)


LONG = Rule(name="long", above=200_000, model="groq/gemini", effort="low")


@pytest.mark.parametrize(
    ("rule", "asked", "applies"),
    [
        (Rule(model="groq/x"), {}, True),
        (Rule(above=1000, model="groq/x"), {"tokens": 1001}, True),
        (Rule(above=1000, model="groq/x"), {"tokens": 1000}, False),
        (Rule(above=1000, model="groq/x"), {}, False),
        (Rule(below=1000, model="groq/x"), {"tokens": 999}, True),
        (Rule(below=1000, model="groq/x"), {}, False),
        (Rule(slot="haiku", model="groq/x"), {}, False),
        (Rule(slot="opus", model="groq/x"), {}, True),
        (Rule(kind="background", model="groq/x"), {"model": "haiku", "tools": NULL}, True),
        (Rule(kind="background", model="groq/x"), {"model": "haiku"}, False),
        (Rule(kind="background", model="groq/x"), {"model": "opus", "tools": NULL}, False),
        (Rule(kind="subagent", model="groq/x"), {"overrides": Overrides(subagent=True)}, True),
        (Rule(kind="subagent", model="groq/x"), {}, False),
        (Rule(kind="web_search", model="groq/x"), {"tools": SEARCH}, True),
        (
            Rule(kind="web_search", model="groq/x"),
            {"tools": Raw(b'[{"name":"a","description":"\\"type\\":\\"web_search"}]')},
            False,
        ),
        (Rule(kind="web_search", slot="haiku", model="groq/x"), {"tools": SEARCH}, False),
        # Who names a model or an upstream gets that.
        (Rule(model="groq/x"), {"model": "gpt-5.5"}, False),
        (Rule(model="groq/x"), {"model": "codex/opus"}, False),
        (Rule(model="groq/x"), {"overrides": Overrides(upstream="openai")}, False),
        (Rule(model="groq/x"), {"overrides": Overrides(model="opus")}, False),
    ],
)
def test_when_a_rule_applies(rule: Rule, asked: dict[str, Any], applies: bool) -> None:
    found = to(ruled(rule), **asked)
    assert (found.upstream, found.model == "x") == (("groq", True) if applies else (found.upstream, False))
    assert any("rule" in note.reason for note in found.notes) is applies


def test_the_first_that_fits_counts_and_says_so() -> None:
    config = ruled(LONG, Rule(above=1000, model="gpt-5.5"))
    found = to(config, tokens=300_000)
    assert (found.upstream, found.model, found.effort) == ("groq", "gemini", "low")
    assert "the rule long applies (about 300000 tokens, above 200000)" in str(found.notes[0])
    assert to(config, tokens=2000).model == "gpt-5.5"
    assert to(config, tokens=10).model == to(Config()).model


def test_a_rule_of_an_effort_or_an_upstream_alone() -> None:
    assert to(ruled(Rule(effort="low"), slots=Slots(opus=Slot(effort="high")))).effort == "low"
    assert to(ruled(Rule(upstream="groq"), model="gpt-5.5")).model == "kimi"


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("[a, b/c ,d@low]", ("a", "b/c", "d@low")),
        (" [a] ", ("a",)),
        ("[a,,b]", ("a", "b")),
        ("[a, b][1m]", ("a", "b")),
        ("[a[1m], b[1m]]", ("a[1m]", "b[1m]")),
        ("[]", ()),
        ("a[1m]", ()),
        ("a, b", ()),
    ],
)
def test_what_a_chain_is(text: str, members: tuple[str, ...]) -> None:
    assert chains.members(text) == members


@pytest.mark.parametrize(
    "config",
    [
        Config(custom=CUSTOM, slots=Slots(opus=Slot(model="[groq/a, gpt-5.5@low, sonnet]"))),
        Config(custom=CUSTOM, model="[groq/a, gpt-5.5@low, sonnet]"),
        Config(custom=CUSTOM, models=ModelsSettings(aliases={"opus": "[groq/a, gpt-5.5@low, sonnet]"})),
        Config(custom=CUSTOM, models=ModelsSettings(aliases={"opus": "good", "good": "[groq/a, gpt-5.5@low, sonnet]"})),
        ruled(Rule(model="[groq/a, gpt-5.5@low, sonnet]")),
    ],
)
def test_a_chain_begins_with_its_first_and_goes_on_with_the_others(config: Config) -> None:
    first = to(config)
    assert (first.upstream, first.model) == ("groq", "a")
    assert first.fallbacks == ("gpt-5.5@low", "sonnet")
    second = to(config, instead="gpt-5.5@low")
    assert (second.upstream, second.model, second.effort) == ("codex", "gpt-5.5", "low")
    assert to(config, instead="sonnet").upstream == "codex"


def test_of_a_chain_what_leads_nowhere_is_passed_over() -> None:
    found = to(Config(custom=CUSTOM), model="[gone, no/thing, groq/a, gpt-5.5]")
    assert (found.upstream, found.model, found.fallbacks) == ("groq", "a", ("gpt-5.5",))
    assert "gone was passed over: There is no model 'gone' here" in found.notes[0].reason
    with pytest.raises(TurnoutError, match="There is no model 'gone' here"):
        to(Config(custom=CUSTOM), model="[gone, went]")


def test_a_client_may_send_a_chain_itself() -> None:
    config = Config(custom=CUSTOM)
    assert to(config, model="[groq/a, gpt-5.5]").fallbacks == ("gpt-5.5",)
    assert to(config, model="[groq/a, gpt-5.5]", instead="gpt-5.5").model == "gpt-5.5"
    assert to(config, overrides=Overrides(model="[groq/a, gpt-5.5]")).model == "a"
