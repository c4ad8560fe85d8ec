"""The environment variables that Turnout reads: one table, from which loading and documentation are made. Data only."""

from __future__ import annotations

import msgspec


class Variable(msgspec.Struct, frozen=True):
    """The variables that set one field of `turnout.config.Config`."""

    path: str
    """The field as a dotted path, e.g. ``server.port``."""
    names: tuple[str, ...]
    """Names in order of precedence: the first one that is set counts."""
    negates: bool = False
    """A true value of the variable means false for the field (``TURNOUT_NO_TOKEN``)."""
    milliseconds: tuple[str, ...] = ()
    """Those of the names whose values are in milliseconds, for a field in seconds."""


SLOT_NAMES = ("opus", "sonnet", "haiku", "fable", "best", "subagent", "background", "other")
SLOT_FIELDS = ("model", "effort", "tier", "account", "upstream")
PEERS = {
    "slots.opus.model": ("CODEX_THINKING_MODEL", "CODEX_BIG_MODEL"),
    "slots.sonnet.model": ("CODEX_BIG_MODEL",),
    "slots.haiku.model": ("CODEX_SMALL_MODEL",),
}
"""Variables of codex-claude-proxy, which people who come from there have set."""


def _of_slot(slot: str, field: str) -> Variable:
    path = f"slots.{slot}.{field}"
    return Variable(path, (f"TURNOUT_{slot.upper()}_{field.upper()}", *PEERS.get(path, ())))


VARIABLES: tuple[Variable, ...] = (
    Variable("upstream", ("TURNOUT_UPSTREAM",)),
    Variable("strict", ("TURNOUT_STRICT",)),
    Variable("model", ("TURNOUT_MODEL", "CODEX_MODEL")),
    Variable("effort", ("TURNOUT_EFFORT", "CODEX_REASONING")),
    Variable("tier", ("TURNOUT_TIER",)),
    Variable("upstreams.codex", ("TURNOUT_UPSTREAM_CODEX",)),
    Variable("upstreams.openai", ("TURNOUT_UPSTREAM_OPENAI",)),
    Variable("server.host", ("TURNOUT_HOST",)),
    Variable("server.port", ("TURNOUT_PORT", "PROXY_PORT")),
    Variable("server.token", ("TURNOUT_TOKEN",)),
    Variable("server.require_token", ("TURNOUT_NO_TOKEN",), negates=True),
    Variable("server.allowed_hosts", ("TURNOUT_ALLOWED_HOSTS",)),
    Variable("server.body_limit", ("TURNOUT_BODY_LIMIT",)),
    Variable("server.header_timeout", ("TURNOUT_HEADER_TIMEOUT",)),
    Variable("server.body_timeout", ("TURNOUT_BODY_TIMEOUT",)),
    Variable("server.drain", ("TURNOUT_DRAIN_SECONDS",)),
    Variable("timing.hold", ("TURNOUT_HOLD_SECONDS",)),
    Variable("timing.keepalive", ("TURNOUT_KEEPALIVE_SECONDS",)),
    Variable("timing.upstream_idle", ("TURNOUT_UPSTREAM_IDLE_SECONDS",)),
    Variable("timing.connect", ("TURNOUT_CONNECT_SECONDS",)),
    *(_of_slot(slot, field) for slot in SLOT_NAMES for field in SLOT_FIELDS),
    Variable("models.aliases", ("TURNOUT_MODEL_ALIASES",)),
    Variable(
        "models.refresh",
        ("TURNOUT_MODELS_REFRESH", "CODEX_MODEL_REFRESH_INTERVAL"),
        milliseconds=("CODEX_MODEL_REFRESH_INTERVAL",),
    ),
    Variable("models.overflow", ("TURNOUT_MODELS_OVERFLOW",)),
    Variable("routing.rules", ("TURNOUT_ROUTING_RULES",)),
    Variable("routing.fallback_on", ("TURNOUT_FALLBACK_ON",)),
    Variable("tokens.exact", ("TURNOUT_TOKENS_EXACT",)),
    Variable("codex.base_url", ("TURNOUT_CHATGPT_BASE_URL",)),
    Variable("codex.endpoint", ("TURNOUT_CODEX_ENDPOINT", "CODEX_API_ENDPOINT", "CHATGPT_API_URL")),
    Variable("codex.client_version", ("TURNOUT_CLIENT_VERSION",)),
    Variable("codex.home", ("TURNOUT_CODEX_HOME", "OPENAI_CODEX_PATH", "CODEX_HOME")),
    Variable("codex.framing", ("TURNOUT_FRAMING",)),
    Variable("codex.compress", ("TURNOUT_CODEX_COMPRESS",)),
    Variable("codex.default_capabilities.protocol", ("TURNOUT_CODEX_PROTOCOL",)),
    Variable("codex.default_capabilities.codex_passthrough", ("TURNOUT_CODEX_CODEX_PASSTHROUGH",)),
    Variable("codex.default_capabilities.prompt_mode", ("TURNOUT_CODEX_PROMPT_MODE",)),
    Variable("codex.default_capabilities.tool_schema_mode", ("TURNOUT_CODEX_TOOL_SCHEMA_MODE",)),
    Variable("codex.default_capabilities.tool_text_format", ("TURNOUT_CODEX_TOOL_TEXT_FORMAT",)),
    Variable("codex.default_capabilities.bypass_tool_call_reactor", ("TURNOUT_CODEX_BYPASS_TOOL_CALL_REACTOR",)),
    Variable("codex.default_capabilities.include_environment_context", ("TURNOUT_CODEX_INCLUDE_ENVIRONMENT_CONTEXT",)),
    Variable("openai.base_url", ("TURNOUT_OPENAI_BASE_URL", "OPENAI_API_BASE_URL")),
    Variable("openai.api_key", ("TURNOUT_OPENAI_API_KEY", "OPENAI_API_KEY")),
    Variable("openai.hosted_search", ("TURNOUT_OPENAI_HOSTED_SEARCH",)),
    Variable("openai.default_capabilities.protocol", ("TURNOUT_OPENAI_PROTOCOL",)),
    Variable("openai.default_capabilities.codex_passthrough", ("TURNOUT_OPENAI_CODEX_PASSTHROUGH",)),
    Variable("openai.default_capabilities.prompt_mode", ("TURNOUT_OPENAI_PROMPT_MODE",)),
    Variable("openai.default_capabilities.tool_schema_mode", ("TURNOUT_OPENAI_TOOL_SCHEMA_MODE",)),
    Variable("openai.default_capabilities.tool_text_format", ("TURNOUT_OPENAI_TOOL_TEXT_FORMAT",)),
    Variable("openai.default_capabilities.bypass_tool_call_reactor", ("TURNOUT_OPENAI_BYPASS_TOOL_CALL_REACTOR",)),
    Variable(
        "openai.default_capabilities.include_environment_context", ("TURNOUT_OPENAI_INCLUDE_ENVIRONMENT_CONTEXT",)
    ),
    Variable("custom", ("TURNOUT_CUSTOM",)),
    Variable("accounts.use", ("TURNOUT_ACCOUNT",)),
    Variable("accounts.folder", ("TURNOUT_ACCOUNTS_DIR",)),
    Variable("accounts.policy", ("TURNOUT_ACCOUNT_POLICY",)),
    Variable("accounts.spill_to", ("TURNOUT_SPILL_TO",)),
    Variable("accounts.spill_limit", ("TURNOUT_SPILL_LIMIT",)),
    Variable("accounts.storage", ("TURNOUT_ACCOUNT_STORAGE",)),
    Variable("accounts.issuer", ("TURNOUT_AUTH_ISSUER",)),
    Variable("accounts.refresh_url", ("TURNOUT_REFRESH_URL", "CODEX_REFRESH_TOKEN_URL_OVERRIDE")),
    Variable("accounts.revoke_url", ("TURNOUT_REVOKE_URL", "CODEX_REVOKE_TOKEN_URL_OVERRIDE")),
    Variable("accounts.client_id", ("TURNOUT_AUTH_CLIENT_ID",)),
    Variable("tools.schema_mode", ("TURNOUT_TOOL_SCHEMA_MODE",)),
    Variable("tools.tool_search", ("TURNOUT_TOOL_SEARCH",)),
    Variable("search.url", ("TURNOUT_SEARCH_URL",)),
    Variable("search.results", ("TURNOUT_SEARCH_RESULTS",)),
    Variable("search.timeout", ("TURNOUT_SEARCH_SECONDS",)),
    Variable("records.keep", ("TURNOUT_RECORDS",)),
    Variable("records.limit", ("TURNOUT_RECORDS_LIMIT",)),
    Variable("responses.store", ("TURNOUT_RESPONSES_STORE",)),
    Variable("responses.ttl", ("TURNOUT_RESPONSES_TTL",)),
    Variable("responses.limit", ("TURNOUT_RESPONSES_LIMIT",)),
    Variable("responses.websocket", ("TURNOUT_RESPONSES_WEBSOCKET",)),
)
"""Every field of the configuration, in the order of `turnout.config` (a test holds it complete)."""

OTHER_VARIABLES: dict[str, str] = {
    "TURNOUT_HOME": "Folder for Turnout's own files (`config.toml`, `cache/`, `state/`), not the system's usual ones.",
    "TURNOUT_LOG": "`json` writes the log as one JSON object a line; `text` is the default.",
    "TURNOUT_LOG_LEVEL": "`debug`, `info` (default), `warning` or `error`.",
    "TURNOUT_CLIENTS_DIR": "Where the test-suite and `turnout demo --install` keep the clients they install.",
}
"""Variables of Turnout's own that are no field of the configuration, with what they do."""
