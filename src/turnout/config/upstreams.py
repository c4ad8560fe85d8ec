"""Settings of the upstreams that are always there: the Codex backend and the OpenAI API."""

from __future__ import annotations

from typing import Literal

from turnout.config.section import Section
from turnout.config.values import FramingChoice, SecretText, Switch, Url, UrlOrEmpty, Version


class UpstreamSwitches(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which upstreams may be used at all. See `turnout upstreams`."""

    codex: Switch = "auto"
    """`off` never uses it, not even for a request that names it; `auto` uses it as soon as the Codex CLI or a login is
    found."""
    openai: Switch = "auto"
    """`off` never uses it; `auto` uses it where an API key is found, for what asks for it."""


class CapabilitySettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is made of a request's prompt and tools, by the names of llm-interactive-proxy. A request may want
    otherwise, by its field `codex_capabilities`. See [profiles](profiles.md)."""

    protocol: Literal["", "openai-chat", "openai-responses"] = ""
    """No effect: each client is answered in the protocol of the door that it uses."""
    codex_passthrough: bool = False
    """Whether the prompt of a client of the Responses API stays where the client has put it, whatever `prompt_mode`
    says."""
    prompt_mode: Literal["custom_only", "codex_default", "merge_custom"] = "custom_only"
    """`custom_only` sends the client's prompt and no other. `codex_default` sends the instructions that the backend's
    own catalogue has for the model, and the client's prompt behind them; `merge_custom` sends both as one."""
    tool_schema_mode: Literal["custom_only", "codex_default", "strict", "faithful"] = "custom_only"
    """How the client's tools are sent, which are always the only ones: by `tools.schema_mode` (`custom_only`), never
    held to their schema, as the Codex CLI sends its own (`codex_default`), or in either form of `tools.schema_mode`."""
    tool_text_format: Literal["none", "summary", "codex_xml"] = "none"
    """Whether the prompt tells of the tools in words as well: a line for each (`summary`), or all of it as XML."""
    bypass_tool_call_reactor: bool = True
    """No effect: tool calls always go to the client."""
    include_environment_context: bool = False
    """Whether the prompt tells of the gateway's machine: its system, shell and date."""


class CodexSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Codex (ChatGPT) backend."""

    base_url: Url = "https://chatgpt.com/backend-api"
    """Address of the ChatGPT backend: model requests, quota."""
    endpoint: UrlOrEmpty = ""
    """Address of the responses endpoint; empty: ``/codex/responses`` under ``base_url``."""
    client_version: Version = "0.169.0"
    """Codex client version to announce: newer models are offered only to recent versions (codex-backend.md 2.6)."""
    home: str = ""
    """Folder (or file) of the Codex CLI's credential; empty: ``$CODEX_HOME``, else ``~/.codex``."""
    framing: dict[str, FramingChoice] = {}
    """Framing per model; ``auto`` begins plain and follows what the backend asks for (codex-backend.md 2.3)."""
    compress: bool = False
    """Whether long requests are sent compressed, as the Codex CLI sends its own: a quarter of the bytes for half a
    millisecond of work. Worth it where the way up is slow: a long conversation is 250 KB, a fifth of a second at
    10 Mbit/s."""
    default_capabilities: CapabilitySettings = CapabilitySettings()

    @property
    def responses_url(self) -> str:
        """Where model requests go."""
        return self.endpoint or f"{self.base_url.rstrip('/')}/codex/responses"


class OpenAISettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The OpenAI API."""

    base_url: Url = "https://api.openai.com/v1"
    """Address that ``/responses`` is appended to."""
    api_key: SecretText = ""
    """API key; better given as ``OPENAI_API_KEY`` than in a file."""
    hosted_search: bool = True
    """Whether the server searches the web itself; OpenAI's does, others that speak its API mostly do not."""
    default_capabilities: CapabilitySettings = CapabilitySettings()
