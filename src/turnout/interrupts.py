"""Ctrl-C at any moment: work that has something to put away is done where an interrupt cannot strike.

Python raises `KeyboardInterrupt` in the main thread between any two steps: in the middle of an import or of a library
that gives it up for another exception, in a callback whose exceptions are ignored. There it is lost, or what was just
begun is.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    T = TypeVar("T")

LOOK_SECONDS = 0.2
"""How often the main thread looks up; only on Windows does an interrupt wait for that."""

AGAIN_SECONDS = 0.01
"""How long after the loss of an interrupt it comes again: Python is done with what it was in then."""


class Ends:
    """How to end what a piece of work has begun. Of use in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun = self._come = False
        self._ends: list[Callable[[], None]] = []

    def begin(self) -> None:
        """From here on there is something to put away: what was before may be left as it is.

        Raises `KeyboardInterrupt` if the work is to end already.
        """
        with self._lock:
            if self._come:
                raise KeyboardInterrupt
            self._begun = True

    def add(self, end: Callable[[], None]) -> None:
        """Has ``end`` called, from another thread, when the work is to end: at once if it is already."""
        with self._lock:
            if not self._come:
                self._ends.append(end)
                return
        end()

    def come(self) -> bool:
        """Ends all that was added, the last first, and all that is added from now on. False if nothing has begun."""
        with self._lock:
            self._come = True
            ends, self._ends = self._ends[::-1], []
        for end in ends:
            end()
        return self._begun


def interruptible(work: Callable[[Ends], T]) -> T:
    """Does the work in a thread of its own, while this one does nothing but wait for it and for interrupts.

    At an interrupt the work is ended as it said, its clearing up is waited for, and `KeyboardInterrupt` is raised; a
    second interrupt does not wait. Raises what the work raises.
    """
    ends = Ends()
    done: SimpleQueue[Callable[[], T]] = SimpleQueue()

    def run() -> None:
        try:
            result = work(ends)
        except BaseException as error:  # noqa: BLE001 (raised in the thread that waits)
            failure = error

            def outcome() -> T:
                raise failure

        else:

            def outcome() -> T:
                return result

        done.put(outcome)

    thread = threading.Thread(target=run, name="turnout-work", daemon=True)
    try:
        thread.start()
        return _next(done)()
    except KeyboardInterrupt:
        if ends.come():
            thread.join()
        raise


def _next(done: SimpleQueue[Callable[[], T]]) -> Callable[[], T]:
    while True:
        try:
            return done.get(timeout=LOOK_SECONDS)
        except Empty:
            continue


def repeat_lost_ones() -> None:
    """From now on an interrupt that comes where Python ignores exceptions, as in a weak reference's callback, is raised
    again behind it."""
    report = sys.unraisablehook

    def look(lost: sys.UnraisableHookArgs) -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            # Not at once, which would be here, but as a signal of its own, which wakes from waiting too.
            threading.Timer(AGAIN_SECONDS, _interrupt).start()
        else:
            report(lost)

    sys.unraisablehook = look


def _interrupt() -> None:
    main = threading.main_thread().ident
    if main is not None and sys.platform != "win32":
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()
