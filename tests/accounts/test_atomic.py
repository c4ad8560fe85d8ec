"""Writing credential files: whole or not at all, for their owner only."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from turnout.accounts import atomic


def replacement(folder: Path, reserve: int = 100) -> atomic.Replacement:
    return atomic.Replacement(folder / "file", folder / ".file.new", reserve)


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_made_with_its_folder_for_the_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    atomic.write(target, b"content")
    assert target.read_bytes() == b"content"
    assert target.stat().st_mode & 0o777 == 0o600
    assert target.parent.stat().st_mode & 0o777 == 0o700
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 500])
def test_the_new_content_may_be_shorter_or_longer_than_what_was_reserved(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with replacement(tmp_path) as made:
        assert (tmp_path / "file").read_bytes() == b"old"
        made.commit(content)
    assert (tmp_path / "file").read_bytes() == content
    assert names(tmp_path) == ["file"]


def test_what_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    with replacement(tmp_path):
        assert (tmp_path / ".file.new").stat().st_size == 100
    assert names(tmp_path) == []
    with pytest.raises(ZeroDivisionError), replacement(tmp_path):
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_it_is_used_once(tmp_path: Path) -> None:
    with replacement(tmp_path) as made:
        made.commit(b"x")
        with pytest.raises(RuntimeError):
            made.commit(b"y")


def test_a_full_disk_is_met_before_anything_has_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        replacement(tmp_path)
    assert names(tmp_path) == []


def test_a_disk_that_takes_little_at_a_time_gets_it_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_write = os.write
    monkeypatch.setattr(os, "write", lambda file, content: really_write(file, bytes(content[:3])))
    atomic.write(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_sync = os.fsync

    def sync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        really_sync(handle)

    monkeypatch.setattr(os, "fsync", sync)
    atomic.write(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_users_file_stays_theirs_under_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    monkeypatch.setattr(os, "fchown", lambda file, user, group: given.append((user, group)))
    (tmp_path / "file").write_bytes(b"old")
    atomic.write(tmp_path / "file", b"new")
    owner = (tmp_path / "file").stat()
    assert given == [(owner.st_uid, owner.st_gid)]
