"""The Codex login: every shape that is met in the wild, and a clear word about each that cannot be used."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from turnout.accounts.codex_file import CodexFile, claims, locate, read
from turnout.protocol.errors import Failure, FailureKind, TurnoutError

NOW = 1_800_000_000.0


def jwt(**content: object) -> str:
    def part(record: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(record).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none'})}.{part(content)}.c2ln"


def login(expires: float | None = NOW + 3600, **changes: object) -> dict[str, Any]:
    """An ``auth.json`` as Codex CLI 0.169.0 writes it (codex-backend.md 1.1)."""
    auth = {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": "plus", "chatgpt_user_id": "user-1"}
    tokens = {
        "id_token": jwt(email="me@example.com", **{"https://api.openai.com/auth": auth}),
        "access_token": jwt(**({"exp": int(expires)} if expires else {}), **{"https://api.openai.com/auth": auth}),
        "refresh_token": "rt-secret",
        "account_id": "acc-1",
    }
    return {
        "auth_mode": "chatgpt",
        "OPENAI_API_KEY": None,
        "tokens": tokens,
        "last_refresh": "2026-11-20T00:00:00Z",
        **changes,
    }


def write(home: Path, content: object) -> Path:
    path = home / "auth.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def failure_of(home: Path, now: float = NOW) -> Failure:
    with pytest.raises(TurnoutError) as caught:
        read(home, now)
    assert caught.value.failure.kind is FailureKind.SIGN_IN
    assert caught.value.failure.next_step
    return caught.value.failure


def test_a_login_is_read_with_its_facts(tmp_path: Path) -> None:
    path = write(tmp_path, content := login())
    found = read(tmp_path, NOW)
    assert found.token == content["tokens"]["access_token"]
    assert (found.account_id, found.email, found.plan) == ("acc-1", "me@example.com", "plus")
    assert (found.expires_at, found.source) == (int(NOW) + 3600, str(path))


def test_neither_a_repr_nor_a_failure_shows_the_token(tmp_path: Path) -> None:
    write(tmp_path, content := login())
    assert content["tokens"]["access_token"] not in repr(read(tmp_path, NOW))
    assert content["tokens"]["access_token"] not in failure_of(tmp_path, NOW + 7200).text


def test_reading_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path, login())
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir()))
    read(tmp_path, NOW)
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(tmp_path.iterdir())) == before


def test_the_place_may_be_the_file_itself(tmp_path: Path) -> None:
    assert read(write(tmp_path, login()), NOW).account_id == "acc-1"


def test_without_a_configured_place_it_is_the_codex_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert locate() == tmp_path / ".codex" / "auth.json"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + json.dumps(login()).encode(),
        login()["tokens"],
        {"type": "codex", "email": "me@example.com", **login()["tokens"]},
        login(last_refresh=None, auth_mode=None),
        login(future_field={"kept": True}),
    ],
    ids=["byte order mark", "no wrapper", "flat file of another tool", "old file", "newer file"],
)
def test_other_shapes_that_serve(tmp_path: Path, content: object) -> None:
    write(tmp_path, content)
    assert read(tmp_path, NOW).account_id == "acc-1"


def test_the_account_is_found_in_the_tokens_if_the_file_does_not_name_it(tmp_path: Path) -> None:
    content = login()
    content["tokens"]["account_id"] = None
    write(tmp_path, content)
    assert read(tmp_path, NOW).account_id == "acc-1"
    content["tokens"]["id_token"] = jwt(organizations=[{"id": "org-1"}])
    write(tmp_path, content)
    assert read(tmp_path, NOW).account_id == "org-1"


def test_a_token_that_says_no_end_counts_as_valid(tmp_path: Path) -> None:
    write(tmp_path, login(expires=None))
    assert read(tmp_path, NOW).expires_at is None


def test_an_expired_login_says_since_when_and_what_to_do(tmp_path: Path) -> None:
    path = write(tmp_path, login(expires=NOW - 3 * 3600))
    told = failure_of(tmp_path)
    assert told.message == f"The Codex login in {path} expired 3 hours ago, on 2027-01-15 at 05:00 UTC."
    assert "codex login" in told.next_step


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (json.dumps(login()).encode()[:200], "is not valid JSON; it may have been cut short"),
        (b"\xff\xfe{}", "is not valid JSON"),
        (b"[]", "holds no JSON object"),
        ({}, "it holds nothing, but no access token"),
        ({"openai": {"type": "oauth", "access": "x"}}, "it holds openai, but no access token"),
        ({"auth_mode": "agentIdentity"}, "of the kind 'agentIdentity'"),
        ({"auth_mode": "chatgpt", "tokens": {"access_token": 5}}, "of the kind 'chatgpt' and holds no access token"),
        ({"tokens": {"access_token": "opaque"}}, "names no ChatGPT account"),
    ],
)
def test_what_cannot_be_used_is_described(tmp_path: Path, content: object, told: str) -> None:
    path = write(tmp_path, content)
    message = failure_of(tmp_path).message
    assert told in message
    assert str(path) in message


def test_an_api_key_login_points_to_the_openai_upstream(tmp_path: Path) -> None:
    write(tmp_path, {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-secret", "tokens": None})
    told = failure_of(tmp_path)
    assert "--upstream openai" in told.next_step
    assert "sk-secret" not in told.text


def test_no_login_at_all_names_the_ways_on(tmp_path: Path) -> None:
    told = failure_of(tmp_path)
    assert told.message == f"There is no Codex login at {tmp_path / 'auth.json'}."
    for way in ("codex login", "--upstream openai", "turnout demo"):
        assert way in told.next_step


@pytest.mark.parametrize("store", ["keyring", "auto"])
def test_a_login_in_the_keyring_is_explained(tmp_path: Path, store: str) -> None:
    (tmp_path / "config.toml").write_text(f'cli_auth_credentials_store = "{store}"\n')
    told = failure_of(tmp_path)
    assert "keyring" in told.message
    assert 'cli_auth_credentials_store = "file"' in told.next_step


def test_a_broken_codex_configuration_only_costs_the_hint(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[[[")
    assert "There is no Codex login" in failure_of(tmp_path).message


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / "auth.json").mkdir()
    failure_of(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, login())

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "cannot be read: Permission denied" in failure_of(tmp_path).message


def test_a_new_login_is_noticed_and_an_old_one_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, login())
    file = CodexFile(str(tmp_path))
    first = file.current(NOW)
    assert file.current(NOW) is first
    changed = login()
    changed["tokens"]["account_id"] = "acc-2"
    write(tmp_path, changed)
    os.utime(path, ns=(1, 1))
    assert file.current(NOW).account_id == "acc-2"
    with pytest.raises(TurnoutError, match="expired"):
        file.current(NOW + 7200)
    path.unlink()
    with pytest.raises(TurnoutError, match="There is no Codex login"):
        file.current(NOW)


@pytest.mark.parametrize("token", ["", "a.b", "a.b.c", "a.!!!.c", f"a.{base64.b64encode(b'[]').decode()}.c"])
def test_what_is_no_token_has_no_claims(token: str) -> None:
    assert claims(token) == {}
