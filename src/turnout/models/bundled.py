"""The models as Codex CLI 0.169.0 lists them (codex-backend.md 5.1). Facts only, written down on `DATED`.

They serve until a live catalogue is there, and when none can be fetched.
"""

from __future__ import annotations

from turnout.models.catalogue import ModelFacts

DATED = "2026-11-20"
"""The day on which the table below was true."""

UP_TO_XHIGH = ("low", "medium", "high", "xhigh")
UP_TO_MAX = (*UP_TO_XHIGH, "max")

MODELS: tuple[ModelFacts, ...] = (
    ModelFacts(
        slug="gpt-6.1-sol",
        priority=1,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="low",
        multi_agent=True,
        multi_agent_effort="xhigh",
        minimal_client_version="0.153.0",
    ),
    ModelFacts(
        slug="gpt-6-astra",
        priority=2,
        window=272_000,
        max_window=872_000,
        api_window=922_000,
        efforts=UP_TO_MAX,
        default_effort="low",
        multi_agent=True,
        multi_agent_effort="xhigh",
        minimal_client_version="0.153.0",
    ),
    ModelFacts(
        slug="gpt-6-sol",
        priority=3,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        multi_agent=True,
        multi_agent_effort="max",
        minimal_client_version="0.155.0",
    ),
    ModelFacts(
        slug="gpt-6-luna",
        priority=4,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        minimal_client_version="0.155.0",
    ),
    ModelFacts(
        slug="gpt-5.6-sol",
        priority=5,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="low",
        multi_agent=True,
        minimal_client_version="0.144.0",
        upgrade="gpt-6-sol",
    ),
    ModelFacts(
        slug="gpt-6.1-terra",
        priority=7,
        window=500_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="low",
        multi_agent=True,
        multi_agent_effort="xhigh",
        minimal_client_version="0.153.0",
    ),
    ModelFacts(
        slug="gpt-5.6-terra",
        priority=8,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        multi_agent=True,
        minimal_client_version="0.144.0",
        upgrade="gpt-6-sol",
    ),
    ModelFacts(
        slug="gpt-5.6-luna",
        priority=9,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        minimal_client_version="0.144.0",
        upgrade="gpt-6-luna",
    ),
    ModelFacts(
        slug="gpt-5.5",
        priority=13,
        window=272_000,
        max_window=272_000,
        efforts=UP_TO_XHIGH,
        default_effort="medium",
        lite=False,
        minimal_client_version="0.124.0",
        upgrade="gpt-6-sol",
    ),
    # The hidden ones have no place in the published order: they follow the listed ones.
    ModelFacts(
        slug="gpt-daybreak-blue-latest",
        priority=100,
        listed=False,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="low",
        multi_agent=True,
        tiers=(),
        minimal_client_version="0.142.2",
    ),
    ModelFacts(
        slug="gpt-daybreak-red-latest",
        priority=101,
        listed=False,
        window=372_000,
        max_window=372_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        multi_agent=True,
        tiers=(),
        minimal_client_version="0.142.2",
    ),
    ModelFacts(
        slug="codex-auto-review",
        priority=102,
        listed=False,
        window=272_000,
        max_window=872_000,
        efforts=UP_TO_MAX,
        default_effort="medium",
        minimal_client_version="0.98.0",
    ),
)
