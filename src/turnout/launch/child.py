"""Runs a program with the terminal handed over to it: input, output, signals and exit code are the program's own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FORWARDED = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGBREAK") if hasattr(signal, name)
)
"""Signals that reach this process alone and are meant for the program. Ctrl-C and a change of the window's size come
from the terminal, which tells the program itself."""

FROM_TERMINAL = tuple(getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name))


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    started: Callable[[subprocess.Popen[bytes]], None] = lambda process: None,
) -> int:
    """Runs the program to its end and gives its exit code; 128 + N if signal N ended it, as shells do.

    ``started`` is called once it runs. Raises `OSError` if it cannot be started. Call it from the main thread: signal
    handlers live there.
    """
    with _signals_waiting() as forward:
        child = subprocess.Popen(command, env=dict(environ))
        forward(child)
        started(child)
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _signals_waiting() -> Iterator[_Forwarder]:
    """Leaves Ctrl-C to the program and passes other signals on, for as long as the program runs."""
    forward = _Forwarder()
    # A handler, not SIG_IGN: an ignored signal would stay ignored in the program too.
    before = {number: signal.signal(number, lambda *_: None) for number in FROM_TERMINAL}
    before |= {number: signal.signal(number, forward.send) for number in FORWARDED}
    try:
        yield forward
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Forwarder:
    """Passes signals on to the program; one that comes before the program is there is kept for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def __call__(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        for number in self._early:
            child.send_signal(number)

    def send(self, number: int, frame: object) -> None:
        if self._child is None:
            self._early.append(number)
        elif self._child.poll() is None:
            self._child.send_signal(number)
