"""The configuration as one typed record: what each setting is, its default and its range.

Loading (file, environment, flags) is in `turnout.settings`; this module does no I/O and reads no environment.
The docstring under a field is its documentation: docs/configuration.md is generated from here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

BUILT_IN = ("codex", "openai")
"""Upstreams that are always there; others are those of the table ``custom``."""
_NAME = "codex, openai, or the name of an upstream in the table custom"
UpstreamName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]*$", description=_NAME)]
FramingChoice = Literal["auto", "plain", "lite"]
StorageName = Literal["file", "keyring"]
Switch = Literal["auto", "on", "off"]
PolicyName = Literal["default", "failover"]
EffortChoice = Literal["", "none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"]
TierChoice = Literal["", "default", "priority", "fast", "flex"]
UpstreamChoice = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]*)?$", description=f"{_NAME}; or empty")]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Dollars = Annotated[float, Meta(ge=0, le=1_000_000, description="a number from 0 to 1000000")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s/]\S*$", description="an http:// or https:// address")]
UrlOrEmpty = Annotated[str, Meta(pattern=r"^(https?://[^\s/]\S*)?$", description="an http:// or https:// address")]
Version = Annotated[str, Meta(pattern=r"^\d+\.\d+\.\d+$", description="a version of three numbers, such as 0.169.0")]
ZeroOrSeconds = Annotated[float, Meta(ge=0, le=86_400, description="a number from 0 to 86400")]
Count = Annotated[int, Meta(ge=0, le=100_000_000)]
KeyReference = Annotated[
    str,
    Meta(
        pattern=r"^((env|file|keyring|command):\S.*)?$",
        description="env:NAME, file:PATH, keyring:SERVICE/USER or command:COMMAND, never the key itself",
        extra={"private": True},
    ),
]
ProxyAddress = Annotated[
    str,
    Meta(
        pattern=r"^(none|https?://[^\s/]\S*)?$",
        description="an http:// or https:// address, or none",
        extra={"private": True},
    ),
]
HeaderValue = Annotated[
    str, Meta(pattern=r"^[ -~]*$(?!\n)", description="text without line breaks, or env:NAME", extra={"private": True})
]
SecretText = Annotated[
    str, Meta(pattern=r"^[!-~]*$", description="text without spaces (a secret, never shown)", extra={"secret": True})
]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings. Its ``repr`` hides secrets, so that a logged configuration gives none away."""

    def __repr__(self) -> str:
        hidden = SECRETS.get(type(self).__name__, PRIVATE.get(type(self).__name__, frozenset()))
        shown = (
            f"{name}={'(set)' if getattr(self, name) else '(not set)'}" if name in hidden else f"{name}={value!r}"
            for name, value in msgspec.structs.asdict(self).items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"


SECRETS = {"Server": frozenset({"token"}), "OpenAISettings": frozenset({"api_key"})}
"""Fields whose values are never shown, per section: those of type `SecretText` (a test compares the two)."""


PRIVATE = {"CustomUpstream": frozenset({"headers", "proxy", "query"})}
"""Fields that may hold a secret beside other things, per section."""


class Server(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The gateway's listening side."""

    host: str = "127.0.0.1"
    """Address to listen on. Anything but loopback refuses to start without a token."""
    port: Annotated[int, Meta(ge=0, le=65_535)] = 4000
    """Port to listen on; 0 takes a free one."""
    token: SecretText = ""
    """Token that clients must show; empty: a random one is made at start and shown."""
    require_token: bool = True
    """Whether clients must show the token at all. Only loopback may turn it off."""
    allowed_hosts: tuple[str, ...] = ()
    """Further Host names that clients may use, beside loopback names and the listening address."""
    body_limit: Annotated[int, Meta(ge=1024)] = 64 * 1024 * 1024
    """Largest request body in bytes."""
    header_timeout: Seconds = 20.0
    """Seconds a client may take to send a request's head."""
    body_timeout: Seconds = 120.0
    """Seconds a client may take to send a request's body."""
    drain: Seconds = 30.0
    """Seconds that open streams get to finish when the gateway stops."""


class Timing(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things may take between client and upstream."""

    hold: Seconds = 15.0
    """Seconds the response head waits for upstream's first real event, so that failures keep their HTTP status."""
    keepalive: Seconds = 15.0
    """Seconds of silence after which the client is sent a keep-alive event."""
    upstream_idle: Seconds = 900.0
    """Seconds without a byte after which an upstream counts as dead."""
    connect: Seconds = 10.0
    """Seconds to make a connection to an upstream."""


class Slot(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of Claude's model families stands for."""

    model: str = ""
    """Model upstream; empty: chosen from the catalogue. Any model string: `gpt-6-sol@low` fixes the effort as well. Or
    a chain of them, `[groq/llama-4, gpt-6-sol]`: the next one is asked where one fails."""
    effort: EffortChoice = ""
    """Reasoning effort of its requests, whatever the client asks for; empty: the client's, else the slot's default."""
    tier: TierChoice = ""
    """Service tier when the client is not in fast mode: `priority` (or `fast`), `flex`, `default`; empty: the
    upstream's own."""
    account: str = ""
    """Nickname of the account to use; empty: as for every request."""
    upstream: UpstreamChoice = ""
    """Where its requests go; empty: as for every request."""


class Slots(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The slots that Claude's model names fall into."""

    opus: Slot = Slot()
    """For names with ``opus``."""
    sonnet: Slot = Slot()
    """For names with ``sonnet``."""
    haiku: Slot = Slot()
    """For names with ``haiku``: titles, small helper calls."""
    fable: Slot = Slot()
    """For names with ``fable``. Follows `opus` in what is not set here."""
    best: Slot = Slot()
    """For the name ``best``. Follows `opus`."""
    subagent: Slot = Slot()
    """For the requests of subagents, once anything is set here, and for the name ``subagent``. Follows `sonnet`."""
    background: Slot = Slot()
    """For small helper calls (a `haiku` name, no tools), once anything is set here, and for the name ``background``.
    Follows `haiku`."""
    other: Slot = Slot()
    """For every other ``claude-*`` name. Follows `sonnet`."""


class ModelsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What models are called, and how they are known."""

    aliases: dict[str, str] = {}
    """Further names for models: a name, and the model string that it stands for."""
    refresh: Annotated[float, Meta(ge=0, le=2_678_400, description="a number from 0 to 2678400")] = 3600.0
    """Seconds after which the upstream is asked for its models again, while the gateway runs; 0: only when you ask."""
    overflow: Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")] = 0.98
    """Part of a model's window above which a request is refused as too long before it is sent, so that the client sums
    the conversation up; 0 leaves that to the upstream."""


class TokensSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counting tokens."""

    exact: bool = False
    """Whether clients that ask for a count get the OpenAI API's own: each count then sends the whole prompt. Without,
    and with a ChatGPT plan, Turnout counts by itself."""


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


class AccountsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Signing in, and where logins are kept."""

    use: str = ""
    """Nickname of the account to use; empty: the default one (`turnout accounts use`)."""
    folder: str = ""
    """Folder for Turnout's own logins and the list of accounts; empty: the system's usual place for a user's data."""
    policy: PolicyName = "default"
    """What happens when an account's usage limit is reached: `default` says so to the client; `failover` goes on with
    your next account. Only for accounts of your own, and within OpenAI's terms: see the page on quota."""
    spill_to: Literal["", "openai"] = ""
    """`openai` goes on with your API key, which costs money, when no plan can be used; empty: it does not."""
    spill_limit: Dollars = 10.0
    """US dollars that going on with the API key may cost in a calendar month (UTC), by OpenAI's list prices."""
    storage: StorageName = "file"
    """Where Turnout keeps its own logins: files that only you can read, or the system's keyring."""
    issuer: Url = "https://auth.openai.com"
    """Address of OpenAI's sign-in service."""
    refresh_url: UrlOrEmpty = ""
    """Address that renews a login; empty: ``/oauth/token`` under ``issuer``."""
    revoke_url: UrlOrEmpty = ""
    """Address that ends a login; empty: ``/oauth/revoke`` under ``issuer``."""
    client_id: str = "app_EMoamEEZ73f0CkXaXp7hrann"
    """Client id to sign in with: the public one of the Codex CLI (codex-backend.md 1.3)."""


class SearchSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Searching the web for upstreams that do not do so themselves."""

    url: UrlOrEmpty = ""
    """Address of a SearXNG server whose JSON output is on (``search.formats`` in its settings); empty: none."""
    results: Annotated[int, Meta(ge=1, le=50)] = 8
    """Results of one search that the model and the client get, at most."""
    timeout: Seconds = 10.0
    """Seconds that one search may take."""


class Records(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is remembered of requests, for `turnout explain`: figures and places, never a word of a prompt."""

    keep: bool = True
    """Whether records are written to a file, so that they outlive the gateway."""
    limit: Annotated[int, Meta(ge=65_536)] = 32 * 1024 * 1024
    """Bytes that the files may have together; the oldest are dropped."""


class ResponsesSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The Responses API, as clients use it."""

    store: bool = True
    """Whether answers are kept in a file on this machine, for clients that go on from one of them by its id
    (`previous_response_id`) or ask for it again. A client's own `store: false` keeps it out in any case."""
    ttl: Annotated[float, Meta(gt=0, le=2_678_400, description="a number above 0, up to 2678400")] = 86_400.0
    """Seconds for which an answer is kept after it was last used."""
    limit: Annotated[int, Meta(ge=65_536)] = 256 * 1024 * 1024
    """Bytes that the kept answers may have together; those that were used longest ago are dropped."""
    websocket: bool = True
    """Whether clients may open a WebSocket at `/v1/responses`; otherwise they are told to use HTTP."""


class Tools(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the client's tools are offered upstream."""

    schema_mode: Literal["faithful", "strict"] = "faithful"
    """`faithful` sends a tool's schema as it is and mends only what upstream refuses; `strict` brings it into the form
    of OpenAI's strict mode, in which the model cannot call a tool with arguments that break the schema."""
    tool_search: bool = True
    """Whether tools that the client loads while a conversation runs go by upstream's own mechanism, which leaves the
    prompt cache whole; otherwise they are added behind the other tools."""


class UpstreamSwitches(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which upstreams may be used at all. See `turnout upstreams`."""

    codex: Switch = "auto"
    """`off` never uses it, not even for a request that names it; `auto` uses it as soon as the Codex CLI or a login is
    found."""
    openai: Switch = "auto"
    """`off` never uses it; `auto` uses it where an API key is found, for what asks for it."""


class TakesSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an upstream takes. `auto` follows `turnout upstreams probe` where that was run, else what such servers
    usually take."""

    tools: Switch = "auto"
    """Calls functions."""
    tool_choice: Switch = "auto"
    """Can be made to call a function (``required``, or one by its name)."""
    parallel: Switch = "auto"
    """Takes ``parallel_tool_calls``."""
    strict: Switch = "auto"
    """Takes ``strict`` in functions and schemas. Only `wire = "chat"`."""
    images: Switch = "auto"
    """Takes images."""
    files: Switch = "auto"
    """Takes files (PDFs)."""
    reasoning: Switch = "auto"
    """Takes its own earlier reasoning back: ``encrypted_content``, or ``reasoning_content`` behind `wire = "chat"`."""
    effort: Switch = "auto"
    """Takes a reasoning effort."""
    developer: Switch = "auto"
    """Knows the role ``developer``; else instructions have the role ``system``. Only `wire = "chat"`."""
    system_anywhere: Switch = "auto"
    """Takes instructions behind other messages; else such ones are said by the user. Only `wire = "chat"`."""
    include: Switch = "auto"
    """Takes ``include``. Only `wire = "responses"`."""
    usage: Switch = "auto"
    """Takes ``stream_options.include_usage``. Only `wire = "chat"`."""
    sampling: Switch = "auto"
    """Takes ``temperature`` and ``top_p``."""
    json_schema: Switch = "auto"
    """Holds answers to a JSON schema. Only `wire = "chat"`."""
    hosted_search: Switch = "auto"
    """Searches the web itself. Only `wire = "responses"`."""
    limit: Literal["auto", "max_tokens", "max_completion_tokens", "max_output_tokens", "off"] = "auto"
    """The field that limits an answer's length; `off` sends none."""


class TlsSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an https:// upstream is recognised, and recognises you."""

    ca: str = ""
    """File with certificates (PEM) to trust beside the system's."""
    certificate: str = ""
    """File with your own certificate (PEM), for servers that want one."""
    certificate_key: str = ""
    """File with that certificate's private key; empty: it is in the same file."""
    verify: bool = True
    """Whether the server's certificate is checked. Without, anyone on the way can read prompts and key."""


class CustomUpstream(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of your choice that speaks the Responses API, or Chat Completions."""

    base_url: Url
    """Address that ``/responses`` or ``/chat/completions`` is appended to."""
    wire: Literal["responses", "chat"] = "responses"
    """What it speaks: the Responses API, or only Chat Completions."""
    preset: str = ""
    """The preset that it was made of, for `turnout upstreams`."""
    enabled: bool = True
    """Whether it may be used at all."""
    path: str = ""
    """What is appended to the address in place of the usual path; ``{model}`` in it becomes the model's name."""
    query: dict[str, str] = {}
    """Parameters behind the address, such as ``api-version``."""
    key: KeyReference = ""
    """Where its key is; empty: it wants none. `env:NAME` is a variable, `file:PATH` a file, `keyring:SERVICE/USER` an
    entry of the system's keyring, `command:COMMAND` what a command prints (without a shell)."""
    key_header: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]*$", description="a header's name")] = ""
    """Header that the key is sent in as it is; empty: ``Authorization: Bearer``."""
    headers: dict[str, HeaderValue] = {}
    """Further headers. A value `env:NAME` is taken from that variable."""
    model: str = ""
    """Its model for Claude's names, where nobody names one. Empty: as for every upstream."""
    models: dict[str, str] = {}
    """Names that models are asked for by, and what they are called upstream."""
    window: Count = 0
    """Usable context window of its models in tokens; 0: what is known of the model."""
    output: Count = 0
    """Longest answer of its models in tokens: a client's higher limit is lowered to it. 0: it is not known, and limits
    above 8192, which clients set for models that answer at length, are left to the server. Only `wire = "chat"`."""
    takes: TakesSettings = TakesSettings()
    default_capabilities: CapabilitySettings = CapabilitySettings()
    tls: TlsSettings = TlsSettings()
    proxy: ProxyAddress = ""
    """Proxy on the way to it; `none` goes without one, empty: the one of the environment."""
    connect: ZeroOrSeconds = 0.0
    """Seconds to make a connection; 0: `timing.connect`."""
    idle: ZeroOrSeconds = 0.0
    """Seconds without a byte after which it counts as dead; 0: `timing.upstream_idle`."""
    concurrency: Count = 0
    """Requests that it gets at the same time, at most; further ones wait. 0: any number."""
    queue: Seconds = 60.0
    """Seconds that a request waits for its turn."""


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
