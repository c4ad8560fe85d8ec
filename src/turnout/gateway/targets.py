"""Makes the target of a request, and remembers what upstreams have turned out to want of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.config import CapabilitySettings
from turnout.gateway import surroundings
from turnout.translate.profile import USUAL, Profile, Wanted, reactor, resolved
from turnout.translate.target import Framing, Target

if TYPE_CHECKING:
    from turnout.config import Config
    from turnout.gateway.live import Snapshot
    from turnout.gateway.places import Place
    from turnout.routing.route import Route

_OWN_DEFAULTS = ("protocol", "bypass_tool_call_reactor")
"""Settings that are no part of a profile: they have no effect."""
_NO_SETTINGS = CapabilitySettings()


class Targets:
    """What is learned lasts for the process's life."""

    def __init__(self) -> None:
        self._framings: dict[tuple[str, str], Framing] = {}
        self._searchless: set[tuple[str, str]] = set()
        """Models that upstream takes only in a framing without its own web search."""
        self._loading_plainly: set[tuple[str, str]] = set()
        """Models that upstream has no ``tool_search`` for, against what is known of them."""

    def make(
        self, place: Place, session: str | None, now: Snapshot, wanted: Wanted, *, brings_prompt: bool = False
    ) -> Target:
        """The target for a request that goes to this place. ``session`` is the conversation's key.

        ``wanted`` and ``brings_prompt``: see `turnout.translate.profile.resolved`.
        """
        chosen = place.route
        key = (chosen.upstream, chosen.model)
        target = Target(
            model=chosen.model,
            effort=chosen.effort,
            tier=chosen.tier,
            account=place.credential.tag,
            capabilities=place.upstream.capabilities,
            framing=self._framings.get(key, chosen.framing),
            image_detail=chosen.image_detail,
            tool_search=chosen.tool_search and key not in self._loading_plainly,
            session=session,
            hosted_search=key not in self._searchless,
        )
        profile = resolved(profile_of(now.config, chosen.upstream), wanted, brings_prompt=brings_prompt)
        return profiled(target, profile, chosen.upstream, now)

    def remember(self, chosen: Route, settled: Target) -> None:
        """Upstream has accepted a request of this route with this target."""
        key = (chosen.upstream, chosen.model)
        if settled.framing != chosen.framing or key in self._framings:
            self._framings[key] = settled.framing
        if not settled.hosted_search:
            self._searchless.add(key)
        if chosen.tool_search and not settled.tool_search:
            self._loading_plainly.add(key)


def profile_of(config: Config, upstream: str) -> Profile:
    """The profile that an upstream has by its settings."""
    settings = _capabilities(config, upstream)
    if settings == _NO_SETTINGS:
        return USUAL
    options = {name: value for name, value in msgspec.structs.asdict(settings).items() if name not in _OWN_DEFAULTS}
    return Profile(**options, notes=() if settings.bypass_tool_call_reactor else (reactor(bypasses=False),))


def _capabilities(config: Config, upstream: str) -> CapabilitySettings:
    if upstream in config.custom:
        return config.custom[upstream].default_capabilities
    return (config.openai if upstream == "openai" else config.codex).default_capabilities


def profiled(target: Target, profile: Profile, upstream: str, now: Snapshot) -> Target:
    """The target at an upstream with a profile, and with what that sends."""
    return msgspec.structs.replace(
        target,
        profile=profile,
        tool_schema_mode=profile.schema_mode(now.config.tools.schema_mode),
        instructions=_instructions(target.model, upstream, now) if profile.prompt_mode != "custom_only" else "",
        surroundings=surroundings.describe() if profile.include_environment_context else "",
    )


def _instructions(model: str, upstream: str, now: Snapshot) -> str:
    """The backend's instructions for a model, which a server of the user's own may call otherwise; empty if none."""
    own = now.config.custom.get(upstream)
    names = [] if own is None else [name for name, called in own.models.items() if called == model]
    found = (now.catalogue.get(name) for name in (model, *names))
    return next((facts.instructions for facts in found if facts is not None and facts.instructions), "")


def framing_is_free(model: str, config: Config) -> bool:
    """Whether the model's framing may be changed if upstream wants the other one."""
    return config.codex.framing.get(model, "auto") == "auto"
