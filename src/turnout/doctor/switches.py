"""Which upstreams are on, and why: what the user has said, else what is found on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from turnout.accounts import api_key
from turnout.accounts.account import State
from turnout.accounts.store import Accounts
from turnout.doctor import clients
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turnout.accounts.account import Account
    from turnout.config import Config, CustomUpstream
    from turnout.doctor.finding import Surroundings

BUILT_IN: tuple[str, ...] = ("codex", "openai")
"""The upstreams that are switched here."""
TITLES = {"codex": "ChatGPT plan, through the Codex backend", "openai": "OpenAI API, with an API key"}


class Switched(msgspec.Struct, frozen=True, kw_only=True):
    """One upstream as it stands."""

    name: str
    title: str
    enabled: bool
    setting: Literal["auto", "on", "off"]
    why: str
    """Why it is on or off, as a full sentence."""
    credential: str
    """What it is used with; empty if there is nothing."""
    usual: bool
    """Requests go there when nothing else is asked for."""
    model: str
    """The model that is set for every Claude name; empty: each slot has its own."""
    address: str


def states(seen: Surroundings) -> list[Switched]:
    """Every upstream. Raises `TurnoutError` if the list of accounts is broken."""
    accounts = Accounts.open(seen.config, seen.environ).list()
    own = [_own(name, custom, seen.config) for name, custom in seen.config.custom.items()]
    return [*(_state(name, seen, accounts) for name in BUILT_IN), *own]


def switch(config: Config, name: str, *, on: bool) -> dict[str, object]:
    """The settings, by their dotted paths, that switch an upstream on or off."""
    if name in config.custom:
        return {f"custom.{name}.enabled": on}
    return {f"upstreams.{name}": "on" if on else "off"}


def is_off(config: Config, name: str) -> bool:
    """Whether the user has switched it off."""
    if name in config.custom:
        return not config.custom[name].enabled
    return bool(getattr(config.upstreams, name) == "off")


def _own(name: str, custom: CustomUpstream, config: Config) -> Switched:
    """A server of the user's own choice: it is on unless it was switched off, for it was named to be used."""
    usual = config.upstream == name
    return Switched(
        name=name,
        title=custom.preset or ("Responses API" if custom.wire == "responses" else "Chat Completions"),
        enabled=custom.enabled,
        setting="on" if custom.enabled else "off",
        why=f"You have added it: {custom.base_url}"
        if custom.enabled
        else f"You have switched it off: turnout upstreams enable {name}",
        credential="" if not custom.key else f"the key from {custom.key.partition(':')[0]}",
        usual=usual,
        model=(config.model if usual else "") or custom.model,
        address=custom.base_url,
    )


def _state(name: str, seen: Surroundings, accounts: Sequence[Account]) -> Switched:
    setting = getattr(seen.config.upstreams, name)
    credential = _codex_credential(accounts) if name == "codex" else _key(seen, accounts)
    found = _found(name, seen, credential)
    match setting:
        case "off":
            enabled, why = False, f"You have switched it off: turnout upstreams enable {name}"
        case "on":
            enabled, why = True, "You have switched it on."
        case _ if found:
            enabled, why = True, f"{found} was found."
        case _:
            enabled = False
            why = "Neither the Codex CLI nor a login was found." if name == "codex" else "No API key was found."
    return Switched(
        name=name,
        title=TITLES[name],
        enabled=enabled,
        setting=setting,
        why=why,
        credential=credential,
        usual=seen.config.upstream == name,
        model=seen.config.model if seen.config.upstream == name else "",
        address=seen.config.codex.responses_url if name == "codex" else seen.config.openai.base_url,
    )


def _found(name: str, seen: Surroundings, credential: str) -> str:
    if credential:
        return f"{credential[0].upper()}{credential[1:]}"
    if name == "codex" and (program := clients.find_codex(seen)) is not None:
        return f"The Codex CLI ({program})"
    return ""


def _codex_credential(accounts: Sequence[Account]) -> str:
    there = [account for account in accounts if account.kind == "chatgpt"]
    return _of(there, "login")


def _key(seen: Surroundings, accounts: Sequence[Account]) -> str:
    try:
        if api_key.given(seen.config.openai, seen.environ):
            return f"the API key from {api_key.read(seen.config.openai, seen.environ).source}"
    except TurnoutError:
        return ""  # a key that cannot be used: the test says why
    return _of([account for account in accounts if account.kind == "api_key"], "API key")


def _of(there: Sequence[Account], what: str) -> str:
    """The account that is used of these, in words."""
    if not there:
        return ""
    used = next((account for account in there if account.default), there[0])
    spoilt = "" if used.state is State.OK else ", which does not serve now"
    return f"the {what} of {used.name}{spoilt}"
