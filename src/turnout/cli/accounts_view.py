"""Accounts in the terminal: tables, what has changed, and the same as JSON. Changes nothing itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from turnout.accounts.account import SourceKind, State
from turnout.accounts.documents import OWNERS
from turnout.accounts.words import duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from turnout.accounts.account import Account
    from turnout.accounts.login.keeping import Kept
    from turnout.accounts.sources import Source
    from turnout.accounts.store import SignOut
    from turnout.settings import Loaded

STATES = {
    State.OK: ("ready", "green"),
    State.EXPIRED: ("expired", "yellow"),
    State.SIGN_IN_AGAIN: ("sign in again", "red"),
    State.UNREADABLE: ("unreadable", "red"),
    State.MISSING: ("missing", "red"),
}
DONE = ("✓ ", "bold green")


def show_accounts(console: Console, accounts: Sequence[Account], loaded: Loaded) -> None:
    """All accounts in a table, what is wrong with some of them, and why another one than the default is used here."""
    if not accounts:
        console.print(Text.assemble("There is no account yet. Sign in with: ", ("turnout login", "bold")))
        return
    now = time.time()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("", "Name", "Email", "Plan", "Login kept by", "Access ends", "State"):
        table.add_column(heading, no_wrap=heading in ("Name", "Access ends"), overflow="fold")
    for account in accounts:
        table.add_row(
            Text("●" if account.default else " ", "green"),
            Text(account.name, "bold" if account.default else ""),
            _whom(account),
            Text(account.plan or "–"),
            _keeper(account),
            Text(_ends(account, now)),
            _state(account),
        )
    console.print(table)
    for account in accounts:
        if account.reason:
            console.print()
            console.print(Text.assemble((account.name, "bold"), f": {account.reason}"))
    console.print()
    console.print(_default(accounts, loaded))


def show_sources(console: Console, sources: Sequence[Source], accounts: Sequence[Account]) -> None:
    """Every credential found on this machine."""
    if not sources:
        console.print("No other tool's login was found on this machine. Sign in with: turnout login")
        return
    now = time.time()
    for source in sources:
        account = source.account
        console.print(
            Text.assemble(
                (f"{source.kind.value}  ", "bold cyan"), _whom(account), _aside(account.plan), "  ", _state(account)
            )
        )
        facts = [account.path]
        if account.reason:
            facts.append(account.reason)
        elif account.expires_at is not None:
            facts.append(f"Access ends {_ends(account, now)}.")
        if source.renewed_by:
            facts.append(f"Renewed by {' and '.join(source.renewed_by)}.")
        facts += [
            f"The same login lies in {other}: whoever renews one ends the other." for other in source.same_login_as
        ]
        facts += [f"In use as the account {used.name}." for used in accounts if _same_place(used, account)]
        for fact in facts:
            console.print(Text(f"  {fact}", "dim" if fact is facts[0] else ""), soft_wrap=fact is facts[0])
        console.print()
    console.print(
        Text.assemble(
            "Use one where it lies, without a copy: ",
            ("turnout accounts adopt SOURCE", "bold"),
            " (a name from above, or a path)",
        )
    )


def show_kept(console: Console, kept: Kept, loaded: Loaded, *, add: bool) -> None:
    """What came of a sign-in."""
    account = kept.account
    show_signed_in(console, account)
    role = ", the default one" if account.default else ""
    facts = Table(box=None, show_header=False, padding=(0, 1, 0, 1))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    facts.add_row("Account", f"{account.name}{role}")
    facts.add_row("Kept in", _where_kept(account, loaded))
    facts.add_row("Next", Text("turnout claude", "bold"))
    console.print(facts)
    notes = list(_notes(kept, loaded, add=add))
    if notes:
        console.print()
    for note in notes:
        console.print(Text(note, "yellow" if note is kept.nickname_problem else ""))


def show_signed_in(console: Console, account: Account) -> None:
    """That a sign-in has worked, in a line."""
    what = "OpenAI takes the key, and it is kept" if account.kind == "api_key" else "Signed in"
    console.print(Text.assemble(DONE, (f"{what}{_as_whom(account)}", "bold"), _aside(account.plan)))


def show_signed_out(console: Console, done: SignOut, left: Sequence[Account]) -> None:
    """What came of a sign-out, and what it has left as it was."""
    account = done.account
    if done.untouched:
        owner = OWNERS[account.source]
        still = next((each for each in left if _same_place(each, account)), None)
        console.print(
            Text.assemble(("– ", "dim"), (account.name, "bold"), f" is a login of {owner}. It was not touched:")
        )
        console.print(Text(f"  {done.untouched}", "dim"), soft_wrap=True)
        end = "`codex logout` ends it." if account.source in CODEX else f"Sign out in {owner} to end it."
        used = "Turnout uses it for want of another account." if still else "Turnout does not use it any more."
        console.print(Text(f"  {used} {end}"))
        return
    what = "is signed out, and removed here" if done.revoked else "is removed here"
    console.print(Text.assemble(DONE, (account.name, "bold"), _aside(account.email), f" {what}."))
    if account.kind == "api_key":
        console.print(Text("  The key itself stays good. To revoke it, go to platform.openai.com."))
    elif done.problem:
        console.print(
            Text(f"  OpenAI could not be told, so that the login ends only with its time. {done.problem}", "yellow")
        )


def show_left(console: Console, before: Sequence[Account], left: Sequence[Account]) -> None:
    """What is used now that accounts are gone."""
    default = next((account for account in left if account.default), None)
    if default is None:
        return
    if not any(_same_place(default, account) for account in before):
        console.print(
            Text(
                f"The Codex CLI is signed in too{_as_whom(default)}. For want of another account, Turnout uses that "
                "login from now on. `codex logout` ends it."
            )
        )
    elif not any(account.default and _same_place(default, account) for account in before):
        console.print(Text.assemble((default.name, "bold"), " is the default account now."))


def show_adopted(console: Console, account: Account, source: Source, unused: Account | None) -> None:
    """What came of an adoption."""
    role = ", the default one" if account.default else ""
    console.print(
        Text.assemble(
            DONE, f"{source.owner}'s login{_as_whom(account)} is the account ", (account.name, "bold"), f"{role}."
        )
    )
    console.print(Text(f"  {account.path}", "dim"), soft_wrap=True)
    if len(source.renewed_by) > 1:
        console.print(f"  It is used where it lies. {' and '.join(source.renewed_by)} renew it, one at a time.")
    elif source.renewed_by:
        console.print(f"  It is used where it lies. Only {source.owner} renews it: use it now and then.")
    if account.reason:
        console.print(Text(f"  {account.reason}", "yellow"))
    if unused is not None:
        console.print(Text(f"  {_unused(unused)}"))


def default_elsewhere(loaded: Loaded, name: str) -> str:
    """A note if a setting has another account used here than the default one called ``name``; else empty."""
    used = loaded.config.accounts.use
    if not used or used == name:
        return ""
    return f"Here, {used} is used: {loaded.origins['accounts.use']} says so."


def as_json(account: Account) -> dict[str, Any]:
    """An account for other programs. The account's id is told by its tag only."""
    return {
        "name": account.name,
        "default": account.default,
        "kind": account.kind,
        "ownership": account.ownership,
        "source": account.source.value,
        "path": account.path,
        "email": account.email,
        "plan": account.plan,
        "tag": account.tag,
        "expires_at": account.expires_at,
        "state": account.state.value,
        "reason": account.reason,
    }


def source_as_json(source: Source) -> dict[str, Any]:
    """A credential that was found, for other programs."""
    account = as_json(source.account)
    return {
        "source": source.kind.value,
        "owner": source.owner,
        **{name: account[name] for name in ("path", "kind", "email", "plan", "tag", "expires_at", "state", "reason")},
        "renewed_by": list(source.renewed_by),
        "same_login_as": list(source.same_login_as),
    }


CODEX = (SourceKind.CODEX, SourceKind.CODEX_KEYRING)


def _notes(kept: Kept, loaded: Loaded, *, add: bool) -> Iterable[str]:
    account = kept.account
    if kept.nickname_problem:
        yield kept.nickname_problem
    if kept.known and add:
        yield "Turnout had this account already, so none was added: choose another one on OpenAI's page."
    elif kept.known:
        yield "Turnout had this account already: its old login was ended."
    default = next((other.name for other in kept.others if other.default), "")
    if add and default and not kept.known:
        yield f"{default} stays the default. For one time: turnout claude --account {account.name}"
    if not add and kept.others and not kept.known:
        names = ", ".join(other.name for other in kept.others)
        yield f"Still there: {names}. Another default: turnout accounts use NAME"
    if kept.unused:
        yield _unused(kept.unused)
    if elsewhere := default_elsewhere(loaded, account.name):
        yield elsewhere


def _default(accounts: Sequence[Account], loaded: Loaded) -> Text:
    name = next((account.name for account in accounts if account.default), "")
    if not loaded.config.accounts.use:
        return Text(
            "● the default one, used when nothing else is asked for. Change it: turnout accounts use NAME", "dim"
        )
    origin = loaded.origins["accounts.use"]
    if name:
        return Text(f"● used here, because {origin} says so.", "dim")
    return Text(f"There is no account called {loaded.config.accounts.use!r}, which {origin} asks for.", "yellow")


def _whom(account: Account) -> Text:
    if account.kind == "api_key":
        return Text("API key")
    return Text(account.email) if account.email else Text("unknown", "dim")


def _as_whom(account: Account) -> str:
    return f" as {account.email}" if account.email else ""


def _unused(account: Account) -> str:
    return (
        f"The Codex CLI's own login ({account.email or account.path}) is not used any more, nor was it touched. To use "
        "it as well: turnout accounts adopt codex"
    )


def _aside(text: str) -> str:
    return f" ({text})" if text else ""


def _keeper(account: Account) -> Text:
    owner = OWNERS[account.source]
    return Text(owner) if account.ownership == "owned" else Text.assemble(owner, (" · borrowed", "dim"))


def _state(account: Account) -> Text:
    return Text(*STATES[account.state])


def _ends(account: Account, now: float) -> str:
    """When the access token ends, by the clock of a person."""
    if account.expires_at is None:
        return "–"
    left = account.expires_at - now
    if left > 0:
        return f"in {duration(left)}"
    return "renewed when used" if account.state is State.OK else f"{duration(-left)} ago"


def _same_place(one: Account, other: Account) -> bool:
    return (one.source, one.path) == (other.source, other.path)


def _where_kept(account: Account, loaded: Loaded) -> str:
    return "the system's keyring" if loaded.config.accounts.storage == "keyring" else account.path
