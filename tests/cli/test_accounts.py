"""`turnout accounts`: the table, the default, nicknames, and other tools' logins."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.cli.service import ADA, BOB
from turnout.accounts.account import State

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.inside import Shell


def write_opencode(shell: Shell, *, expires: float) -> Path:
    """opencode's file with a login of Bob's; `expires` in Unix seconds."""
    tokens = shell.sim.tokens(BOB)
    login = {"type": "oauth", "refresh": tokens.refresh_token, "access": tokens.access_token, "expires": expires * 1000}
    file = shell.home / "data" / "opencode" / "auth.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"openai": {**login, "accountId": BOB.account_id}}))
    return file


def row(table: str, name: str) -> str:
    return next(line for line in table.splitlines() if name in line).rstrip()


def test_without_an_account_it_says_how_to_get_one(shell: Shell) -> None:
    assert shell.run("accounts") == "There is no account yet. Sign in with: turnout login\n"
    assert shell.json("accounts", "--json") == {"accounts": []}


def test_the_table(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB, "work")
    shell.accounts.add_api_key("sk-1")
    table = shell.run("accounts")
    assert row(table, "ada").split() == ["●", "ada", ADA.email, "pro", "Turnout", "in", "9", "days", "ready"]
    assert row(table, "work").split()[:4] == ["work", BOB.email, "plus", "Turnout"]
    assert row(table, "api-key").split() == ["api-key", "API", "key", "–", "Turnout", "–", "ready"]


def test_what_is_wrong_with_an_account_is_told_below(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB)
    shell.accounts.mark("bob", State.SIGN_IN_AGAIN, "OpenAI has refused to renew it.")
    (shell.home / "turnout" / "accounts" / "ada.json").write_text("{")
    table = shell.run("accounts")
    assert row(table, "bob").endswith("sign in again")
    assert row(table, "ada").endswith("unreadable")
    words = " ".join(table.split())
    assert "bob: OpenAI has refused to renew it." in words
    assert "turnout login" in words


def test_the_same_for_programs(shell: Shell) -> None:
    tokens = shell.sign_in(ADA)
    printed = shell.run("accounts", "--json")
    assert json.loads(printed)["accounts"] == [
        {
            "name": "ada",
            "default": True,
            "kind": "chatgpt",
            "ownership": "owned",
            "source": "turnout",
            "path": str(shell.home / "turnout" / "accounts" / "ada.json"),
            "email": ADA.email,
            "plan": "pro",
            "tag": shell.accounts.get("ada").tag,
            "expires_at": shell.accounts.get("ada").expires_at,
            "state": "ok",
            "reason": "",
        }
    ]
    for secret in (tokens.access_token, tokens.refresh_token, ADA.account_id):
        assert secret not in printed


def test_another_default(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB)
    assert shell.run("accounts", "use", "bob") == "bob is the default account now.\n"
    assert row(shell.run("accounts"), "bob").startswith("●")
    told = shell.run("accounts", "use", "carl", code=1)
    assert "There is no account called 'carl'." in told
    assert "There are: ada, bob." in told


def test_a_project_may_use_another_one_and_that_is_told(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB)
    (shell.home / ".turnout.toml").write_text('[accounts]\nuse = "bob"\n')
    table = shell.run("accounts")
    assert row(table, "bob").startswith("●")
    assert "used here, because the file" in table
    assert "Here, bob is used: the file" in shell.run("accounts", "use", "ada")
    (shell.home / ".turnout.toml").write_text('[accounts]\nuse = "carl"\n')
    assert "There is no account called 'carl', which the file" in shell.run("accounts")


def test_another_nickname(shell: Shell) -> None:
    shell.sign_in(ADA)
    shell.sign_in(BOB)
    assert shell.run("accounts", "rename", "ada", "home") == "ada is called home now.\n"
    assert [account.name for account in shell.accounts.list()] == ["home", "bob"]
    assert "called 'bob' already" in shell.run("accounts", "rename", "home", "bob", code=1)
    assert "cannot be a nickname" in shell.run("accounts", "rename", "home", "a/b", code=1)


def test_removing_ones_own_login_wants_a_yes(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    shell.sign_in(ADA)
    assert "turnout logout ada" in shell.run("accounts", "remove", "ada", code=2)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    shell.run("accounts", "remove", "ada", code=130)
    assert [account.name for account in shell.accounts.list()] == ["ada"]
    assert shell.run("accounts", "remove", "ada", "--yes") == "ada is removed.\n"
    assert shell.accounts.list() == []
    assert shell.sim.issuer.revoked == []


def test_removing_another_tools_login_leaves_it_where_it_is(shell: Shell) -> None:
    file = write_opencode(shell, expires=time.time() + 3600)
    shell.run("accounts", "adopt", "opencode")
    assert shell.run("accounts", "remove", "bob") == f"bob is removed. {file} was not touched.\n"
    assert file.exists()


# Other tools' logins


def test_no_other_tools_login(shell: Shell) -> None:
    assert "No other tool's login was found" in shell.run("accounts", "sources")
    assert shell.json("accounts", "sources", "--json") == {"sources": []}
    assert "There are none of other tools." in shell.run("accounts", "adopt", "codex", code=1)


def test_what_is_found_is_shown_with_who_renews_it(shell: Shell) -> None:
    codex = shell.sim.write_auth_json(shell.home / "codex", ADA)
    opencode = write_opencode(shell, expires=time.time() - 7200)
    told = " ".join(shell.run("accounts", "sources").split())
    assert f"codex ada@example.com (pro) ready {codex}" in told
    assert "Renewed by Codex and Turnout. In use as the account ada." in told
    assert f"opencode bob@example.com (plus) expired {opencode}" in told
    assert "expired 2 hours ago" in told
    assert "turnout accounts adopt SOURCE" in told
    found = {each["source"]: each for each in shell.json("accounts", "sources", "--json")["sources"]}
    assert found["codex"]["renewed_by"] == ["Codex", "Turnout"]
    assert found["opencode"]["renewed_by"] == ["opencode"]
    assert found["opencode"]["state"] == "expired"


def test_copies_of_one_login_are_told(shell: Shell) -> None:
    codex = shell.sim.write_auth_json(shell.home / "codex", ADA)
    document = json.loads(codex.read_text())["tokens"]
    copy = shell.home / ".codex-proxy" / "session.json"
    copy.parent.mkdir()
    copy.write_text(json.dumps({name: document[name] for name in ("access_token", "refresh_token", "account_id")}))
    told = " ".join(shell.run("accounts", "sources").split())
    assert f"The same login lies in {codex}: whoever renews one ends the other." in told


def test_no_secret_is_shown(shell: Shell) -> None:
    file = write_opencode(shell, expires=time.time() + 3600)
    login = json.loads(file.read_text())["openai"]
    told = shell.run("accounts", "sources") + shell.run("accounts", "sources", "--json") + shell.run("accounts")
    for secret in (login["refresh"], login["access"], login["accountId"]):
        assert secret not in told


def test_adopting_copies_nothing(shell: Shell) -> None:
    file = write_opencode(shell, expires=time.time() + 3600)
    before = file.read_bytes()
    told = shell.run("accounts", "adopt", "opencode", "--nickname", "work")
    assert "✓ opencode's login as bob@example.com is the account work, the default one." in told
    assert "Only opencode renews it" in told
    assert file.read_bytes() == before
    kept = [path for path in (shell.home / "turnout").rglob("*") if path.is_file()]
    refresh = json.loads(before)["openai"]["refresh"]
    assert not any(refresh in path.read_text() for path in kept)
    assert row(shell.run("accounts"), "work").split()[3:6] == ["plus", "opencode", "·"]


def test_adopting_another_than_the_codex_clis_says_that_this_one_is_not_used_any_more(shell: Shell) -> None:
    shell.sim.write_auth_json(shell.home / "codex", ADA)
    write_opencode(shell, expires=time.time() + 3600)
    told = " ".join(shell.run("accounts", "adopt", "opencode").split())
    assert "The Codex CLI's own login (ada@example.com) is not used any more, nor was it touched." in told
    told = shell.run("accounts", "adopt", "codex")
    assert "Codex and Turnout renew it, one at a time." in told
    assert [account.name for account in shell.accounts.list()] == ["bob", "ada"]


def test_one_of_several_is_named_by_its_path(shell: Shell) -> None:
    folder = shell.home / ".cli-proxy-api"
    folder.mkdir()
    for account in (ADA, BOB):
        tokens = shell.sim.tokens(account)
        login = {"type": "codex", "access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
        (folder / f"codex-{account.email}.json").write_text(json.dumps({**login, "account_id": account.account_id}))
    told = shell.run("accounts", "adopt", "cliproxyapi", code=1)
    assert "several logins of CLIProxyAPI" in told
    assert f"turnout accounts adopt {folder / 'codex-bob@example.com.json'}" in told
    assert "is the account bob" in shell.run("accounts", "adopt", str(folder / "codex-bob@example.com.json"))


def test_what_cannot_be_adopted_is_told(shell: Shell) -> None:
    shell.sim.write_auth_json(shell.home / "codex", ADA)
    assert "There are: codex." in shell.run("accounts", "adopt", "opencode", code=1)
    (shell.home / "codex" / "auth.json").write_text("{")
    assert "not valid JSON" in shell.run("accounts", "adopt", "codex", code=1)


def test_json_belongs_behind_the_command(shell: Shell) -> None:
    assert "--json belongs behind sources" in shell.run("accounts", "--json", "sources", code=2)
