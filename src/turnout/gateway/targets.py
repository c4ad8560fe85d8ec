"""Makes the target of a request, and remembers what upstreams have turned out to want of each model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.translate.target import Framing, Target

if TYPE_CHECKING:
    from turnout.config import Config
    from turnout.gateway.places import Place
    from turnout.routing.route import Route


class Targets:
    """What is learned lasts for the process's life."""

    def __init__(self) -> None:
        self._framings: dict[tuple[str, str], Framing] = {}
        self._searchless: set[tuple[str, str]] = set()
        """Models that upstream takes only in a framing without its own web search."""
        self._loading_plainly: set[tuple[str, str]] = set()
        """Models that upstream has no ``tool_search`` for, against what is known of them."""

    def make(self, place: Place, session: str | None, config: Config) -> Target:
        """The target for a request that goes to this place. ``session`` is the conversation's key."""
        chosen = place.route
        key = (chosen.upstream, chosen.model)
        return Target(
            model=chosen.model,
            effort=chosen.effort,
            tier=chosen.tier,
            account=place.credential.tag,
            capabilities=place.upstream.capabilities,
            framing=self._framings.get(key, chosen.framing),
            image_detail=chosen.image_detail,
            tool_search=chosen.tool_search and key not in self._loading_plainly,
            tool_schema_mode=config.tools.schema_mode,
            session=session,
            hosted_search=key not in self._searchless,
        )

    def remember(self, chosen: Route, settled: Target) -> None:
        """Upstream has accepted a request of this route with this target."""
        key = (chosen.upstream, chosen.model)
        if settled.framing != chosen.framing or key in self._framings:
            self._framings[key] = settled.framing
        if not settled.hosted_search:
            self._searchless.add(key)
        if chosen.tool_search and not settled.tool_search:
            self._loading_plainly.add(key)


def framing_is_free(model: str, config: Config) -> bool:
    """Whether the model's framing may be changed if upstream wants the other one."""
    return config.codex.framing.get(model, "auto") == "auto"
