"""The store of accounts: what is listed, chosen, changed and kept, and what is told when something is wrong."""

from __future__ import annotations

import asyncio
import errno
import json
import stat
from pathlib import Path

import pytest

from tests.accounts.logins import accounts, auth_json, codex_login, config, login_of, tokens, write
from turnout.accounts.account import SourceKind, State
from turnout.accounts.places import Place
from turnout.accounts.sources import Source, find
from turnout.accounts.store import Accounts
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.simulator import Simulator

REGISTRY = "turnout/accounts.json"


def source(home: Path, kind: SourceKind = SourceKind.CODEX) -> Source:
    return next(found for found in find(config(home), {}, 0.0) if found.kind is kind)


def with_codex(home: Path, **times: float) -> Path:
    return write(home / "codex" / "auth.json", auth_json(tokens(**times)))


class TestWithNothingRegistered:
    def test_there_is_no_account(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        assert ours.list() == []
        assert ours.default_name is None
        with pytest.raises(TurnoutError, match="There is no Codex login"):
            ours.check()
        assert list(tmp_path.iterdir()) == [], "looking creates nothing"

    def test_the_codex_clis_login_is_one(self, tmp_path: Path) -> None:
        path = with_codex(tmp_path)
        (found,) = accounts(tmp_path).list()
        assert (found.name, found.ownership, found.source) == ("ada", "borrowed", SourceKind.CODEX)
        assert (found.path, found.default, found.state) == (str(path), True, State.OK)
        assert accounts(tmp_path).check().name == "ada"

    def test_a_broken_one_is_one_too(self, tmp_path: Path) -> None:
        write(tmp_path / "codex" / "auth.json", b"{")
        (found,) = accounts(tmp_path).list()
        assert (found.name, found.state) == ("codex", State.UNREADABLE)
        assert "not valid JSON" in found.reason

    def test_it_cannot_be_removed(self, tmp_path: Path) -> None:
        with_codex(tmp_path)
        with pytest.raises(TurnoutError, match="Codex CLI's own login"):
            accounts(tmp_path).remove("ada")

    def test_another_name_registers_it(self, tmp_path: Path) -> None:
        path = with_codex(tmp_path)
        found = accounts(tmp_path).rename("ada", "home")
        assert (found.name, found.path, found.ownership) == ("home", str(path), "borrowed")


class TestOwnedAccounts:
    def test_are_kept_for_their_user_only(self, tmp_path: Path) -> None:
        login = tokens()
        found = accounts(tmp_path).add_owned(login)
        path = Path(found.path)
        assert path == tmp_path / "turnout" / "accounts" / "ada.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / REGISTRY).stat().st_mode) == 0o600
        document = json.loads(path.read_bytes())
        assert document["tokens"]["refresh_token"] == login.refresh_token
        assert (document["version"], document["kind"]) == (1, "chatgpt")

    def test_take_precedence_over_the_codex_clis_login(self, tmp_path: Path) -> None:
        with_codex(tmp_path)
        ours = accounts(tmp_path)
        ours.add_owned(tokens("acc-2", "bob@example.com"))
        assert [account.name for account in ours.list()] == ["bob"]

    def test_two_of_one_email_are_two(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens("acc-1", plan="plus"))
        ours.add_owned(tokens("acc-2", plan="team"))
        assert [(account.name, account.account_id) for account in ours.list()] == [
            ("ada", "acc-1"),
            ("ada-team", "acc-2"),
        ]

    def test_signing_in_again_replaces_the_login(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens(exp=1))
        found = ours.add_owned(tokens(exp=2e9))
        assert (found.name, found.expires_at, len(ours.list())) == ("ada", 2_000_000_000, 1)

    async def test_signing_in_again_ends_the_old_login(self, sim: Simulator, tmp_path: Path) -> None:
        ours = accounts(tmp_path, sim)
        old, new = login_of(sim), login_of(sim)
        await ours.sign_in(old)
        await ours.sign_in(new)
        assert sim.issuer.revoked == [old.refresh_token]
        assert sim.issuer.serves(new.refresh_token)

    def test_signing_in_again_may_give_another_name(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        assert ours.add_owned(tokens(), "home").name == "home"
        assert [account.name for account in ours.list()] == ["home"]

    def test_cannot_take_anothers_name(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        before = Path(ours.get("ada").path).read_bytes()
        with pytest.raises(TurnoutError, match="already"):
            ours.add_owned(tokens("acc-2", "bob@example.com"), "ada")
        assert Path(ours.get("ada").path).read_bytes() == before

    def test_survive_the_loss_of_the_registry(self, tmp_path: Path) -> None:
        accounts(tmp_path).add_owned(tokens())
        (tmp_path / REGISTRY).unlink()
        assert [account.name for account in accounts(tmp_path).list()] == ["ada"]

    def test_unknown_fields_are_kept(self, sim: Simulator, tmp_path: Path) -> None:
        path = Path(accounts(tmp_path, sim).add_owned(login_of(sim, lifetime=-1)).path)
        write(path, {**json.loads(path.read_bytes()), "note": "mine"})
        asyncio.run(accounts(tmp_path, sim).credential())
        assert json.loads(path.read_bytes())["note"] == "mine"


class TestChoosing:
    @pytest.fixture
    def ours(self, tmp_path: Path) -> Accounts:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        ours.add_owned(tokens("acc-2", "bob@example.com"))
        return ours

    async def test_the_first_one_is_the_default(self, ours: Accounts) -> None:
        assert ours.default_name == "ada"
        assert (await ours.credential()).account == "ada"
        await ours.close()

    async def test_another_one_may_be(self, ours: Accounts, tmp_path: Path) -> None:
        assert ours.use("bob").default
        assert [(account.name, account.default) for account in ours.list()] == [("ada", False), ("bob", True)]
        assert (await ours.credential()).account == "bob"
        assert (await ours.credential("ada")).account == "ada"
        assert (await accounts(tmp_path, use="ada").credential()).account == "ada"
        await ours.close()

    async def test_a_running_gateway_follows(
        self, ours: Accounts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("turnout.accounts.store.CHOICE_SECONDS", 0)
        running = accounts(tmp_path)
        assert (await running.credential()).account == "ada"
        ours.use("bob")
        assert (await running.credential()).account == "bob"
        await running.close()

    @pytest.mark.parametrize("name", ["eve", "ADA", "../ada", ""])
    def test_an_unknown_one_is_told_with_those_there_are(self, ours: Accounts, name: str) -> None:
        with pytest.raises(TurnoutError, match="There are: ada, bob") as raised:
            ours.get(name)
        assert raised.value.failure.kind is FailureKind.BAD_REQUEST

    async def test_of_the_wrong_kind_is_refused(self, ours: Accounts) -> None:
        ours.add_api_key("sk-1", "key")
        with pytest.raises(TurnoutError, match="is an API key"):
            await ours.credential("key")
        with pytest.raises(TurnoutError, match="is a ChatGPT login"):
            await ours.credential("ada", "api_key")
        assert (await ours.credential(None, "api_key")).token == "sk-1"
        await ours.close()


class TestChanging:
    def test_a_name(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        ours.add_owned(tokens("acc-2", "bob@example.com"))
        ours.use("ada")
        renamed = ours.rename("ada", "home")
        assert (renamed.name, renamed.default, renamed.account_id) == ("home", True, "acc-1")
        assert [account.name for account in ours.list()] == ["home", "bob"]
        with pytest.raises(TurnoutError, match="already"):
            ours.rename("home", "bob")

    def test_removing(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        path = Path(ours.add_owned(tokens()).path)
        ours.add_owned(tokens("acc-2", "bob@example.com"))
        ours.use("ada")
        assert ours.remove("ada").account_id == "acc-1"
        assert not path.exists()
        assert ours.default_name == "bob"

    async def test_signing_out_ends_the_login_too(self, sim: Simulator, tmp_path: Path) -> None:
        ours = accounts(tmp_path, sim)
        login = login_of(sim)
        ours.add_owned(login)
        done = await ours.sign_out("ada")
        assert (done.revoked, done.untouched, done.problem) == (True, "", "")
        assert sim.issuer.revoked == [login.refresh_token]
        assert ours.list() == []

    @pytest.mark.parametrize("fault", ["500", "html", "drop", "drop-before"])
    async def test_signing_out_works_without_openai(self, sim: Simulator, tmp_path: Path, fault: str) -> None:
        ours = accounts(tmp_path, sim)
        ours.add_owned(login_of(sim))
        sim.account_fault(fault, path="/oauth/revoke")
        done = await ours.sign_out("ada")
        assert not done.revoked
        assert done.problem
        assert ours.list() == []

    async def test_signing_out_of_a_borrowed_login_touches_nothing(self, sim: Simulator, tmp_path: Path) -> None:
        path = codex_login(tmp_path, sim)
        before = path.read_bytes()
        ours = accounts(tmp_path, sim)
        ours.adopt(source(tmp_path))
        for _ in range(2):  # adopted, then found by itself
            done = await ours.sign_out("ada")
            assert (done.revoked, done.untouched) == (False, str(path))
        assert path.read_bytes() == before
        assert sim.issuer.revoked == []


class TestAdopting:
    def test_uses_the_login_where_it_lies(self, tmp_path: Path) -> None:
        path = with_codex(tmp_path)
        before = path.read_bytes()
        ours = accounts(tmp_path)
        found = ours.adopt(source(tmp_path), "work")
        assert (found.name, found.ownership, found.path, found.state) == ("work", "borrowed", str(path), State.OK)
        assert path.read_bytes() == before
        secret = json.loads(before)["tokens"]["refresh_token"]
        kept = [file.read_text() for file in (tmp_path / "turnout").rglob("*") if file.is_file()]
        assert not any(secret in content for content in kept), "never a copy"

    def test_twice_is_once(self, tmp_path: Path) -> None:
        with_codex(tmp_path)
        ours = accounts(tmp_path)
        ours.adopt(source(tmp_path))
        ours.adopt(source(tmp_path), "other")
        assert [account.name for account in ours.list()] == ["other"]

    def test_what_cannot_be_used_is_refused(self, tmp_path: Path) -> None:
        path = with_codex(tmp_path)
        found = source(tmp_path)
        path.write_bytes(b"{}")
        with pytest.raises(TurnoutError, match="no access token"):
            accounts(tmp_path).adopt(found)

    async def test_someone_else_who_signs_in_there_is_another_account(self, tmp_path: Path) -> None:
        with_codex(tmp_path)
        ours = accounts(tmp_path)
        ours.adopt(source(tmp_path))
        write(tmp_path / "codex" / "auth.json", auth_json(tokens("acc-2", "bob@example.com")))
        found = ours.get("ada")
        assert found.state is State.SIGN_IN_AGAIN
        assert "bob@example.com" in found.reason
        with pytest.raises(TurnoutError, match=r"signed in as bob@example\.com now"):
            await ours.credential()
        await ours.close()


class TestStates:
    def test_a_login_that_another_tool_has_to_renew(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        login = tokens(exp=1_700_000_000)
        write(
            tmp_path / ".codex-proxy" / "session.json",
            {"access_token": str(login.access_token), "refresh_token": "rt", "account_id": "acc-1"},
        )
        ours = accounts(tmp_path)
        ours.adopt(source(tmp_path, SourceKind.CLAUDEX), "c")
        found = ours.get("c")
        assert found.state is State.EXPIRED
        assert "Use claudex once" in found.reason
        with pytest.raises(TurnoutError, match="expired"):
            ours.check("c")

    def test_one_that_can_be_renewed_is_well(self, sim: Simulator, tmp_path: Path) -> None:
        ours = accounts(tmp_path, sim)
        assert ours.add_owned(login_of(sim, lifetime=-9999)).state is State.OK

    def test_one_without_a_refresh_token_ends_for_good(self, tmp_path: Path) -> None:
        login = tokens(exp=1_700_000_000)
        document = auth_json(login)
        document["tokens"]["refresh_token"] = ""
        write(tmp_path / "codex" / "auth.json", document)
        (found,) = accounts(tmp_path).list()
        assert found.state is State.SIGN_IN_AGAIN

    def test_a_missing_one(self, tmp_path: Path) -> None:
        path = with_codex(tmp_path)
        ours = accounts(tmp_path)
        ours.adopt(source(tmp_path))
        path.unlink()
        assert ours.get("ada").state is State.MISSING

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"{}", b'{"tokens": 5}'])
    def test_an_unreadable_one(self, tmp_path: Path, content: bytes) -> None:
        ours = accounts(tmp_path)
        write(Path(ours.add_owned(tokens()).path), content)
        found = ours.get("ada")
        assert found.state is State.UNREADABLE
        assert "turnout login" in found.reason

    def test_a_mark_is_forgotten_with_the_login(self, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        ours.mark("ada", State.SIGN_IN_AGAIN, "The test says so.")
        assert accounts(tmp_path).get("ada").state is State.SIGN_IN_AGAIN
        ours.add_owned(tokens(exp=2e9))
        assert accounts(tmp_path).get("ada").state is State.OK


class TestTheRegistry:
    @pytest.mark.parametrize("content", [b"{", b"[]", b'{"version": 99}', b'{"borrowed": [{"name": 5}]}', b"\xff"])
    def test_that_cannot_be_read_is_named_and_costs_no_login(self, tmp_path: Path, content: bytes) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        write(tmp_path / REGISTRY, content)
        with pytest.raises(TurnoutError, match=r"accounts\.json cannot be read"):
            accounts(tmp_path)
        (tmp_path / REGISTRY).unlink()
        assert [account.name for account in accounts(tmp_path).list()] == ["ada"]

    def test_may_begin_with_a_mark(self, tmp_path: Path) -> None:
        accounts(tmp_path).add_owned(tokens())
        path = tmp_path / REGISTRY
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
        assert accounts(tmp_path).default_name == "ada"

    def test_holds_no_secret(self, sim: Simulator, tmp_path: Path) -> None:
        login = login_of(sim, lifetime=-1)
        ours = accounts(tmp_path, sim)
        ours.add_owned(login)
        ours.mark("ada", State.SIGN_IN_AGAIN, "The test says so.")
        content = (tmp_path / REGISTRY).read_text()
        assert not any(secret in content for secret in (login.access_token, login.refresh_token, login.id_token))


class TestADiskThatTakesNothing:
    @pytest.fixture(params=["read-only", "full"])
    def disk(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        what = {"read-only": (errno.EROFS, "Read-only file system"), "full": (errno.ENOSPC, "No space left on device")}

        def refuse(*_: object, **__: object) -> None:
            raise OSError(*what[request.param])

        monkeypatch.setattr("turnout.accounts.atomic.Replacement", refuse)

    def test_keeps_no_new_login_and_says_so(self, tmp_path: Path, disk: None) -> None:
        with pytest.raises(TurnoutError, match="cannot be written") as raised:
            accounts(tmp_path).add_owned(tokens())
        assert "TURNOUT_ACCOUNTS_DIR" in raised.value.failure.next_step

    def test_leaves_the_registry_as_it_was(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        ours = accounts(tmp_path)
        ours.add_owned(tokens())
        before = (tmp_path / REGISTRY).read_bytes()

        def refuse(*_: object, **__: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        monkeypatch.setattr("turnout.accounts.atomic.Replacement", refuse)
        with pytest.raises(TurnoutError, match="Read-only file system"):
            ours.use("ada")
        assert (tmp_path / REGISTRY).read_bytes() == before


def test_two_places_of_one_credential_are_equal() -> None:
    assert Place(SourceKind.CODEX, "a") == Place(SourceKind.CODEX, "a")
