"""Where credentials lie: what is told of one that is not there or cannot be read, and what Turnout may do with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.accounts.logins import auth_json, tokens, write
from turnout.accounts import codex_home
from turnout.accounts.account import SourceKind
from turnout.accounts.places import Place
from turnout.protocol.errors import Failure, FailureKind, TurnoutError


def codex(folder: Path) -> Place:
    return Place(SourceKind.CODEX, str(folder / "auth.json"))


def failure_of(place: Place) -> Failure:
    with pytest.raises(TurnoutError) as raised:
        place.read()
    assert raised.value.failure.kind is FailureKind.SIGN_IN
    assert raised.value.failure.next_step
    return raised.value.failure


def test_no_login_at_all_names_the_ways_on(tmp_path: Path) -> None:
    told = failure_of(codex(tmp_path))
    assert told.message == f"There is no Codex login at {tmp_path / 'auth.json'}."
    for way in ("turnout login", "codex login", "--upstream openai", "turnout demo"):
        assert way in told.next_step


@pytest.mark.parametrize("store", ["keyring", "auto"])
def test_a_login_in_the_keyring_is_explained(tmp_path: Path, store: str) -> None:
    (tmp_path / "config.toml").write_text(f'cli_auth_credentials_store = "{store}"\n')
    told = failure_of(codex(tmp_path))
    assert "keyring" in told.message
    assert "turnout accounts adopt codex_keyring" in told.next_step


def test_a_broken_codex_configuration_only_costs_the_hint(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[[[")
    assert "There is no Codex login" in failure_of(codex(tmp_path)).message


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "auth.json").mkdir()
    assert "is a folder" in failure_of(codex(tmp_path)).message


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "auth.json", auth_json(tokens()))

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be read: Permission denied" in failure_of(codex(tmp_path)).message


def test_turnout_renews_its_own_logins_and_the_codex_clis_only() -> None:
    renewable = {kind for kind in SourceKind if Place(kind, "x").renewable}
    assert renewable == {SourceKind.TURNOUT, SourceKind.CODEX}


def test_the_codex_clis_locks_are_taken_in_its_order(tmp_path: Path) -> None:
    """As codex-cli 0.169.0 was seen to take them: the other order could lock each other out."""
    assert [lock.name for lock in codex(tmp_path).locks] == ["auth.lock", "auth.json.lock"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles" / "codex.json", auth_json(tokens()))
    (tmp_path / "auth.json").symlink_to(real)
    assert codex(tmp_path).target == real
    assert codex(tmp_path).pending("f").parent == real.parent


class TestTheCodexFolder:
    def test_is_dot_codex(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(Path, "home", lambda: tmp_path)
        assert codex_home.locate() == tmp_path / ".codex" / "auth.json"

    def test_may_be_named_or_the_file_itself(self, tmp_path: Path) -> None:
        assert codex_home.locate(str(tmp_path)) == tmp_path / "auth.json"
        assert codex_home.locate(str(tmp_path / "other.json")) == tmp_path / "other.json"

    def test_cannot_be_found_without_a_home(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nowhere() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", nowhere)
        with pytest.raises(TurnoutError, match="no home folder"):
            codex_home.locate()
