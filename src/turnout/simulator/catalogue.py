"""The models the simulator offers, as the catalogue of codex-cli 0.169.0 lists them (codex-backend.md 5.1).

Facts only: it knows nothing of requests, accounts or the network.
"""

import hashlib
from collections.abc import Container, Iterable, Mapping
from typing import Literal

import msgspec

from turnout.simulator.jsontypes import JsonObject

UP_TO_XHIGH = ("low", "medium", "high", "xhigh")
UP_TO_MAX = (*UP_TO_XHIGH, "max")

WIRE_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Every effort the Responses API knows, weakest first; a model takes a part of them (codex-backend.md 2.5)."""


PLANS = (
    "business",
    "edu",
    "edu_plus",
    "edu_pro",
    "education",
    "ent26",
    "enterprise",
    "enterprise_cbp_automation",
    "enterprise_cbp_trial",
    "enterprise_cbp_usage_based",
    "finserv",
    "free",
    "free_workspace",
    "go",
    "hc",
    "hc_consumption",
    "k12",
    "law",
    "plus",
    "pro",
    "prolite",
    "promax",
    "quorum",
    "sci",
    "self_serve_business_prolite",
    "self_serve_business_usage_based",
    "team",
)
"""Every plan that the catalogue names."""
RARE = frozenset({"hc_consumption", "law"})
"""Plans that most models are not for."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model: what it takes, how much, and from which client version on."""

    slug: str
    name: str = ""
    """For people."""
    context_window: int = 272_000
    """Tokens of input and output together that the service grants by default."""
    max_context_window: int = 872_000
    efforts: tuple[str, ...] = UP_TO_MAX
    """The wire values of `reasoning.effort`; empty for a model that does not reason."""
    ultra: bool = False
    """The catalogue lists "ultra", which is a preset of the client and not a wire value."""
    ultra_effort: str | None = None
    """What "ultra" stands for on the wire; None: the catalogue does not say (codex-backend.md 5.3)."""
    default_effort: str = "medium"
    lite: bool = True
    """The model can be asked with Responses Lite framing (codex-backend.md 2.3)."""
    tiers: tuple[str, ...] = ("priority",)
    default_tier: str | None = None
    speed: str = "1.5x speed"
    """How the catalogue describes the tier."""
    not_for: frozenset[str] = RARE
    """Plans that it is not for."""
    minimal_client_version: str = "0.144.0"
    visibility: Literal["list", "hide"] = "list"
    priority: int = 99
    upgrade: str | None = None
    verbosity: str = "low"
    on_codex: bool = True
    """False for models that only the OpenAI API serves."""

    @property
    def plans(self) -> tuple[str, ...]:
        """Plans that it is for."""
        return tuple(plan for plan in PLANS if plan not in self.not_for)

    @property
    def reasons(self) -> bool:
        return bool(self.efforts)

    def accepts_client(self, version: tuple[int, ...]) -> bool:
        """Whether a client of this version may use the model (codex-backend.md 2.6)."""
        return version >= parse_version(self.minimal_client_version)


MODELS: tuple[Model, ...] = (
    Model(
        slug="gpt-6-astra",
        name="GPT-6-Astra",
        ultra=True,
        ultra_effort="xhigh",
        default_effort="low",
        speed="2x speed",
        minimal_client_version="0.153.0",
        priority=2,
    ),
    Model(
        slug="gpt-6.1-sol",
        name="GPT-6.1-Sol",
        ultra=True,
        ultra_effort="xhigh",
        default_effort="low",
        minimal_client_version="0.153.0",
        priority=1,
        speed="2x speed",
        not_for=frozenset({"hc_consumption"}),
    ),
    Model(
        slug="gpt-6.1-terra",
        name="GPT-6.1 Terra",
        context_window=500_000,
        ultra=True,
        ultra_effort="xhigh",
        default_effort="low",
        minimal_client_version="0.153.0",
        priority=7,
        not_for=frozenset(),
    ),
    Model(
        slug="gpt-6-sol",
        name="GPT-6-Sol",
        ultra=True,
        default_tier="priority",
        minimal_client_version="0.155.0",
        priority=3,
        not_for=RARE | {"promax"},
    ),
    Model(
        slug="gpt-6-luna",
        name="GPT-6-Luna",
        default_tier="priority",
        minimal_client_version="0.155.0",
        priority=4,
        not_for=RARE | {"promax"},
    ),
    Model(slug="gpt-5.6-sol", name="GPT-5.6-Sol", ultra=True, default_effort="low", priority=5, upgrade="gpt-6-sol"),
    Model(slug="gpt-5.6-terra", name="GPT-5.6-Terra", ultra=True, priority=8, upgrade="gpt-6-sol"),
    Model(slug="gpt-5.6-luna", name="GPT-5.6-Luna", priority=9, upgrade="gpt-6-luna"),
    Model(
        slug="gpt-daybreak-blue-latest",
        name="Daybreak Blue",
        ultra=True,
        default_effort="low",
        tiers=(),
        minimal_client_version="0.142.2",
        visibility="hide",
        priority=11,
        not_for=RARE | {"ent26", "enterprise_cbp_trial", "promax"},
    ),
    Model(
        slug="gpt-daybreak-red-latest",
        name="Daybreak Red",
        context_window=372_000,
        max_context_window=372_000,
        ultra=True,
        tiers=(),
        minimal_client_version="0.142.2",
        visibility="hide",
        verbosity="high",
        priority=12,
        not_for=RARE | {"ent26", "enterprise_cbp_trial", "promax"},
    ),
    Model(
        slug="gpt-5.5",
        name="GPT-5.5",
        max_context_window=272_000,
        efforts=UP_TO_XHIGH,
        lite=False,
        minimal_client_version="0.124.0",
        priority=13,
        upgrade="gpt-6-sol",
    ),
    Model(
        slug="codex-auto-review",
        name="Codex Auto Review",
        priority=43,
        not_for=RARE | {"free", "free_workspace", "k12"},
        minimal_client_version="0.98.0",
        visibility="hide",
    ),
    Model(slug="gpt-4.1", context_window=1_047_576, max_context_window=1_047_576, efforts=(), on_codex=False),
)

_BY_SLUG = {model.slug: model for model in MODELS}


def find(slug: str) -> Model | None:
    """The model of that name, or None."""
    return _BY_SLUG.get(slug)


def parse_version(text: str) -> tuple[int, ...]:
    """A dotted version as numbers, for comparison; () when it is not one."""
    parts = text.strip().split(".")
    return tuple(int(part) for part in parts) if all(part.isdecimal() for part in parts) else ()


def codex_listing(
    client_version: tuple[int, ...], *, absent: Container[str] = (), plans: Mapping[str, Iterable[str]] | None = None
) -> list[JsonObject]:
    """The `models` array of GET /models?client_version= : too new models are left out (codex-backend.md 5.2).

    So are those that are `absent`. `plans` are those of a model in place of its own.
    """
    shown = [model for model in MODELS if model.on_codex and model.slug not in absent]
    return [
        _codex_entry(model, sorted((plans or {}).get(model.slug, model.plans)))
        for model in shown
        if model.accepts_client(client_version)
    ]


def codex_etag(listing: list[JsonObject]) -> str:
    """The mark of a list: another one whenever the list is another one."""
    return f'W/"{hashlib.sha256(msgspec.json.encode(listing)).hexdigest()[:16]}"'


def openai_listing(created: int, absent: Container[str] = ()) -> list[JsonObject]:
    """The `data` array of GET /v1/models; `created` is the Unix time to show for every model."""
    shown = [model for model in MODELS if model.slug not in absent]
    return [{"id": model.slug, "object": "model", "created": created, "owned_by": "openai"} for model in shown]


def _codex_entry(model: Model, plans: list[str]) -> JsonObject:
    """The fields are those that codex-cli 0.169.0 wants to find."""
    efforts = (*model.efforts, "ultra") if model.ultra else model.efforts
    return {
        "slug": model.slug,
        "display_name": model.name,
        "description": "",
        "default_reasoning_level": model.default_effort,
        "supported_reasoning_levels": [{"effort": effort, "description": effort} for effort in efforts],
        "multi_agent_reasoning_effort": model.ultra_effort,
        "multi_agent_version": "v2" if model.ultra else None,
        "visibility": model.visibility,
        "supported_in_api": True,
        "priority": model.priority,
        "context_window": model.context_window,
        "max_context_window": model.max_context_window,
        "auto_compact_token_limit": None,
        "service_tiers": [{"id": tier, "name": "Fast", "description": model.speed} for tier in model.tiers],
        "default_service_tier": model.default_tier,
        "additional_speed_tiers": ["fast" for _ in model.tiers],
        "use_responses_lite": model.lite,
        "tool_mode": "code_mode_only" if model.lite else None,
        "prefer_websockets": True,
        "supports_parallel_tool_calls": True,
        "supports_reasoning_summaries": True,
        "supports_reasoning_summary_parameter": True,
        "default_reasoning_summary": "none",
        "supports_image_detail_original": True,
        "supports_search_tool": True,
        "support_verbosity": True,
        "default_verbosity": model.verbosity,
        "shell_type": "shell_command",
        "apply_patch_tool_type": "freeform",
        "web_search_tool_type": "text_and_image",
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "experimental_supported_tools": [],
        "model_messages": {"instructions_template": "You are Codex, a simulated agent."},
        "availability_nux": None,
        "comp_hash": "3000" if model.lite else "2911",
        "minimal_client_version": model.minimal_client_version,
        "available_in_plans": plans,
        "upgrade": {"model": model.upgrade, "migration_markdown": "", "retirement_at": None} if model.upgrade else None,
        "input_modalities": ["text", "image"],
    }
