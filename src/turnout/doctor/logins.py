"""Accounts: whether they serve, how long, and who else renews the same login."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from turnout.accounts import api_key, configured, sources
from turnout.accounts.account import State
from turnout.accounts.store import Accounts
from turnout.doctor.finding import Level, ok, problem, warning
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from turnout.accounts.account import Account
    from turnout.doctor.finding import Finding, Surroundings

SIGN_IN = "turnout login"


def accounts(seen: Surroundings) -> Iterable[Finding]:
    """Every account, the default one above all."""
    try:
        there = Accounts.open(seen.config, seen.environ).list()
    except TurnoutError as error:
        yield problem(error.failure.message, error.failure.next_step or SIGN_IN)
        return
    if api_key.given(seen.config.openai, seen.environ):
        yield ok("An OpenAI API key is set (for the upstream openai).")
    elif seen.config.upstream in seen.config.custom:
        yield from _own(seen)
    elif not there:
        yield problem("There is no account yet, and no API key.", SIGN_IN)
    findings = [_one(account) for account in there]
    yield from findings
    if there and not any(each.level is Level.PROBLEM for each in findings):
        try:
            configured.check(seen.config, seen.environ)
        except TurnoutError as error:
            yield problem(
                f"Requests go to {seen.config.upstream}, for which there is nothing: {error.failure.message}",
                error.failure.next_step or SIGN_IN,
            )


def _own(seen: Surroundings) -> Iterator[Finding]:
    """The key of the user's own upstream that requests go to, as far as it can be looked at without asking anyone."""
    name = seen.config.upstream
    try:
        configured.check(seen.config, seen.environ)
    except TurnoutError as error:
        yield problem(error.failure.message, error.failure.next_step)
        return
    wants = "its key is where it should be" if seen.config.custom[name].key else "it wants no key"
    yield ok(f"Requests go to your own upstream {name}: {wants}.")


def _one(account: Account) -> Finding:
    who = f"{account.name}{f' ({account.email}, {account.plan})' if account.email else ''}"
    if account.state is State.OK:
        kept = "Turnout's own" if account.ownership == "owned" else f"borrowed, {account.path}"
        return ok(f"Account {who}: {kept}{', the default' if account.default else ''}.")
    message = f"Account {who}: {account.reason or account.state.value}"
    return problem(message, SIGN_IN) if account.default else warning(message, SIGN_IN)


def other_refreshers(seen: Surroundings) -> Iterable[Finding]:
    """Logins that another program renews too: a refresh token serves once, so that the slower of two is logged out."""
    try:
        found = sources.find(seen.config, seen.environ, seen.now())
        used = {account.path for account in Accounts.open(seen.config, seen.environ).list()}
    except TurnoutError as error:
        yield warning(error.failure.message, error.failure.next_step)
        return
    shared = list(_shared(found, used))
    yield from shared
    if not shared:
        yield ok("No login that Turnout uses is renewed by another program behind its back.")


def _shared(found: Iterable[sources.Source], used: set[str]) -> Iterator[Finding]:
    told: set[frozenset[str]] = set()
    for source in found:
        copies = frozenset({source.account.path, *source.same_login_as})
        if len(copies) > 1 and copies not in told:
            told.add(copies)
            yield warning(
                f"One login lies in several places: {', '.join(sorted(copies))}. Whoever renews it first makes the "
                "others worthless.",
                "Sign in anew in one of the tools; for Turnout itself: turnout login",
            )
        if source.account.path in used and "Turnout" not in source.renewed_by and source.renewed_by:
            yield warning(
                f"The login in {source.account.path} is renewed by {' and '.join(source.renewed_by)} only: Turnout "
                "uses it for as long as it is good.",
                "Give Turnout a login of its own: turnout login",
            )


def environment_keys(seen: Surroundings) -> Iterable[Finding]:
    """Variables that several programs read, and that decide which login is used."""
    for name in ("CODEX_HOME", "TURNOUT_CODEX_HOME", "OPENAI_CODEX_PATH"):
        if (folder := seen.environ.get(name)) and not os.path.exists(os.path.expanduser(folder)):  # noqa: PTH110, PTH111
            yield warning(f"{name} names {folder}, which is not there.", f"Correct {name} or unset it.")
