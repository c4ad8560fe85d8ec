"""Folders for the time of one command, which Ctrl-C at the wrong moment does not leave behind."""

from __future__ import annotations

import signal
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INTERRUPTS = (signal.SIGINT, signal.SIGTERM)


class ScratchFolder(tempfile.TemporaryDirectory[str]):
    """A folder that only its owner may look into, gone with all that is in it at the end of the `with` block.

    `tempfile` does not know of a folder yet when an interrupt comes right after it was made, and has forgotten it when
    one comes while it is being removed; so interrupts wait for both, some milliseconds.
    """

    def __init__(self, prefix: str, parent: Path | None = None, *, ignore_cleanup_errors: bool = False) -> None:
        """It is made in ``parent``, or where the system keeps such folders. Raises OSError."""
        with _uninterrupted():
            super().__init__(prefix=prefix, dir=parent, ignore_cleanup_errors=ignore_cleanup_errors)

    def cleanup(self) -> None:
        """Removes it; does nothing the second time. Raises OSError."""
        with _uninterrupted():
            super().cleanup()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Interrupts that come within are raised at the end; only the main thread gets any."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    # None is the handler of a program around us that is not Python's: it cannot be put back, so it is left alone.
    before = {number: handler for number in INTERRUPTS if (handler := signal.getsignal(number)) is not None}
    try:
        for number in before:
            signal.signal(number, lambda number, _: waiting.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for first in waiting[:1]:
            signal.raise_signal(first)
