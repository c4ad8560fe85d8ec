"""Decides where a request goes and how: upstream, account, model, effort, tier, framing, window. Pure.

The order in which settings count is told in docs/routing.md. Knows the client's ways to say things and the catalogue,
and no wire format.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Raw

from turnout.models import effort as efforts
from turnout.models.catalogue import UNKNOWN_WINDOW, Catalogue, ModelFacts, usable
from turnout.models.slots import API
from turnout.protocol.capabilities import USUAL, Capabilities
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail
from turnout.protocol.fidelity import mapped
from turnout.protocol.reading import NULL
from turnout.routing import effort, lanes, names, own, plans, rules, tiers
from turnout.routing.overrides import NONE, Overrides
from turnout.routing.question import Question
from turnout.routing.route import DIRECT, Route
from turnout.routing.unknown import nothing_called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config, CustomUpstream, Rule
    from turnout.protocol.fidelity import Note
    from turnout.routing.lanes import Lane
    from turnout.routing.model_strings import Wish
    from turnout.routing.question import RequestFacts

NO_TOOLS = (NULL, Raw(b"[]"))
"""``tools`` of a request that offers none."""
KEPT = 256
"""Routes that are kept of those decided: clients ask for few models in few ways."""
LONGEST = 300
"""Characters of a model's name and an effort in all with which a route is kept: what is longer is no name."""


def route(
    request: RequestFacts,
    config: Config,
    catalogue: Catalogue,
    overrides: Overrides = NONE,
    *,
    upstreams: Mapping[str, Capabilities] = USUAL,
    plan: str = "",
    tokens: int = 0,
    instead: str = "",
) -> Route:
    """The decision about one request where there are no others; see `Router`.

    Of a chain of models the member ``instead`` counts, if one is given.
    """
    router = Router(config, catalogue, upstreams)
    question = router.question(request, overrides, tokens=tokens)
    return router.route(msgspec.structs.replace(question, instead=instead), plan)


class Router:
    """Decides by one configuration, one catalogue and one set of upstreams. Where one of them changes it takes a new
    router: this one keeps what it has decided."""

    def __init__(self, config: Config, catalogue: Catalogue, upstreams: Mapping[str, Capabilities] = USUAL) -> None:
        """``upstreams`` are those that there are, and what they take."""
        self._config = config
        self._catalogue = catalogue
        self._upstreams = upstreams
        self._watched = rules.Watched.by(config.routing.rules)
        self._kept = lru_cache(maxsize=KEPT)(self._decided)

    def question(self, request: RequestFacts, overrides: Overrides = NONE, *, tokens: int = 0) -> Question:
        """What the route of a request depends on. ``tokens`` is about how long it is; 0 if that is not known."""
        wish = request.output_config
        return Question(
            model=request.model,
            effort=wish.effort if wish is not None else None,
            thinking=effort.of_thinking(request.thinking),
            tier=tiers.of_request(request),
            small=request.tools in NO_TOOLS,
            searches=self._watched.searches and rules.wants_search(request.tools),
            tokens=self._watched.size(tokens),
            overrides=overrides,
        )

    def route(self, question: Question, plan: str = "") -> Route:
        """The decision about requests that ask this. ``plan`` is that of the ChatGPT account, empty if it is not known.

        Raises `TurnoutError`: `MODEL_UNAVAILABLE` for a name that leads nowhere (every name of Claude's leads
        somewhere), `BAD_REQUEST` for an upstream that is not there.
        """
        if len(question.model) + len(question.effort or "") > LONGEST:
            return self._decided(question, plan)
        return self._kept(question, plan)

    def _decided(self, question: Question, plan: str) -> Route:
        aim = self._aimed(question)
        try:
            found = self._routed(aim, question, plan)
        except TurnoutError as error:
            if question.instead:
                raise
            # Of a chain the first one counts that leads anywhere.
            passed: tuple[Note, ...] = ()
            if aim.chain:
                passed = (mapped("model", f"{aim.chain[0]} was passed over: {error}"),)
            for number, member in enumerate(aim.chain[1:], 2):
                try:
                    found = self.route(msgspec.structs.replace(question, instead=member), plan)
                except TurnoutError as further:
                    passed = (*passed, mapped("model", f"{member} was passed over: {further}"))
                    continue
                return msgspec.structs.replace(found, fallbacks=aim.chain[number:], notes=(*passed, *found.notes))
            raise
        return found if question.instead else msgspec.structs.replace(found, fallbacks=aim.chain[1:])

    def _aimed(self, question: Question) -> _Aim:
        overrides, instead = question.overrides, question.instead
        named = names.resolve(
            overrides.model or question.model, self._config.models.aliases, self._catalogue, self._upstreams, instead
        )
        lane = lanes.of(named.slot, self._config, subagent=overrides.subagent, small=question.small)
        rule, on_rule = _rule(question, named, lane)
        configured = lanes.configured(
            lane,
            self._catalogue,
            self._upstreams,
            ruled=rule.model if rule else "",
            instead="" if named.wish.chain else instead,
        )
        return _Aim(named, lane, rule, configured, on_rule)

    def _routed(self, aim: _Aim, question: Question, plan: str) -> Route:
        config, catalogue, overrides = self._config, self._catalogue, question.overrides
        named, lane, rule, configured, on_rule = aim
        upstream = (
            overrides.upstream
            or named.wish.upstream
            or (configured.upstream if configured else "")
            or (rule.upstream if rule else "")
            or lane.first("upstream")
            or config.upstream
        )
        offered = self._upstreams.get(upstream)
        if offered is None:
            there = " and ".join(self._upstreams)
            raise fail(FailureKind.BAD_REQUEST, f"There is no upstream {upstream} here.", f"There is {there}.")
        if not offered.catalogued:
            plan = API

        settings = config.custom.get(upstream)
        slot = lane.slots[0] if lane.slots else None
        if settings is None:
            chosen = _chosen(named, configured, lane, passes=not offered.catalogued, catalogue=catalogue)
        else:
            # What is set for the usual place says nothing of one that the request or a rule has chosen.
            usual = (configured.upstream if configured else "") or lane.first("upstream") or config.upstream
            counts = configured is not None and (upstream == usual or (rule is not None and bool(rule.model)))
            chosen = own.chosen(settings, named, configured.name if configured and counts else None, slot)
        if chosen is None:
            choice, on_model = plans.default(lane.slots[-1], catalogue, plan)
            model = choice.facts.slug if settings is None else own.default(upstream, settings, choice.facts.slug)
        else:
            model, on_model = chosen, plans.warning(chosen, slot, catalogue, plan) if settings is None else ()
        facts = catalogue.get(model if settings is None else own.facts_name(model, settings, catalogue))
        model = model if settings is None else own.upstream_name(model, settings)

        fixed = overrides.effort or named.wish.effort or (rule.effort if rule else "") or lane.or_general("effort")
        if not fixed and configured is not None:
            fixed = configured.effort
        asked, on_effort = effort.wanted(question.effort, question.thinking, fixed, lane)
        sent, on_cap = _capped(asked, model, facts, settings)

        wanted = overrides.tier or named.wish.tier or question.tier
        wanted = wanted or (configured.tier if configured else "") or (rule.tier if rule else "")
        wanted = wanted or lane.or_general("tier")
        tier, on_tier = tiers.chosen(wanted, facts, offered, model)

        return Route(
            upstream=upstream,
            account=overrides.account or lane.first("account"),
            slot=slot or DIRECT,
            model_asked=question.model,
            model=model,
            chosen=chosen is not None,
            effort=sent,
            effort_asked=asked,
            tier=tier,
            framing="lite" if offered.lite_framing and config.codex.framing.get(model) == "lite" else "plain",
            window=window(facts, offered)
            if settings is None
            else own.window(settings, catalogue.of(upstream, model), window(facts, offered)),
            tool_search=facts is not None and config.tools.tool_search,
            image_detail="original" if facts is not None and facts.original_images else "auto",
            plan_counts=offered.catalogued,
            notes=(
                *(
                    (mapped("model", f"{overrides.model} in its place: the request says so itself"),)
                    if overrides.model
                    else ()
                ),
                *on_rule,
                *named.wish.notes,
                *(configured.notes if configured else ()),
                *on_model,
                *on_effort,
                *on_cap,
                *on_tier,
            ),
        )


class _Aim(NamedTuple):
    """What a request asks for, and what the configuration says to that."""

    named: names.Named
    lane: Lane
    rule: Rule | None
    configured: Wish | None
    notes: tuple[Note, ...]

    @property
    def chain(self) -> tuple[str, ...]:
        return self.named.wish.chain or (self.configured.chain if self.configured else ())


def _rule(question: Question, named: names.Named, lane: Lane) -> tuple[Rule | None, tuple[Note, ...]]:
    """The user's rule that counts for the request, and what is said of it."""
    there, overrides = lane.config.routing.rules, question.overrides
    if not there or not lane.slots or overrides.model or overrides.upstream or named.wish.upstream or named.wish.chain:
        return None, ()
    seen = rules.Seen(
        slot=lane.slots[0],
        subagent=overrides.subagent,
        small=question.small,
        searches=question.searches,
        tokens=question.tokens,
    )
    rule = rules.first(there, seen)
    if rule is None:
        return None, ()
    return rule, (mapped("model", rules.reason(rule, there.index(rule) + 1, seen)),)


def _capped(
    asked: str | None, model: str, facts: ModelFacts | None, settings: CustomUpstream | None
) -> tuple[str | None, tuple[Note, ...]]:
    """The effort that is sent, and what is said of it."""
    if settings is not None and facts is None:
        return own.effort(asked, settings)
    sent = efforts.cap(asked, facts)
    return sent, effort.notes_on_cap(asked, sent, model, facts)


def window(facts: ModelFacts | None, offered: Capabilities) -> int:
    """The usable context window in tokens."""
    if facts is None:
        return usable(UNKNOWN_WINDOW)
    if not offered.catalogued and facts.api_window is not None:
        return facts.api_window
    return facts.usable_window


def _chosen(
    named: names.Named, configured: Wish | None, lane: Lane, *, passes: bool, catalogue: Catalogue
) -> str | None:
    """The model that somebody has chosen; None if it is for the catalogue to choose.

    ``passes``: upstream may have models that nothing is known of. What the configuration names always goes through.
    """
    if lane.slots:
        return configured.name if configured else None
    model = named.wish.name
    # The release's own catalogue is older than models are.
    may_be_new = catalogue.source == "bundled" and names.OPENAIS.match(model)
    if named.known or passes or may_be_new:
        return model
    raise TurnoutError(_nowhere(model, lane.config, catalogue))


def _nowhere(name: str, config: Config, catalogue: Catalogue) -> Failure:
    listed = [facts.slug for facts in catalogue.listed()]
    return nothing_called(name, [*listed, *config.models.aliases, *filter(None, names.SHORT)], listed)
