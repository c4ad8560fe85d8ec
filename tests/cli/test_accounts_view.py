"""What is said after a sign-in."""

from __future__ import annotations

import io

import msgspec
from rich.console import Console

from tests.cli.service import ADA, BOB
from turnout.accounts.account import Account, SourceKind
from turnout.accounts.login.keeping import Kept
from turnout.cli import accounts_view
from turnout.settings import resolve

ADAS = Account(
    name="ada",
    kind="chatgpt",
    ownership="owned",
    source=SourceKind.TURNOUT,
    path="/turnout/accounts/ada.json",
    email=ADA.email,
    plan=ADA.plan,
    default=True,
)
BOBS = msgspec.structs.replace(ADAS, name="work", email=BOB.email, plan=BOB.plan, default=False)
CODEX = msgspec.structs.replace(BOBS, ownership="borrowed", source=SourceKind.CODEX, path="/codex/auth.json")


def told(kept: Kept, *, add: bool = False, **environ: str) -> str:
    console = Console(file=io.StringIO(), width=100)
    accounts_view.show_kept(console, kept, resolve({"TURNOUT_HOME": "/turnout", **environ}, {}), add=add)
    shown: str = console.file.getvalue()  # type: ignore[attr-defined]
    return " ".join(shown.split())


def test_the_first_account() -> None:
    assert told(Kept(account=ADAS)) == (
        "✓ Signed in as ada@example.com (pro) Account ada, the default one Kept in /turnout/accounts/ada.json "
        "Next turnout claude"
    )


def test_one_that_is_added() -> None:
    said = told(Kept(account=BOBS, others=(ADAS,)), add=True)
    assert said.endswith("Next turnout claude ada stays the default. For one time: turnout claude --account work")


def test_one_that_takes_the_others_place() -> None:
    new = msgspec.structs.replace(BOBS, default=True)
    old = msgspec.structs.replace(ADAS, default=False)
    assert "Still there: ada. Another default: turnout accounts use NAME" in told(Kept(account=new, others=(old,)))


def test_one_that_was_there() -> None:
    assert told(Kept(account=ADAS, known=True)).endswith("had this account already: its old login was ended.")
    said = told(Kept(account=ADAS, known=True), add=True)
    assert said.endswith("so none was added: choose another one on OpenAI's page.")


def test_the_codex_clis_login_that_is_not_used_any_more() -> None:
    said = told(Kept(account=ADAS, unused=CODEX))
    assert "The Codex CLI's own login (bob@example.com) is not used any more, nor was it touched." in said
    assert "turnout accounts adopt codex" in said


def test_a_setting_that_has_another_one_used() -> None:
    said = told(Kept(account=BOBS, others=(ADAS,)), add=True, TURNOUT_ACCOUNT="ada")
    assert "Here, ada is used: the variable TURNOUT_ACCOUNT says so." in said


def test_a_nickname_that_it_did_not_get() -> None:
    said = told(Kept(account=BOBS, others=(ADAS,), nickname_problem="There is an account called 'ada' already."))
    assert "There is an account called 'ada' already." in said


def test_a_key_in_the_keyring() -> None:
    account = msgspec.structs.replace(ADAS, name="api-key", kind="api_key", email="", plan="")
    said = told(Kept(account=account), TURNOUT_ACCOUNT_STORAGE="keyring")
    assert "OpenAI takes the key, and it is kept" in said
    assert "Kept in the system's keyring" in said
