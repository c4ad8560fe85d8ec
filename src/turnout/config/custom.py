"""Settings of an upstream of the user's own."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from turnout.config.section import Section
from turnout.config.upstreams import CapabilitySettings
from turnout.config.values import Count, HeaderValue, KeyReference, ProxyAddress, Seconds, Switch, Url, ZeroOrSeconds


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
    list_models: bool = True
    """Whether it is asked which models it has, at ``/models`` behind its address. Off for servers whose list says
    nothing of what can be asked for, as with Azure's deployments."""
    window: Count = 0
    """Usable context window of its models in tokens; 0: what it says of the model itself, else what is known of it."""
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
