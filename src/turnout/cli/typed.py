"""Lines that the user types or pastes while something else is waited for too.

Reads standard input only while someone waits for a line: what is typed later belongs to whatever runs next in this
terminal.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PIECE = 65_536
POLL_SECONDS = 0.05


async def lines() -> AsyncIterator[str]:
    """Lines of standard input until it ends, without their line breaks."""
    if sys.platform == "win32" and sys.stdin.isatty():
        async for line in _console_lines():
            yield line
        return
    pending = b""
    number = sys.stdin.fileno()
    while piece := await _piece(number):
        *whole, pending = (pending + piece).split(b"\n")
        for each in whole:
            yield each.decode("utf-8", "replace").rstrip("\r")
    if pending:
        yield pending.decode("utf-8", "replace")


async def _piece(number: int) -> bytes:
    """What there is to read, once there is something; empty at the end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(number, ready.set)
    except (NotImplementedError, OSError):
        # A file can always be read; Windows' loop cannot wait for pipes.
        return await asyncio.to_thread(os.read, number, PIECE)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(number)
    return os.read(number, PIECE)


async def _console_lines() -> AsyncIterator[str]:
    """Lines from Windows' console, which can only be asked whether a key was pressed."""
    if sys.platform != "win32":
        raise RuntimeError("This is for Windows.")
    import msvcrt

    typed: list[str] = []
    while True:
        if not msvcrt.kbhit():
            await asyncio.sleep(POLL_SECONDS)
            continue
        match msvcrt.getwche():
            case "\r" | "\n":
                msvcrt.putwch("\r")
                msvcrt.putwch("\n")
                yield "".join(typed)
                typed.clear()
            case "\b":
                msvcrt.putwch(" ")
                msvcrt.putwch("\b")
                del typed[-1:]
            case "\x03":
                raise KeyboardInterrupt
            case "\x1a":
                return
            case character:
                typed.append(character)
