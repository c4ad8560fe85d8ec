"""The configuration as one typed record: what each setting is, its default and its range.

A module holds the settings of one subject; all are to be had from here. Loading (file, environment, flags) is in
`turnout.settings`; nothing here does I/O or reads the environment. The docstring under a field is its documentation:
docs/configuration.md is generated from it.
"""

from __future__ import annotations

from turnout.config.accounts import AccountsSettings
from turnout.config.custom import CustomUpstream, TakesSettings, TlsSettings
from turnout.config.models import ModelsSettings, Slot, Slots, TokensSettings
from turnout.config.routing import FallbackReason, RoutingSettings, Rule
from turnout.config.section import SECRETS, Section
from turnout.config.server import Records, ResponsesSettings, Server, Timing
from turnout.config.tools import SearchSettings, Tools
from turnout.config.upstreams import CapabilitySettings, CodexSettings, OpenAISettings, UpstreamSwitches
from turnout.config.values import BUILT_IN, EffortChoice, StorageName, TierChoice, UpstreamName, Url, UrlOrEmpty

__all__ = [
    "BUILT_IN",
    "SECRETS",
    "AccountsSettings",
    "CapabilitySettings",
    "CodexSettings",
    "Config",
    "CustomUpstream",
    "EffortChoice",
    "FallbackReason",
    "ModelsSettings",
    "OpenAISettings",
    "Records",
    "ResponsesSettings",
    "RoutingSettings",
    "Rule",
    "SearchSettings",
    "Section",
    "Server",
    "Slot",
    "Slots",
    "StorageName",
    "TakesSettings",
    "Timing",
    "TlsSettings",
    "TokensSettings",
    "Tools",
    "UpstreamName",
    "UpstreamSwitches",
    "Url",
    "UrlOrEmpty",
]


class Config(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a user may set."""

    upstream: UpstreamName = "codex"
    """Where requests go."""
    strict: bool = False
    """Whether a request is refused with 400 when a part of it would have to be left out. Clients may ask for that
    themselves, with the header `x-turnout-strict: 1`."""
    model: str = ""
    """The model behind every Claude name; empty: each slot's own. A slot that is set beside it keeps what is set."""
    effort: EffortChoice = ""
    """The effort of every request, whatever the client asks for; empty: each slot's own."""
    tier: TierChoice = ""
    """The service tier of requests that name none, in every slot."""
    upstreams: UpstreamSwitches = UpstreamSwitches()
    server: Server = Server()
    timing: Timing = Timing()
    slots: Slots = Slots()
    models: ModelsSettings = ModelsSettings()
    routing: RoutingSettings = RoutingSettings()
    tokens: TokensSettings = TokensSettings()
    codex: CodexSettings = CodexSettings()
    openai: OpenAISettings = OpenAISettings()
    custom: dict[str, CustomUpstream] = {}
    """Upstreams of your own by name, such as `[custom.groq]`: servers that speak the Responses API or Chat Completions.
    See [upstreams](upstreams.md)."""
    accounts: AccountsSettings = AccountsSettings()
    tools: Tools = Tools()
    search: SearchSettings = SearchSettings()
    records: Records = Records()
    responses: ResponsesSettings = ResponsesSettings()
