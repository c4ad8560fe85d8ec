"""Logins in the system's keyring: Turnout's own, and the Codex CLI's."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, NoKeyringError, PasswordDeleteError

from tests.accounts.logins import accounts, auth_json, config, login_of, tokens, write
from turnout.accounts import codex_home
from turnout.accounts.account import SourceKind, State
from turnout.accounts.sources import find
from turnout.protocol.errors import TurnoutError
from turnout.simulator import Simulator


class MemoryKeyring(KeyringBackend):
    """A keyring in this process's memory, which may be locked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def _check(self) -> None:
        if self.locked:
            raise KeyringLocked("Failed to unlock the collection!")

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError("Password not found")


@pytest.fixture
def ring() -> Iterator[MemoryKeyring]:
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_a_login_is_kept_there_and_its_file_only_points_at_it(ring: MemoryKeyring, tmp_path: Path) -> None:
    login = tokens()
    found = accounts(tmp_path, storage="keyring").add_owned(login)
    ((service, entry),) = ring.entries
    assert (service, found.state, found.email) == ("Turnout", State.OK, "ada@example.com")
    pointer = json.loads(Path(found.path).read_bytes())
    assert pointer["storage"] == "keyring"
    assert pointer["entry"] == entry
    assert login.refresh_token not in Path(found.path).read_text()


async def test_it_is_used_from_there_whatever_new_ones_go_to(ring: MemoryKeyring, tmp_path: Path) -> None:
    accounts(tmp_path, storage="keyring").add_owned(login := tokens())
    ours = accounts(tmp_path)
    assert (await ours.credential()).token == login.access_token
    await ours.close()


def test_a_renamed_one_stays_where_it_is(ring: MemoryKeyring, tmp_path: Path) -> None:
    ours = accounts(tmp_path, storage="keyring")
    ours.add_owned(tokens())
    ours.rename("ada", "home")
    ours.add_owned(tokens("acc-2"), "ada")
    assert (ours.get("home").account_id, ours.get("ada").account_id) == ("acc-1", "acc-2")


def test_a_removed_one_is_gone(ring: MemoryKeyring, tmp_path: Path) -> None:
    ours = accounts(tmp_path, storage="keyring")
    ours.add_owned(tokens())
    ours.remove("ada")
    assert ring.entries == {}


def test_it_moves_to_a_file_with_the_next_sign_in(ring: MemoryKeyring, tmp_path: Path) -> None:
    accounts(tmp_path, storage="keyring").add_owned(tokens())
    found = accounts(tmp_path).add_owned(tokens())
    assert ring.entries == {}
    assert "tokens" in json.loads(Path(found.path).read_bytes())


def test_a_locked_keyring_is_told(ring: MemoryKeyring, tmp_path: Path) -> None:
    ours = accounts(tmp_path, storage="keyring")
    ours.add_owned(tokens())
    ring.locked = True
    found = ours.get("ada")
    assert found.state is State.UNREADABLE
    assert "it is locked" in found.reason
    with pytest.raises(TurnoutError, match="it is locked") as raised:
        ours.add_owned(tokens("acc-2", "bob@example.com"))
    assert "TURNOUT_ACCOUNT_STORAGE=file" in raised.value.failure.next_step


def test_an_entry_that_is_gone_is_told(ring: MemoryKeyring, tmp_path: Path) -> None:
    ours = accounts(tmp_path, storage="keyring")
    ours.add_owned(tokens())
    ring.entries.clear()
    assert "is not there" in ours.get("ada").reason


def test_no_keyring_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: str) -> str:
        raise NoKeyringError("No recommended backend was available.")

    monkeypatch.setattr(keyring, "set_password", nothing)
    with pytest.raises(TurnoutError, match="there is none that Turnout can use"):
        accounts(tmp_path, storage="keyring").add_owned(tokens())


def test_a_package_that_is_not_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(TurnoutError, match="not installed") as raised:
        accounts(tmp_path, storage="keyring").add_owned(tokens())
    assert "turnout[keyring]" in raised.value.failure.next_step


async def test_one_in_the_keyring_is_renewed_there(
    sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process: the keyring is a folder that both see."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.accounts.folder_keyring.FolderKeyring")
    monkeypatch.setenv("TEST_KEYRING_FOLDER", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    before = keyring.get_keyring()
    keyring.core.init_backend()
    try:
        ours = accounts(tmp_path, sim, storage="keyring")
        ours.add_owned(login := login_of(sim, lifetime=-1))
        running = accounts(tmp_path, sim)
        renewed = await running.credential()
        assert renewed.token != login.access_token
        assert (await accounts(tmp_path, sim).credential()).token == renewed.token
        assert len(sim.issuer.uses) == 1
        await running.close()
    finally:
        keyring.set_keyring(before)


class TestTheCodexClisEntry:
    """Service `Codex Auth`, entry `cli|` and 16 hex digits of the folder's SHA-256 (codex-backend.md 1.2)."""

    @pytest.fixture
    def folder(self, ring: MemoryKeyring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        folder = tmp_path / "codex"
        write(folder / "config.toml", b'cli_auth_credentials_store = "keyring"')
        ring.entries["Codex Auth", codex_home.keyring_user(folder)] = json.dumps(auth_json(tokens()))
        return folder

    def test_is_found(self, folder: Path, tmp_path: Path) -> None:
        (found,) = find(config(tmp_path), {}, 0.0)
        assert (found.kind, found.account.email, found.renewed_by) == (
            SourceKind.CODEX_KEYRING,
            "ada@example.com",
            ("Codex",),
        )

    async def test_can_be_adopted(self, folder: Path, tmp_path: Path) -> None:
        ours = accounts(tmp_path)
        ours.adopt(find(config(tmp_path), {}, 0.0)[0])
        assert (await ours.credential()).email == "ada@example.com"
        await ours.close()

    def test_has_the_name_that_the_cli_gives_it(self) -> None:
        assert codex_home.keyring_user(Path("/nowhere/.codex")) == "cli|d15567c207ebadef"
