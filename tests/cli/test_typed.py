"""Lines that are typed while something else is waited for."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from turnout.cli import typed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows' event loop cannot wait for pipes")


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> int:
    """Where to write what is typed."""
    ours, theirs = os.pipe()
    monkeypatch.setattr("sys.stdin", os.fdopen(ours))
    return theirs


async def test_lines_come_as_they_are_typed(keyboard: int) -> None:
    lines = typed.lines()
    os.write(keyboard, b"one\r\ntwo\nthr")
    assert [await anext(lines), await anext(lines)] == ["one", "two"]
    os.write(keyboard, "ee ☕\n".encode())
    assert await anext(lines) == "three ☕"
    os.write(keyboard, b"\xff and no line break")
    os.close(keyboard)
    assert await anext(lines) == "� and no line break"
    with pytest.raises(StopAsyncIteration):
        await anext(lines)


async def test_nothing_is_read_once_nobody_waits_any_more(keyboard: int) -> None:
    lines = typed.lines()
    waiting = asyncio.ensure_future(anext(lines))
    await asyncio.sleep(0.05)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    os.write(keyboard, b"for the next program\n")
    await asyncio.sleep(0.05)
    assert os.read(sys.stdin.fileno(), 100) == b"for the next program\n"
    os.close(keyboard)


async def test_a_file_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "typed").write_text("one\ntwo")
    with (tmp_path / "typed").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert [line async for line in typed.lines()] == ["one", "two"]
