"""Scratch folders leave nothing behind, whenever the interrupt comes."""

from __future__ import annotations

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from turnout.scratch import ScratchFolder


def test_it_is_its_owners_alone_and_goes_with_all_that_is_in_it(tmp_path: Path) -> None:
    with ScratchFolder("turnout-", tmp_path) as folder:
        assert Path(folder).parent == tmp_path
        assert Path(folder).stat().st_mode & 0o777 == 0o700
        (Path(folder) / "file").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def made_and_interrupted(*arguments: Any, **options: Any) -> None:
        mkdir(*arguments, **options)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(os, "mkdir", made_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        ScratchFolder("turnout-", tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_while_it_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def removed_and_interrupted(*arguments: Any, **options: Any) -> None:
        unlink(*arguments, **options)
        signal.raise_signal(signal.SIGINT)

    folder = ScratchFolder("turnout-", tmp_path)
    for name in "abc":
        (Path(folder.name) / name).write_text("x")
    monkeypatch.setattr(os, "unlink", removed_and_interrupted)
    with pytest.raises(KeyboardInterrupt):
        folder.cleanup()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_before_it_is_removed_is_the_blocks_own(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), ScratchFolder("turnout-", tmp_path):
        signal.raise_signal(signal.SIGINT)
    assert list(tmp_path.iterdir()) == []


def test_it_can_be_made_in_any_thread(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        folder = pool.submit(ScratchFolder, "turnout-", tmp_path).result()
        pool.submit(folder.cleanup).result()
    assert list(tmp_path.iterdir()) == []


def test_it_may_have_gone_already(tmp_path: Path) -> None:
    with ScratchFolder("turnout-", tmp_path, ignore_cleanup_errors=True) as folder:
        shutil.rmtree(folder)
    assert list(tmp_path.iterdir()) == []
