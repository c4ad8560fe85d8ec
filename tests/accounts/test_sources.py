"""Every credential on the machine is found, with whom it is for and who renews it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.accounts.logins import auth_json, config, tokens, write
from turnout.accounts.account import SourceKind, State
from turnout.accounts.sources import Source, find
from turnout.protocol.errors import TurnoutError

NOW = 1_800_000_000.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def found(home: Path, **environ: str) -> dict[SourceKind, Source]:
    return {source.kind: source for source in find(config(home), environ, NOW)}


def flat(account_id: str, **times: float) -> dict[str, str]:
    login = tokens(account_id, f"{account_id}@example.com", **times)
    return {
        "access_token": str(login.access_token),
        "refresh_token": str(login.refresh_token),
        "id_token": str(login.id_token),
        "account_id": account_id,
    }


def test_nothing_is_found_where_there_is_nothing(home: Path) -> None:
    assert found(home) == {}


def test_all_are_found(home: Path) -> None:
    opencode = {"openai": {"type": "oauth", "access": flat("b")["access_token"], "refresh": "rt", "accountId": "b"}}
    write(home / "codex" / "auth.json", auth_json(tokens("a", exp=NOW + 9)))
    write(home / ".local" / "share" / "opencode" / "auth.json", opencode)
    write(home / ".opencode" / "session.json", {"codex": flat("c")})
    write(home / ".opencode" / "auth" / "codex.json", flat("d"))
    write(home / ".codex-proxy" / "session.json", flat("e", exp=NOW - 9))
    write(home / ".cli-proxy-api" / "codex-f@example.com.json", {"type": "codex", **flat("f")})
    write(home / ".ccs" / "cliproxy" / "auth" / "codex-g@example.com-pro.json", {"type": "codex", **flat("g")})
    everything = found(home)
    assert {kind: source.account.account_id for kind, source in everything.items()} == {
        SourceKind.CODEX: "a",
        SourceKind.OPENCODE: "b",
        SourceKind.OPENCODE_SESSION: "c",
        SourceKind.OPENCODE_V2: "d",
        SourceKind.CLAUDEX: "e",
        SourceKind.CLIPROXYAPI: "f",
        SourceKind.CCS: "g",
    }
    assert everything[SourceKind.CODEX].renewed_by == ("Codex", "Turnout")
    assert everything[SourceKind.CODEX].account.expires_at == NOW + 9
    assert everything[SourceKind.CCS].renewed_by == ("CCS",)
    assert everything[SourceKind.CLAUDEX].account.state is State.EXPIRED
    assert everything[SourceKind.CLIPROXYAPI].account.email == "f@example.com"


def test_several_of_one_tool_are_several(home: Path) -> None:
    for name in ("f", "g"):
        write(home / ".cli-proxy-api" / f"codex-{name}.json", flat(name))
    write(home / ".cli-proxy-api" / "gemini-x.json", {})
    assert [source.account.account_id for source in find(config(home), {}, NOW)] == ["f", "g"]


def test_what_cannot_be_used_is_found_with_the_reason(home: Path) -> None:
    write(home / "codex" / "auth.json", b"{")
    broken = found(home)[SourceKind.CODEX]
    assert broken.account.state is State.UNREADABLE
    assert "not valid JSON" in broken.account.reason


def test_copies_of_one_login_are_told(home: Path) -> None:
    shared = flat("a")
    codex = write(home / "codex" / "auth.json", {"tokens": shared})
    copy = write(home / ".codex-proxy" / "session.json", shared)
    everything = found(home)
    assert everything[SourceKind.CODEX].same_login_as == (str(copy),)
    assert everything[SourceKind.CLAUDEX].same_login_as == (str(codex),)


def test_an_api_key_is_renewed_by_nobody(home: Path) -> None:
    write(home / "codex" / "auth.json", {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"})
    key = found(home)[SourceKind.CODEX]
    assert (key.account.kind, key.renewed_by) == ("api_key", ())


def test_the_users_own_data_folder_counts(home: Path) -> None:
    write(home / "data" / "opencode" / "auth.json", {"openai": {"type": "api", "key": "sk-1"}})
    assert set(found(home, XDG_DATA_HOME=str(home / "data"))) == {SourceKind.OPENCODE}


def test_without_a_home_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(TurnoutError, match="no home folder"):
        find(config(tmp_path), {}, NOW)
