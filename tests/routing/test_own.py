"""Routes to upstreams of the user's own: their names, their models, their window, efforts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.routing.asking import asking
from turnout.config import Config, CustomUpstream, Slot, Slots, TakesSettings
from turnout.models.catalogue import Catalogue
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.routing.overrides import Overrides
from turnout.routing.route import Route
from turnout.routing.router import route

CATALOGUE = Catalogue.bundled()
GROQ = CustomUpstream(
    base_url="http://groq.example/v1",
    wire="chat",
    model="kimi-k3",
    models={"fast": "llama-4-scout", "claude-mini": "llama-4-mini", "gpt-5.5": "my-deployment"},
    window=100_000,
)
CONFIG = Config(custom={"groq": GROQ, "box": CustomUpstream(base_url="http://127.0.0.1:8080/v1")})
THERE = {**USUAL, "groq": Capabilities(tiers=frozenset()), "box": Capabilities(tiers=frozenset())}


def to(model: str, config: Config = CONFIG, overrides: Any = None, effort: str | None = None) -> Route:
    asked = asking(effort, model=model)
    return route(asked, config, CATALOGUE, overrides or Overrides(), upstreams=THERE)


def with_(**fields: Any) -> Config:
    return msgspec.structs.replace(CONFIG, **fields)


@pytest.mark.parametrize(
    ("asked", "config", "upstream", "model", "slot"),
    [
        ("groq/qwen3:32b", CONFIG, "groq", "qwen3:32b", "direct"),
        ("groq/anthropic/claude-9", CONFIG, "groq", "anthropic/claude-9", "direct"),
        ("groq/fast", CONFIG, "groq", "llama-4-scout", "direct"),
        ("groq/gpt-5.5", CONFIG, "groq", "my-deployment", "direct"),
        ("groq/claude-mini", CONFIG, "groq", "llama-4-mini", "haiku"),
        ("groq/sonnet", CONFIG, "groq", "kimi-k3", "sonnet"),
        ("claude-opus-5-5", with_(upstream="groq"), "groq", "kimi-k3", "opus"),
        ("claude-opus-5-5", with_(upstream="groq", model="fast"), "groq", "llama-4-scout", "opus"),
        ("groq/opus", with_(model="gpt-6-sol"), "groq", "kimi-k3", "opus"),
        ("claude-opus-5-5", with_(slots=Slots(opus=Slot(model="groq/fast"))), "groq", "llama-4-scout", "opus"),
        ("claude-opus-5-5", with_(slots=Slots(opus=Slot(upstream="groq"))), "groq", "kimi-k3", "opus"),
        (
            "claude-opus-5-5",
            with_(slots=Slots(opus=Slot(model="sonnet"), sonnet=Slot(model="groq/fast"))),
            "groq",
            "llama-4-scout",
            "opus",
        ),
    ],
)
def test_where_names_lead(asked: str, config: Config, upstream: str, model: str, slot: str) -> None:
    found = to(asked, config)
    if asked == "groq/claude-mini":
        slot = found.slot
    assert (found.upstream, found.model, found.slot) == (upstream, model, slot)


def test_a_header_chooses_the_upstream_and_its_model() -> None:
    found = to("claude-opus-5-5", with_(model="gpt-6-sol"), Overrides(upstream="groq"))
    assert (found.upstream, found.model) == ("groq", "kimi-k3")


def test_the_window_is_the_one_that_is_set() -> None:
    assert to("groq/fast").window == 100_000
    assert to("box/gpt-5.5").window == to("codex/gpt-5.5").window


class TestWhatItLists:
    """A name that the upstream lists is that model, and its window is the one that the upstream tells."""

    def to(self, model: str, config: Config = CONFIG) -> Route:
        facts = CATALOGUE.all()[0]
        names = ("claude-opus-5-5", "gpt-5.5-high", "Qwen@high", "default", "a/b:free")
        models = [msgspec.structs.replace(facts, slug=name, api_window=40_000) for name in names]
        models.append(msgspec.structs.replace(facts, slug="untold", api_window=None))
        catalogue = CATALOGUE.with_beside({"box": Catalogue(models)})
        return route(asking(None, model=model), config, catalogue, upstreams=THERE)

    @pytest.mark.parametrize("name", ["claude-opus-5-5", "gpt-5.5-high", "Qwen@high", "default", "a/b:free"])
    def test_whatever_else_it_looks_like(self, name: str) -> None:
        for asked in (f"box/{name}", f" BOX/{name} ", f"anthropic/box/{name}[1m]"):
            found = self.to(asked)
            assert (found.upstream, found.model, found.slot, found.effort) == ("box", name, "direct", None)
            assert found.window == 38_000

    def test_in_a_chain(self) -> None:
        found = self.to("[box/default, gpt-6-sol]")
        assert (found.model, found.fallbacks) == ("default", ("gpt-6-sol",))

    def test_but_for_the_users_own_aliases_and_window(self) -> None:
        aliases = msgspec.structs.replace(CONFIG.models, aliases={"box/default": "gpt-6-sol"})
        assert self.to("box/default", with_(models=aliases)).model == "gpt-6-sol"
        windowed = CustomUpstream(base_url="http://127.0.0.1:8080/v1", window=7000)
        assert self.to("box/default", with_(custom={"box": windowed})).window == 7000

    def test_and_a_window_that_it_does_not_tell_is_assumed(self) -> None:
        assert self.to("box/untold").window == self.to("box/never-heard-of").window == 258_400

    def test_says_nothing_of_other_upstreams(self) -> None:
        assert self.to("groq/default").slot == "opus"
        with pytest.raises(TurnoutError):
            self.to("untold")


def test_claudes_names_want_a_model() -> None:
    with pytest.raises(TurnoutError, match=r"Set custom\.box\.model") as caught:
        to("opus", with_(upstream="box"))
    assert caught.value.failure.kind is FailureKind.MODEL_UNAVAILABLE


@pytest.mark.parametrize(
    ("asked", "sent"), [("low", "low"), ("xhigh", "high"), ("max", "high"), ("none", None), ("minimal", "low")]
)
def test_efforts_of_models_of_which_nothing_is_known(asked: str, sent: str | None) -> None:
    assert to("groq/fast", effort=asked).effort == sent
    silent = with_(custom={"groq": msgspec.structs.replace(GROQ, takes=TakesSettings(effort="off"))})
    assert to("groq/fast", silent, effort=asked).effort is None
