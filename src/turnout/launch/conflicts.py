"""What in Claude Code's own settings files would lead a session past the gateway, and the way around it.

Variables of settings files win over the shell's (claude-code-wire.md 8). A file named with the client's own
``--settings`` wins over those, in this one session, and leaves them as they are; only an administrator's file does not
yield. Reads files, writes none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.launch import client_settings, environment
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from turnout.launch.client_settings import Scope, SettingsFile

KEY = "ANTHROPIC_API_KEY"
"""It leads nowhere else: the client sends it along with the token. In a terminal it asks whether to use it."""
SWITCHES = tuple(name for name in environment.ELSEWHERE if name != KEY)
"""Variables that send every request elsewhere."""
OWN_OPTION = "--settings"


class Conflict(msgspec.Struct, frozen=True, kw_only=True):
    """A variable in a settings file."""

    file: Path
    scope: Scope
    name: str
    wanted: str
    """The value with which the session goes through the gateway."""

    @property
    def final(self) -> bool:
        """Nobody but an administrator can change it."""
        return self.scope == "managed"

    @property
    def harmless(self) -> bool:
        """The session goes through the gateway all the same."""
        return self.name == KEY

    @property
    def effect(self) -> str:
        """What it would do, as the rest of a sentence that begins with the file."""
        if self.name == "ANTHROPIC_AUTH_TOKEN":
            return f"sets {self.name}, which is not this gateway's token"
        if self.harmless:
            return f"sets {self.name}, a key that Turnout has no use for"
        where = "another address" if self.name == "ANTHROPIC_BASE_URL" else "elsewhere"
        return f"sets {self.name}, which sends Claude Code to {where}"


def found(files: Iterable[SettingsFile], base_url: str, token: str) -> list[Conflict]:
    """What would lead the session past the gateway, the strongest file first."""
    wanted = {**environment.gateway(base_url, token), **dict.fromkeys(environment.ELSEWHERE, "")}
    conflicts = []
    for each in files:
        for name, value in _variables(each.path).items():
            if name in wanted and value != wanted[name]:
                conflicts.append(Conflict(file=each.path, scope=each.scope, name=name, wanted=wanted[name]))
    return conflicts


def answer(conflicts: Sequence[Conflict]) -> dict[str, dict[str, str]]:
    """The settings for the client's ``--settings`` with which the session goes through the gateway all the same."""
    return {"env": {each.name: each.wanted for each in conflicts}}


def unanswerable(conflicts: Sequence[Conflict], arguments: Sequence[str]) -> list[Conflict]:
    """Those that ``--settings`` cannot help with: an administrator's, or all if the user gives that option."""
    users = gives_settings(arguments)
    return [each for each in conflicts if (each.final or users) and not each.harmless]


def gives_settings(arguments: Sequence[str]) -> bool:
    """Whether the user gives the client a settings file by option; of two the client takes the last one only."""
    return any(word == OWN_OPTION or word.startswith(f"{OWN_OPTION}=") for word in arguments)


def _variables(file: Path) -> Mapping[str, str]:
    try:
        return client_settings.variables_in(client_settings.read(file))
    except (TurnoutError, OSError):
        return {}  # Claude Code cannot read it either, and says so itself
