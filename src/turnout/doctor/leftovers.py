"""Settings of other times and tools that send Claude Code somewhere else, above all to a port where nobody listens."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

from turnout.accounts import codex_home
from turnout.doctor import probing
from turnout.doctor.finding import ok, problem, warning
from turnout.launch import client_settings, conflicts, environment, running
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turnout.doctor.finding import Finding, Surroundings
    from turnout.launch.client_settings import SettingsFile

BASE_URL = "ANTHROPIC_BASE_URL"
START_FILES = (
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".config/fish/config.fish",
    "Documents/PowerShell/Microsoft.PowerShell_profile.ps1",
    "Documents/WindowsPowerShell/Microsoft.PowerShell_profile.ps1",
    ".config/powershell/Microsoft.PowerShell_profile.ps1",
)
SET_IN_SHELL = re.compile(
    r"""^\s*(?:export\s+|set\s+-\S*x\S*\s+|\$env:)?(ANTHROPIC_BASE_URL)\s*[=\s]\s*["']?(https?://[^\s"';]+)""",
    re.IGNORECASE | re.MULTILINE,
)


def claude_settings(seen: Surroundings) -> Iterable[Finding]:
    """Claude Code's settings files: their variables win over the shell's (claude-code-wire.md 8).

    `turnout claude` answers them for its session (`turnout.launch.conflicts`), all but an administrator's.
    """
    ours = {written.path for written in client_settings.applied(seen.environ)}
    troubles: list[Finding] = []
    there = 0
    for each in client_settings.files(seen.environ, seen.platform, seen.folder):
        if not each.path.is_file():
            continue
        there += 1
        try:
            held = client_settings.read(each.path)
        except TurnoutError as error:
            troubles.append(problem(error.failure.message, "Mend the file: Claude Code cannot read it either."))
            continue
        except OSError as error:
            troubles.append(warning(f"{each.path} cannot be read: {error.strerror}.", "Check its permissions."))
            continue
        undo = "turnout settings --undo" if str(each.path) in ours else f"Take it out of {each.path}."
        troubles += _in_file(seen, each, client_settings.variables_in(held), undo)
        if held.get("apiKeyHelper"):
            troubles.append(
                warning(
                    f"apiKeyHelper in {each.path} gives Claude Code a key of its own.", f"Take it out of {each.path}."
                )
            )
    yield from troubles
    if not troubles:
        yield ok(
            "No settings file of Claude Code sends it elsewhere." if there else "Claude Code has no settings files."
        )


def _in_file(seen: Surroundings, file: SettingsFile, variables: dict[str, str], undo: str) -> Iterator[Finding]:
    final = file.scope == "managed"
    if BASE_URL in variables:
        yield from _judge(seen, variables[BASE_URL], f"{file.path} sets {BASE_URL}", undo, final=final)
    for name in environment.ELSEWHERE:
        if variables.get(name) and (final or name in conflicts.SWITCHES):
            whose = "which `turnout claude` cannot change" if final else "which sends a plain `claude` elsewhere"
            yield warning(f"{file.path} sets {name}, {whose}.", undo)


def shell(seen: Surroundings) -> Iterable[Finding]:
    """This shell's variables, and the lines in start files that set them anew in each one."""
    troubles: list[Finding] = []
    if url := seen.environ.get(BASE_URL):
        troubles += _judge(
            seen, url, f"This shell has {BASE_URL}", f"unset {BASE_URL} ANTHROPIC_AUTH_TOKEN", final=False
        )
    for name in environment.ELSEWHERE:
        if seen.environ.get(name):
            troubles.append(
                ok(f"This shell has {name}; `turnout claude` keeps it from the client, a plain `claude` uses it.")
            )
    for path in [seen.home / file for file in START_FILES] if seen.home is not None else []:
        try:
            content = path.read_text("utf-8", "replace")
        except OSError:
            continue
        for found in SET_IN_SHELL.finditer(content):
            line = content.count("\n", 0, found.start(1)) + 1
            troubles += _judge(
                seen, found[2], f"{path}, line {line}, sets {BASE_URL}", f"Delete line {line} of {path}.", final=False
            )
    yield from troubles
    if not troubles:
        yield ok("No variable of this shell or its start files sends Claude Code elsewhere.")


def codex_settings(seen: Surroundings) -> Iterable[Finding]:
    """The Codex CLI's own settings, in which other proxies write themselves."""
    folder = codex_home.locate(seen.config.codex.home).parent
    path = folder / "config.toml"
    try:
        held = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        yield warning(f"{path} cannot be read: {error}.", "Mend it: the Codex CLI cannot read it either.")
        return
    providers = held.get("model_providers")
    chosen = held.get("model_provider")
    one = providers.get(chosen) if isinstance(providers, dict) and isinstance(chosen, str) else None
    url = one.get("base_url") if isinstance(one, dict) else None
    if isinstance(url, str):
        yield from _judge(
            seen, url, f"{path} has the Codex CLI use {chosen!r}", f"Take model_provider out of {path}.", final=False
        )


def _judge(seen: Surroundings, url: str, where: str, undo: str, *, final: bool) -> Iterator[Finding]:
    """What to say of an address that a client is told somewhere."""
    local = probing.local_port(url)
    info = running.find_running(seen.environ)
    if info is not None and url.rstrip("/") == info.url.rstrip("/"):
        yield ok(f"{where} to the gateway that runs, {info.url}.")
    elif local is not None and not probing.listens(*local):
        yield problem(f"{where} to {url}, where nothing listens: every request fails.", f"{undo} Or: turnout up")
    elif final:
        yield problem(
            f"{where} to {url}, and an administrator's file is not to be answered.", "Ask your administrator."
        )
    elif local is not None:
        yield warning(f"{where} to {url}, which is not Turnout's gateway. (`turnout claude` is not led astray.)", undo)
    else:
        yield ok(f"{where} to {url}; `turnout claude` overrides that for the client it starts.")
