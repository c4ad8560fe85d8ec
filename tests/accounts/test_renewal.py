"""The renewal of one login: what is asked, when nothing is asked, and what is kept."""

from __future__ import annotations

import errno
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.accounts.logins import auth_json, tokens, write
from turnout.accounts import atomic, documents
from turnout.accounts.account import SourceKind
from turnout.accounts.documents import fingerprint_of
from turnout.accounts.places import Place
from turnout.accounts.registry import RegistryFile
from turnout.accounts.renewal import Answered, Done, Job, Reason, renew
from turnout.accounts.token_client import TokenError
from turnout.accounts.tokens import Tokens
from turnout.protocol.errors import Failure, FailureKind

NOW = 1_800_000_000.0
OLD = tokens(exp=NOW + 100)
NEW = tokens(exp=NOW + 9999)


class Service:
    """The sign-in service as a renewal sees it."""

    def __init__(self, answer: Tokens | TokenError = NEW) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.while_asked: Callable[[], None] = lambda: None

    def __call__(self, old: Tokens, reason: str) -> Tokens:
        self.asked.append(old.refresh_token)
        self.while_asked()
        if isinstance(self.answer, TokenError):
            raise self.answer
        return self.answer


def refusal(code: str = "refresh_token_reused", permanent: bool = True) -> TokenError:
    return TokenError(Failure(kind=FailureKind.SIGN_IN, message="No.", code=code), permanent=permanent)


def run(
    path: Path,
    service: Service,
    *,
    reason: Reason = "proactive_expiry",
    seen: Tokens | None = None,
    account_id: str = "",
    unwritten: Answered | None = None,
    told: list[Answered] | None = None,
) -> Done:
    job = Job(
        source=SourceKind.CODEX,
        path=str(path),
        folder=str(path.parent / "turnout"),
        reason=reason,
        seen=fingerprint_of(seen.access_token) if seen else "",
        account_id=account_id,
        tokens=unwritten.tokens if unwritten else None,
        replaces=unwritten.replaces if unwritten else "",
    )
    heard = [] if told is None else told
    return renew(job, service, prepare=lambda: None, tell=heard.append, now=lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "codex" / "auth.json", auth_json(OLD))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCK_SECONDS", "SUCCESSOR_SECONDS", "ORPHAN_SECONDS"):
        monkeypatch.setattr(f"turnout.accounts.renewal.{name}", 0.3)


def kept(path: Path) -> str:
    found: str = json.loads(path.read_bytes())["tokens"]["refresh_token"]
    return found


def verdict(path: Path, login: Tokens) -> str:
    found = RegistryFile(path.parent / "turnout").read().verdict(fingerprint_of(login.refresh_token))
    return found.state if found else ""


def test_a_login_that_is_due_is_renewed(path: Path) -> None:
    told: list[Answered] = []
    assert run(path, service := Service(), told=told).outcome == "renewed"
    assert (service.asked, kept(path)) == ([OLD.refresh_token], NEW.refresh_token)
    assert told == [Answered(NEW, fingerprint_of(OLD.refresh_token))], "who asked is told before it is written"


def test_both_locks_are_held_while_openai_is_asked(path: Path) -> None:
    service, free = Service(), []
    service.while_asked = lambda: free.extend(
        lock for lock in Place(SourceKind.CODEX, str(path)).locks if can_be_had(lock)
    )
    run(path, service)
    assert free == []
    assert all(can_be_had(lock) for lock in Place(SourceKind.CODEX, str(path)).locks), "and let go of afterwards"


def can_be_had(lock: Path) -> bool:
    found = FileLock(lock, blocking=False)
    try:
        found.acquire()
    except TimeoutError:
        return False
    found.release()
    return True


class TestNothingIsAsked:
    def test_for_a_login_that_lasts(self, path: Path) -> None:
        write(path, auth_json(tokens(exp=NOW + 301)))
        assert run(path, service := Service()).outcome == "adopted"
        assert service.asked == []

    def test_if_the_refused_token_has_been_replaced(self, path: Path) -> None:
        write(path, auth_json(NEW))
        assert run(path, service := Service(), reason="unauthorized_recovery", seen=OLD).outcome == "adopted"
        assert service.asked == []

    def test_if_it_was_replaced_while_the_locks_were_waited_for(self, path: Path) -> None:
        lock = FileLock(path.with_name("auth.lock"), thread_local=False)
        lock.acquire()

        def replace() -> None:
            write(path, auth_json(NEW))
            lock.release()

        threading.Timer(0.1, replace).start()
        assert run(path, service := Service()).outcome == "adopted"
        assert service.asked == []

    def test_if_someone_else_has_signed_in(self, path: Path) -> None:
        done = run(path, service := Service(), account_id="acc-2")
        assert done.failure
        assert "not the account that was adopted" in done.failure.message
        assert service.asked == []

    def test_without_a_refresh_token(self, path: Path) -> None:
        document = auth_json(OLD)
        document["tokens"]["refresh_token"] = ""
        write(path, document)
        done = run(path, service := Service())
        assert (done.permanent, service.asked) == (True, [])

    def test_twice_after_a_refusal_for_good(self, path: Path) -> None:
        service = Service(refusal("refresh_token_expired"))
        for _ in range(3):
            done = run(path, service)
            assert done.permanent
            assert done.failure
            assert "turnout login" in done.failure.next_step
        assert service.asked == [OLD.refresh_token]
        assert verdict(path, OLD) == "sign_in_again"

    def test_while_another_program_holds_the_locks(self, path: Path) -> None:
        with FileLock(path.with_name("auth.json.lock")):
            done = run(path, service := Service())
        assert done.failure
        assert done.failure.kind is FailureKind.UPSTREAM_TIMEOUT
        assert "auth.json.lock locked" in done.failure.message
        assert (done.permanent, service.asked) == (False, [])

    @pytest.mark.parametrize(
        "error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EROFS, "Read-only file system")]
    )
    def test_if_the_answer_could_not_be_kept(self, path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
        def refuse(*_: object) -> None:
            raise error

        monkeypatch.setattr("turnout.accounts.atomic._write", refuse)
        done = run(path, service := Service())
        assert done.failure
        assert error.strerror in done.failure.message
        assert "unharmed" in done.failure.next_step
        assert (done.permanent, service.asked, kept(path)) == (False, [], OLD.refresh_token)

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}"])
    def test_for_what_cannot_be_read(self, path: Path, content: bytes) -> None:
        write(path, content)
        done = run(path, service := Service())
        assert (done.outcome, done.permanent, service.asked) == ("failed", False, [])

    def test_for_an_api_key(self, path: Path) -> None:
        write(path, {"auth_mode": "apikey", "OPENAI_API_KEY": "sk-1"})
        assert run(path, service := Service()).outcome == "adopted"
        assert service.asked == []


class TestATokenThatSomeoneElseHasUsed:
    def test_is_given_up_if_no_successor_comes(self, path: Path) -> None:
        done = run(path, Service(refusal()))
        assert done.permanent
        assert verdict(path, OLD) == "sign_in_again"

    def test_is_succeeded_by_what_they_write(self, path: Path) -> None:
        service = Service(refusal())
        service.while_asked = lambda: threading.Timer(0.1, lambda: write(path, auth_json(NEW))).start()
        assert run(path, service).outcome == "adopted"
        assert kept(path) == NEW.refresh_token

    def test_is_not_succeeded_by_another_account(self, path: Path) -> None:
        service = Service(refusal())
        service.while_asked = lambda: write(path, auth_json(tokens("acc-2")))  # type: ignore[assignment]
        assert run(path, service).permanent

    def test_is_waited_for_by_those_who_come_right_after(self, path: Path) -> None:
        service = Service(refusal())
        assert run(path, service).permanent
        threading.Timer(0.1, lambda: write(path, auth_json(NEW))).start()
        assert run(path, service).outcome == "adopted"
        assert len(service.asked) == 1


class TestARenewalThatWasBrokenOff:
    def pending(self, path: Path, login: Tokens = OLD) -> Path:
        return Place(SourceKind.CODEX, str(path)).pending(fingerprint_of(login.refresh_token))

    def test_after_its_answer_is_finished(self, path: Path) -> None:
        self.pending(path).write_bytes(documents.renewed(path.read_bytes(), NEW, NOW))
        assert run(path, service := Service()).outcome == "adopted"
        assert (service.asked, kept(path)) == ([], NEW.refresh_token)
        assert not self.pending(path).exists()

    @pytest.mark.parametrize("content", [b"", b" " * 500, b'{"auth_mode": "chatgpt", "tokens": {"acc'])
    def test_before_its_answer_is_waited_for_and_then_done_again(self, path: Path, content: bytes) -> None:
        self.pending(path).write_bytes(content)
        began = time.monotonic()
        assert run(path, service := Service()).outcome == "renewed"
        assert time.monotonic() - began > 0.3
        assert (service.asked, kept(path)) == ([OLD.refresh_token], NEW.refresh_token)

    def test_may_be_finished_by_whoever_has_the_answer(self, path: Path) -> None:
        self.pending(path).write_bytes(b"")
        answer = Answered(NEW, fingerprint_of(OLD.refresh_token))
        assert run(path, service := Service(), unwritten=answer).outcome == "renewed"
        assert (service.asked, kept(path)) == ([], NEW.refresh_token)

    def test_is_not_finished_over_a_newer_login(self, path: Path) -> None:
        newest = tokens(exp=NOW + 99_999)
        write(path, auth_json(newest))
        answer = Answered(NEW, fingerprint_of(OLD.refresh_token))
        assert run(path, Service(), unwritten=answer).outcome == "adopted"
        assert kept(path) == newest.refresh_token

    def test_of_another_account_is_not_finished(self, path: Path) -> None:
        self.pending(path).write_bytes(documents.renewed(json.dumps(auth_json(tokens("acc-2"))).encode(), NEW, NOW))
        assert run(path, service := Service()).outcome == "renewed"
        assert service.asked == [OLD.refresh_token]

    def test_long_ago_is_cleared_away(self, path: Path) -> None:
        stale = self.pending(path, tokens(exp=1))
        stale.write_bytes(b"old secrets")
        run(path, Service())
        assert not stale.exists()


def test_what_cannot_be_written_after_all_is_told_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(atomic, "replace", refuse)
    told: list[Answered] = []
    done = run(path, Service(), told=told)
    assert done.failure
    assert "was renewed, but could not be written" in done.failure.message
    assert (done.permanent, told[0].tokens) == (False, NEW)


def test_without_a_place_to_remember_a_refusal_it_is_told_all_the_same(path: Path) -> None:
    write(path.parent / "turnout", b"a file in the folder's place")
    assert run(path, Service(refusal("refresh_token_expired"))).permanent


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles" / "auth.json", auth_json(OLD))
    (tmp_path / "codex").mkdir()
    link = tmp_path / "codex" / "auth.json"
    link.symlink_to(real)
    assert run(link, Service()).outcome == "renewed"
    assert link.is_symlink()
    assert kept(real) == NEW.refresh_token
