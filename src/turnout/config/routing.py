"""Settings of where requests go by what they are, and where they go on to after a failure."""

from __future__ import annotations

from typing import Literal

from turnout.config.section import Section
from turnout.config.values import Count, EffortChoice, TierChoice, UpstreamChoice

FallbackReason = Literal[
    "billing",
    "context_overflow",
    "cut",
    "model_unavailable",
    "overloaded",
    "permission",
    "policy",
    "rate_limited",
    "rejected",
    "sign_in",
    "unreachable",
    "upstream_error",
    "upstream_timeout",
    "usage_limit",
]


class Rule(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where requests of one kind or size go. All its conditions must hold; the first rule that fits counts. Rules are
    for Claude's names: who names a model or an upstream gets that."""

    name: str = ""
    """What it is called in records."""
    kind: Literal["", "background", "subagent", "web_search"] = ""
    """`background`: small helper calls (a `haiku` name, no tools). `subagent`: subagents' requests. `web_search`:
    requests that want the web searched by the upstream."""
    slot: Literal["", "opus", "sonnet", "haiku", "fable", "best", "subagent", "background", "other"] = ""
    """Requests of this slot."""
    above: Count = 0
    """Requests of more than so many tokens, counted at four bytes a token; 0: of any size."""
    below: Count = 0
    """Requests of fewer tokens than this; 0: of any size."""
    model: str = ""
    """Their model: any model string, or a chain of them, `[a, b, c]`. Empty: as without the rule."""
    effort: EffortChoice = ""
    """Their effort, whatever the client asks for; empty: as without the rule."""
    tier: TierChoice = ""
    """Their service tier when the client names none; empty: as without the rule."""
    upstream: UpstreamChoice = ""
    """Where they go; empty: as without the rule."""


class RoutingSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where requests go by what they are, and where they go on to when an upstream fails."""

    rules: tuple[Rule, ...] = ()
    """Rules by kind and size (`[[routing.rules]]`). See [routing](routing.md#rules)."""
    fallback_on: tuple[FallbackReason, ...] = (
        "billing",
        "cut",
        "model_unavailable",
        "overloaded",
        "permission",
        "rate_limited",
        "sign_in",
        "unreachable",
        "upstream_error",
        "upstream_timeout",
        "usage_limit",
    )
    """Failures after which a chain of models, `[a, b, c]`, goes on with the next one, as long as the client has got
    nothing yet."""
