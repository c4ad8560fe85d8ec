"""The models as Codex CLI 0.169.0 lists them (codex-backend.md 5.1). Facts only, written down on `DATED`.

They serve until a live catalogue is there, and when none can be fetched.
"""

from __future__ import annotations

from msgspec.structs import replace

from turnout.models.catalogue import ModelFacts

DATED = "2026-11-20"
"""The day on which the table below was true."""

USUAL = ModelFacts(
    slug="",
    priority=0,
    window=272_000,
    max_window=872_000,
    efforts=("low", "medium", "high", "xhigh", "max"),
    default_effort="medium",
    minimal_client_version="",
)
"""What most models have in common; each entry below says what is its own."""

SOL_6_1 = replace(
    USUAL,
    slug="gpt-6.1-sol",
    priority=1,
    default_effort="low",
    multi_agent=True,
    multi_agent_effort="xhigh",
    minimal_client_version="0.153.0",
)
ASTRA_6 = replace(SOL_6_1, slug="gpt-6-astra", priority=2, api_window=922_000)
SOL_6 = replace(
    USUAL,
    slug="gpt-6-sol",
    priority=3,
    multi_agent=True,
    multi_agent_effort="max",
    minimal_client_version="0.155.0",
)
LUNA_6 = replace(USUAL, slug="gpt-6-luna", priority=4, minimal_client_version="0.155.0")
SOL_5_6 = replace(
    USUAL,
    slug="gpt-5.6-sol",
    priority=5,
    default_effort="low",
    multi_agent=True,
    minimal_client_version="0.144.0",
    upgrade=SOL_6.slug,
)
TERRA_6_1 = replace(SOL_6_1, slug="gpt-6.1-terra", priority=7, window=500_000)
TERRA_5_6 = replace(SOL_5_6, slug="gpt-5.6-terra", priority=8, default_effort="medium")
LUNA_5_6 = replace(USUAL, slug="gpt-5.6-luna", priority=9, minimal_client_version="0.144.0", upgrade=LUNA_6.slug)
PLAIN_5_5 = replace(
    USUAL,
    slug="gpt-5.5",
    priority=13,
    max_window=272_000,
    efforts=("low", "medium", "high", "xhigh"),
    lite=False,
    minimal_client_version="0.124.0",
    upgrade=SOL_6.slug,
)

# The hidden ones have no place in the published order: they follow the listed ones.
BLUE = replace(
    USUAL,
    slug="gpt-daybreak-blue-latest",
    priority=100,
    listed=False,
    default_effort="low",
    multi_agent=True,
    tiers=(),
    minimal_client_version="0.142.2",
)
RED = replace(
    BLUE,
    slug="gpt-daybreak-red-latest",
    priority=101,
    window=372_000,
    max_window=372_000,
    default_effort="medium",
)
REVIEW = replace(USUAL, slug="codex-auto-review", priority=102, listed=False, minimal_client_version="0.98.0")

MODELS = (SOL_6_1, ASTRA_6, SOL_6, LUNA_6, SOL_5_6, TERRA_6_1, TERRA_5_6, LUNA_5_6, PLAIN_5_5, BLUE, RED, REVIEW)
"""Every model of the catalogue."""
