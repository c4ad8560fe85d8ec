"""`turnout logout`: what it ends, what it removes, and what it leaves alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from tests.cli.service import ADA, BOB

if TYPE_CHECKING:
    from tests.cli.inside import Shell


def names(shell: Shell) -> list[str]:
    return [account.name for account in shell.accounts.list()]


def test_the_default_account_is_signed_out_and_removed(shell: Shell) -> None:
    shell.sign_in(ADA)
    tokens = shell.sign_in(BOB)
    shell.run("accounts", "use", "bob")
    told = shell.run("logout")
    assert "✓ bob (bob@example.com) is signed out, and removed here." in told
    assert "ada is the default account now." in told
    assert shell.sim.issuer.revoked == [tokens.refresh_token]
    assert names(shell) == ["ada"]
    assert not (shell.home / "turnout" / "accounts" / "bob.json").exists()


def test_a_named_one(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB, "work")
    told = shell.run("logout", "work")
    assert "work (bob@example.com) is signed out" in told
    assert "default" not in told
    assert names(shell) == ["ada"]


def test_all_of_them(shell: Shell) -> None:
    tokens = [shell.sign_in(ADA), shell.sign_in(BOB)]
    shell.accounts.add_api_key("sk-1")
    told = shell.run("logout", "--all")
    assert names(shell) == []
    assert shell.sim.issuer.revoked == [each.refresh_token for each in tokens]
    assert "api-key is removed here." in told
    assert "The key itself stays good." in told


@pytest.mark.parametrize("fault", ["500", "html", "429", "drop"])
def test_one_that_openai_cannot_be_told_of_is_removed_all_the_same(shell: Shell, fault: str) -> None:
    shell.sign_in(ADA)
    shell.sim.account_fault(fault, path="/oauth/revoke")
    told = shell.run("logout")
    assert "ada (ada@example.com) is removed here." in told
    assert "OpenAI could not be told" in told
    assert names(shell) == []


def test_another_tools_login_is_forgotten_and_not_touched(shell: Shell) -> None:
    file = shell.sim.write_auth_json(shell.home / "codex", BOB)
    before = file.read_bytes(), stat.S_IMODE(file.stat().st_mode)
    shell.run("accounts", "adopt", "codex")
    shell.sign_in(ADA)
    told = shell.run("logout", "bob")
    assert "bob is a login of Codex. It was not touched:" in told
    assert str(file) in told
    assert "Turnout does not use it any more. `codex logout` ends it." in told
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == before
    assert shell.sim.issuer.revoked == []
    assert names(shell) == ["ada"]


def test_the_codex_clis_own_login_stays_in_use_for_want_of_another(shell: Shell) -> None:
    shell.sim.write_auth_json(shell.home / "codex", BOB)
    told = shell.run("logout")
    assert "Turnout uses it for want of another account. `codex logout` ends it." in told
    shell.sign_in(ADA)
    told = shell.run("logout", "--all")
    assert "The Codex CLI is signed in too as bob@example.com." in told
    assert names(shell) == ["bob"]


def test_there_is_nobody_to_sign_out(shell: Shell) -> None:
    assert "You are not signed in" in shell.run("logout", code=1)
    shell.sign_in(ADA)
    assert "There is no account called 'carl'." in shell.run("logout", "carl", code=1)
    shell.run("logout", "ada", "--all", code=2)
    assert names(shell) == ["ada"]
