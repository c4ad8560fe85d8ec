"""The tools whose settings are read, and what each of their settings means here.

Sources: the documents of claudex, CCS and codex-claude-proxy; claude-code-router's and LiteLLM's published examples.
Keys and tokens are never taken over: they would go from one file into another. What to do instead is said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from turnout.migration import reading
from turnout.migration.findings import Gathering, table, tables, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from turnout.migration.findings import Around, Found

KEEP_KEY = "Keys are not copied: keep it with `turnout login --api-key`."
OPENAI = "api.openai.com"

CLAUDEX = {
    "CODEX_MODEL": "model",
    "CODEX_REASONING": "effort",
    "CODEX_API_ENDPOINT": "codex.endpoint",
    "PROXY_PORT": "server.port",
    "CODEX_MODEL_REFRESH_INTERVAL": "models.refresh",
}
PROXY = {
    "CODEX_THINKING_MODEL": "slots.opus.model",
    "CODEX_BIG_MODEL": "slots.sonnet.model",
    "CODEX_SMALL_MODEL": "slots.haiku.model",
    "CHATGPT_API_URL": "codex.endpoint",
    "PROXY_PORT": "server.port",
}
"""codex-claude-proxy: its models.py has the thinking model for Opus, the big one for Sonnet."""
SLOT_VARIABLES = {
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "slots.opus.model",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "slots.sonnet.model",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": "slots.haiku.model",
    "CLAUDE_CODE_SUBAGENT_MODEL": "slots.subagent.model",
}
ROUTES = {"think": "slots.opus.model", "default": "slots.sonnet.model", "background": "slots.haiku.model"}
"""claude-code-router's routes: plan mode and thinking, everything else, small helper calls."""


def claudex(around: Around) -> Found | None:
    """claudex: variables; its login is found by `turnout accounts sources`."""
    gathered = Gathering("claudex", "claudex")
    _take_variables(gathered, around, CLAUDEX)
    for name in ("CODEX_API_FETCH_RETRIES", "CODEX_API_FETCH_RETRY_DELAY_MS"):
        if around.environ.get(name):
            gathered.leave(name, "Turnout tries again by itself where it is safe.")
    _take_login(gathered, around.home / ".codex-proxy" / "session.json", "claudex")
    return gathered.found()


def codex_claude_proxy(around: Around) -> Found | None:
    """codex-claude-proxy: variables, mostly in ``~/.zshrc-codex-proxy``."""
    gathered = Gathering("codex-claude-proxy", "codex-claude-proxy")
    _take_variables(gathered, around, PROXY)
    script = around.home / ".zshrc-codex-proxy"
    if script.is_file():
        gathered.place(script)
        gathered.leave(
            f"the commands ccy and cpstop in {script}",
            "`turnout shell-init` gives the same two; take the line that reads the file out of ~/.zshrc.",
        )
    return gathered.found()


def ccs(around: Around) -> Found | None:
    """CCS: the Codex provider's settings, a settings file of Claude Code's kind."""
    gathered = Gathering("ccs", "CCS")
    folder = around.home / ".ccs"
    file = around.file or folder / "codex.settings.json"
    if file.is_file():
        gathered.place(file)
        env = table(reading.json_file(file).get("env"))
        for name, key in SLOT_VARIABLES.items():
            model, effort = _effort_of(text(env.get(name)))
            gathered.take(key, model, f"{name} in {file}")
            gathered.take(key.removesuffix("model") + "effort", effort, f"{name} in {file}")
        if (model := text(env.get("ANTHROPIC_MODEL"))) and not any(text(env.get(name)) for name in SLOT_VARIABLES):
            named, effort = _effort_of(model)
            gathered.take("model", named, f"ANTHROPIC_MODEL in {file}")
            gathered.take("effort", effort, f"ANTHROPIC_MODEL in {file}")
    for login in sorted((folder / "cliproxy" / "auth").glob("codex-*.json")):
        _take_login(gathered, login, "CCS")
    if (folder / "cliproxy" / "config.yaml").is_file():
        gathered.place(folder / "cliproxy" / "config.yaml")
        gathered.leave(
            str(folder / "cliproxy" / "config.yaml"), "It is CLIProxyAPI's own: Turnout needs no second proxy."
        )
    return gathered.found()


def claude_code_router(around: Around) -> Found | None:
    """claude-code-router: its routes to models of OpenAI."""
    gathered = Gathering("claude-code-router", "claude-code-router")
    file = around.file or around.home / ".claude-code-router" / "config.json"
    if not file.is_file():
        return None
    gathered.place(file)
    held = reading.json_file(file)
    providers = {text(each.get("name")): each for each in tables(held.get("Providers", held.get("providers")))}
    for name, provider in providers.items():
        if not _speaks_responses(provider):
            gathered.leave(
                f"the provider {name} ({text(provider.get('api_base_url'))})",
                "Only OpenAI and servers with /v1/responses are taken over.",
            )
    used: dict[str, Mapping[str, Any]] = {}
    router = table(held.get("Router"))
    for route, value in router.items():
        name, comma, model = text(value).partition(",")
        if not comma or not model.strip():
            continue
        if route not in ROUTES:
            gathered.leave(f"the route {route} ({text(value)})", "Turnout decides by the model's name and the slot.")
        elif name in providers and _speaks_responses(providers[name]):
            used[name] = providers[name]
            gathered.take(ROUTES[route], model.strip(), f"Router.{route} in {file}")
        else:
            gathered.leave(f"the route {route} ({text(value)})", f"The provider {name} is not taken over.")
    _take_api(gathered, used, file)
    for name, why in (
        ("APIKEY", "Turnout makes a token of its own; `turnout env` prints it."),
        ("HOST", "Turnout listens on this machine only; see server.host."),
        ("PORT", "While the other one runs, its port is taken; see server.port."),
        ("PROXY_URL", "Turnout takes the proxy from HTTPS_PROXY."),
        ("API_TIMEOUT_MS", "See timing.upstream_idle, which is 15 minutes."),
        ("CUSTOM_ROUTER_PATH", "Turnout runs no code of a router's."),
    ):
        if held.get(name):
            gathered.leave(name, why)
    return gathered.found()


def litellm(around: Around) -> Found | None:
    """LiteLLM's proxy: the models of OpenAI in its list, as slots and aliases."""
    gathered = Gathering("litellm", "LiteLLM")
    named = [around.file] if around.file else [around.folder / name for name in ("litellm_config.yaml", "config.yaml")]
    for file in named:
        if not file.is_file():
            continue
        held = reading.yaml_file(file)
        if "model_list" not in held:
            continue
        gathered.place(file)
        _take_models(gathered, held, file)
        if table(held.get("general_settings")).get("master_key"):
            gathered.leave("general_settings.master_key", "Turnout makes a token of its own; `turnout env` prints it.")
        for name in ("litellm_settings", "router_settings"):
            if held.get(name):
                gathered.leave(name, "It has no counterpart here, or is decided by Turnout itself.")
    return gathered.found()


TOOLS: Mapping[str, Callable[[Around], Found | None]] = {
    "claudex": claudex,
    "ccs": ccs,
    "codex-claude-proxy": codex_claude_proxy,
    "claude-code-router": claude_code_router,
    "litellm": litellm,
}
WITH_FILE = frozenset({"ccs", "claude-code-router", "litellm"})
"""Tools of which a file can be named."""


def _take_models(gathered: Gathering, held: Mapping[str, object], file: Path) -> None:
    aliases: dict[str, str] = {}
    used: dict[str, Mapping[str, Any]] = {}
    for each in tables(held.get("model_list")):
        name, parameters = text(each.get("model_name")), table(each.get("litellm_params"))
        provider, slash, model = text(parameters.get("model")).partition("/")
        model = model.removeprefix("responses/") if slash else provider
        if slash and provider not in ("openai", "chatgpt"):
            gathered.leave(f"the model {name} ({provider}/{model})", "Only models of OpenAI are taken over.")
            continue
        if provider != "chatgpt":
            base, key = text(parameters.get("api_base")), text(parameters.get("api_key"))
            used[f"{base} {key}"] = {"api_base_url": base, "api_key": key}
        slot = next((word for word in ("opus", "sonnet", "haiku") if "claude" in name and word in name), None)
        if slot:
            gathered.take(f"slots.{slot}.model", model, f"{name} in {file}")
        elif name != model and "*" not in name:
            aliases[name] = model
        if provider == "chatgpt":
            gathered.take("upstream", "codex", f"{name} in {file}")
    for name, target in table(table(held.get("router_settings")).get("model_group_alias")).items():
        if isinstance(target, str):
            aliases[name] = target
    if aliases:
        gathered.take("models.aliases", aliases, f"model_list in {file}")
    _take_api(gathered, used, file)


def _take_api(gathered: Gathering, used: Mapping[str, Mapping[str, Any]], file: Path) -> None:
    """Where requests go, of providers that all speak OpenAI's API."""
    if not used:
        return
    gathered.take("upstream", "openai", f"the provider in {file}")
    bases = {base for each in used.values() if (base := _base(text(each.get("api_base_url"))))}
    if len(bases) > 1:
        gathered.leave("several servers", f"Turnout has one openai upstream; choose of {', '.join(sorted(bases))}.")
    for base in bases if len(bases) == 1 else ():
        if urlsplit(base).hostname != OPENAI:
            gathered.take("openai.base_url", base, f"the provider in {file}")
    for each in used.values():
        key = text(each.get("api_key"))
        variable = key.removeprefix("os.environ/") if key.startswith("os.environ/") else key.strip("${}")
        if key.startswith(("os.environ/", "$")):
            why = "Turnout reads it too." if variable == "OPENAI_API_KEY" else "Set OPENAI_API_KEY to the same."
            gathered.leave(f"the key in the variable {variable}", why)
        elif key:
            gathered.leave("the provider's API key", KEEP_KEY)


def _effort_of(model: str) -> tuple[str, str]:
    """A model's name in CCS, and the effort that may hang on it."""
    found = re.fullmatch(r"(.+)-(minimal|low|medium|high|xhigh)", model)
    return (found[1], found[2]) if found else (model, "")


def _base(url: str) -> str:
    """A provider's address without the path of a single door."""
    for ending in ("/responses", "/chat/completions"):
        url = url.removesuffix(ending)
    return url.rstrip("/")


def _speaks_responses(provider: Mapping[str, object]) -> bool:
    url = text(provider.get("api_base_url"))
    return url.rstrip("/").endswith("/responses") or urlsplit(url).hostname == OPENAI


def _take_variables(gathered: Gathering, around: Around, meanings: Mapping[str, str]) -> None:
    """Variables of this shell, else those that start files set."""
    written = reading.variables(around.home, frozenset(meanings))
    for name, value, where in _set(meanings, around.environ, written):
        gathered.place(where)
        taken: object = value
        if name == "CODEX_MODEL_REFRESH_INTERVAL":
            if not value.isdigit():
                continue
            taken = int(value) / 1000
        gathered.take(meanings[name], taken, where)


def _set(
    meanings: Mapping[str, str], environ: Mapping[str, str], written: Mapping[str, tuple[str, Path]]
) -> Iterator[tuple[str, str, str]]:
    for name in meanings:
        if value := environ.get(name, "").strip():
            yield name, value, f"the variable {name}"
        elif name in written:
            value, path = written[name]
            yield name, value, f"{name} in {path}"


def _take_login(gathered: Gathering, file: Path, owner: str) -> None:
    if file.is_file():
        gathered.place(file)
        gathered.leave(
            f"the login in {file}",
            f"A login of your own is better: turnout login. Or use it where it lies, for as long as {owner} renews it: "
            f"turnout accounts adopt {file}",
        )
