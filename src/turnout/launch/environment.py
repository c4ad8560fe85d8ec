"""The environment that makes Claude Code talk to a gateway. Pure: nothing of the user's files or shell changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

ELSEWHERE = (
    "ANTHROPIC_API_KEY",
    "CLAUDE_CODE_USE_BEDROCK",
    "CLAUDE_CODE_USE_VERTEX",
    "CLAUDE_CODE_USE_FOUNDRY",
    "ANTHROPIC_UNIX_SOCKET",
)
"""Variables that would send the client, or a key of the user's, somewhere else than to the gateway."""

WINDOW = ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_AUTO_COMPACT_WINDOW")
"""Both are needed for the client to know when to compact (claude-code-wire.md 8)."""

HAIKU = "ANTHROPIC_DEFAULT_HAIKU_MODEL"
"""Small calls (a title, the summary of a fetched page) go to the strongest model unless this is set
(claude-code-wire.md 2, 9). Its value must be a name that the client's version knows."""
NEWER_HAIKU_SINCE = (2, 1, 328)
"""The first version known to have ``claude-haiku-5-5``; the older name is understood by all."""

OUTPUT = "CLAUDE_CODE_MAX_OUTPUT_TOKENS"
"""Names that are not Claude's get 32,000 tokens without it (claude-code-wire.md 1, 8)."""

USUAL = {
    # Tools are loaded when they are needed: a third of the prompt. 2.1.328 does so by itself (claude-code-wire.md 2).
    "ENABLE_TOOL_SEARCH": "true",
    # Whole answers, without a stream, come when the model has finished: the client is to wait as long as the gateway.
    "API_TIMEOUT_MS": "900000",
    # The check of auto mode by Anthropic's server is not to be had here: the client's own takes its place
    # (claude-code-wire.md 9).
    "CLAUDE_CODE_AUTO_MODE_SERVER": "0",
}
"""What else makes a client work well here, in every version that knows it."""

NO_PROXY = ("NO_PROXY", "no_proxy")
LOOPBACK = ("127.0.0.1", "localhost")


def gateway(base_url: str, token: str) -> dict[str, str]:
    """The two variables that point Claude Code at a gateway; without a token the client still wants to send one."""
    return {"ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_AUTH_TOKEN": token or "none"}


def for_claude(
    environ: Mapping[str, str], base_url: str, token: str, window: int, *, output: int | None = None, version: str = ""
) -> dict[str, str]:
    """The child's whole environment.

    ``window`` is the usable context window in tokens, ``output`` the longest answer if it is known, ``version`` the
    client's (empty: one of today). Whatever the user has set of these stays as it is, except where the gateway is. A
    proxy that the user has set must not get what is meant for this machine.
    """
    usual = {**dict.fromkeys(WINDOW, str(window)), HAIKU: haiku_name(version), **USUAL}
    if output is not None:
        usual[OUTPUT] = str(output)
    users = {name: value for name, value in environ.items() if name not in ELSEWHERE}
    told = gateway(base_url, token)
    child = {**told, **usual, **users, **told}
    exempt = [host for host in environ.get("NO_PROXY", environ.get("no_proxy", "")).split(",") if host.strip()]
    exempt += [host for host in LOOPBACK if host not in exempt]
    return child | dict.fromkeys(NO_PROXY, ",".join(exempt))


def haiku_name(version: str) -> str:
    """The name of Claude's small model in a version of the client."""
    numbers = tuple(int(part) for part in version.split(".") if part.isdigit())
    return "claude-haiku-4-5-20251001" if numbers and numbers < NEWER_HAIKU_SINCE else "claude-haiku-5-5"
