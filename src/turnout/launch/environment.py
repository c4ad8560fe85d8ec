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

NO_PROXY = ("NO_PROXY", "no_proxy")
LOOPBACK = ("127.0.0.1", "localhost")


def gateway(base_url: str, token: str) -> dict[str, str]:
    """The two variables that point Claude Code at a gateway; without a token the client still wants to send one."""
    return {"ANTHROPIC_BASE_URL": base_url, "ANTHROPIC_AUTH_TOKEN": token or "none"}


def for_claude(environ: Mapping[str, str], base_url: str, token: str, window: int) -> dict[str, str]:
    """The child's whole environment.

    ``window`` is the usable context window in tokens; a window that the user set stays. A proxy that the user has set
    must not get what is meant for this machine.
    """
    child = {name: value for name, value in environ.items() if name not in ELSEWHERE}
    child |= gateway(base_url, token)
    for name in WINDOW:
        child.setdefault(name, str(window))
    exempt = [host for host in environ.get("NO_PROXY", environ.get("no_proxy", "")).split(",") if host.strip()]
    exempt += [host for host in LOOPBACK if host not in exempt]
    return child | dict.fromkeys(NO_PROXY, ",".join(exempt))
