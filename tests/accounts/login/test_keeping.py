"""What becomes of a sign-in: which account is the default, what stays beside it, and what if it cannot be kept."""

from __future__ import annotations

import errno
import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.conftest import ADA, BOB
from turnout.accounts.account import State
from turnout.accounts.credential import Secret
from turnout.accounts.login.keeping import keep, keep_key
from turnout.accounts.sources import find
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.config import AccountsSettings, CodexSettings, Config
from turnout.protocol.errors import TurnoutError
from turnout.simulator import Account

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.accounts.token_client import TokenClient
    from turnout.simulator import Simulator


@pytest.fixture
def config(sim: Simulator, tmp_path: Path) -> Config:
    return Config(
        accounts=AccountsSettings(issuer=sim.url, folder=str(tmp_path / "turnout")),
        codex=CodexSettings(home=str(tmp_path / "codex")),
    )


@pytest.fixture
def accounts(config: Config) -> Accounts:
    return Accounts.open(config, {})


def signed_in(sim: Simulator, account: Account = ADA, *, clock_offset: float = 0.0) -> Tokens:
    """The tokens of a new login."""
    made = sim.issuer.sign_in(account, now=time.time() + clock_offset, lifetime=1800.0)
    return Tokens(
        access_token=Secret(made.access_token),
        refresh_token=Secret(made.refresh_token),
        id_token=Secret(made.id_token),
        account_id=account.account_id,
    )


def names(accounts: Accounts) -> list[tuple[str, bool]]:
    """Nicknames with whether they are the default."""
    return [(account.name, account.default) for account in accounts.list()]


async def test_the_first_account_is_the_default(sim: Simulator, client: TokenClient, accounts: Accounts) -> None:
    kept = await keep(accounts, client, signed_in(sim), "", add=True)
    assert (kept.account.name, kept.account.default, kept.others, kept.known) == ("ada", True, (), False)


async def test_a_later_one_takes_its_place_unless_it_is_added(
    sim: Simulator, client: TokenClient, accounts: Accounts
) -> None:
    await keep(accounts, client, signed_in(sim), "", add=False)
    kept = await keep(accounts, client, signed_in(sim, BOB), "work", add=True)
    assert names(accounts) == [("ada", True), ("work", False)]
    assert [other.name for other in kept.others] == ["ada"]
    kept = await keep(accounts, client, signed_in(sim, BOB), "", add=False)
    assert kept.known
    assert kept.account.default
    assert names(accounts) == [("ada", False), ("work", True)]


async def test_one_that_is_there_gets_a_new_login_and_the_old_one_is_ended(
    sim: Simulator, client: TokenClient, accounts: Accounts
) -> None:
    first, second = signed_in(sim), signed_in(sim)
    await keep(accounts, client, first, "", add=False)
    assert (await keep(accounts, client, second, "home", add=True)).known
    assert names(accounts) == [("home", True)]
    assert sim.issuer.revoked == [first.refresh_token]
    assert (await accounts.credential()).token == second.access_token


async def test_a_nickname_that_is_taken_costs_no_sign_in(
    sim: Simulator, client: TokenClient, accounts: Accounts
) -> None:
    await keep(accounts, client, signed_in(sim), "", add=False)
    kept = await keep(accounts, client, signed_in(sim, BOB), "ada", add=True)
    assert kept.account.name == "bob"
    assert "called 'ada' already" in kept.nickname_problem
    assert sim.issuer.revoked == []
    assert keep_key(accounts, "sk-1", "bob", add=True).account.name == "api-key"


async def test_two_accounts_of_one_email_are_two(sim: Simulator, client: TokenClient, accounts: Accounts) -> None:
    """A person's own workspace and a company's."""
    await keep(accounts, client, signed_in(sim), "", add=False)
    company = Account(account_id="company", email=ADA.email, plan="team")
    kept = await keep(accounts, client, signed_in(sim, company), "", add=True)
    assert not kept.known
    assert names(accounts) == [("ada", True), ("ada-team", False)]


async def test_two_people_of_one_workspace_are_two(sim: Simulator, client: TokenClient, accounts: Accounts) -> None:
    await keep(accounts, client, signed_in(sim), "", add=False)
    colleague = Account(account_id=ADA.account_id, email="carl@example.com")
    assert not (await keep(accounts, client, signed_in(sim, colleague), "", add=True)).known
    assert names(accounts) == [("ada", True), ("carl", False)]


async def test_the_codex_clis_login_stays_beside_an_added_one(
    sim: Simulator, client: TokenClient, accounts: Accounts, tmp_path: Path
) -> None:
    file = sim.write_auth_json(tmp_path / "codex", ADA)
    assert names(accounts) == [("ada", True)]
    kept = await keep(accounts, client, signed_in(sim, BOB), "", add=True)
    assert kept.unused is None
    assert sorted(names(accounts)) == [("ada", True), ("bob", False)]
    assert accounts.get("ada").path == str(file)


async def test_the_codex_clis_login_gives_way_to_another_one_and_is_not_touched(
    sim: Simulator, client: TokenClient, accounts: Accounts, tmp_path: Path
) -> None:
    file = sim.write_auth_json(tmp_path / "codex", ADA)
    before = file.read_bytes()
    kept = await keep(accounts, client, signed_in(sim, BOB), "", add=False)
    assert kept.unused is not None
    assert kept.unused.path == str(file)
    assert names(accounts) == [("bob", True)]
    assert file.read_bytes() == before


async def test_an_added_login_of_ones_own_stands_in_for_the_codex_clis(
    sim: Simulator, client: TokenClient, accounts: Accounts, tmp_path: Path
) -> None:
    """The same person, once with a login of Turnout's own: two accounts would be one too many."""
    sim.write_auth_json(tmp_path / "codex", ADA)
    kept = await keep(accounts, client, signed_in(sim), "", add=True)
    assert kept.unused is not None
    assert names(accounts) == [("ada", True)]


async def test_one_that_was_adopted_stays(
    sim: Simulator, client: TokenClient, accounts: Accounts, config: Config, tmp_path: Path
) -> None:
    sim.write_auth_json(tmp_path / "codex", ADA)
    accounts.adopt(find(config, {}, 0)[0])
    assert (await keep(accounts, client, signed_in(sim, BOB), "", add=False)).unused is None
    assert sorted(names(accounts)) == [("ada", False), ("bob", True)]


def test_a_key_becomes_the_default_unless_it_is_added(accounts: Accounts) -> None:
    assert keep_key(accounts, "sk-1", "", add=False).account.default
    second = keep_key(accounts, "sk-2", "second", add=True)
    assert not second.account.default
    assert names(accounts) == [("api-key", True), ("second", False)]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
async def test_what_cannot_be_kept_is_ended_again(
    sim: Simulator, client: TokenClient, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, "no room")

    monkeypatch.setattr("turnout.accounts.atomic.write", full)
    tokens = signed_in(sim)
    with pytest.raises(TurnoutError, match="cannot be written"):
        await keep(accounts, client, tokens, "", add=False)
    assert sim.issuer.revoked == [tokens.refresh_token]
    assert not sim.issuer.serves(tokens.refresh_token)
    sim.account_fault("500", path="/oauth/revoke")
    with pytest.raises(TurnoutError, match="cannot be written"):
        await keep(accounts, client, signed_in(sim), "", add=False)


async def test_a_new_login_is_no_secret_in_what_is_told(
    sim: Simulator, client: TokenClient, accounts: Accounts
) -> None:
    tokens = signed_in(sim)
    kept = await keep(accounts, client, tokens, "", add=False)
    for secret in (tokens.access_token, tokens.refresh_token, tokens.id_token):
        assert secret not in repr(kept)
        assert secret not in json.dumps(repr(accounts.list()))


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
async def test_a_login_that_looks_expired_or_not_yet_valid_by_a_wrong_clock_is_a_good_one(
    sim: Simulator, client: TokenClient, accounts: Accounts, offset: float
) -> None:
    kept = await keep(accounts, client, signed_in(sim, clock_offset=offset), "", add=False)
    assert kept.account.state is State.OK
    assert kept.account.expires_at is not None
    assert abs(kept.account.expires_at - time.time() - 1800) < 60
