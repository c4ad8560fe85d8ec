"""Interrupts end what runs, wherever they strike, and lose nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from turnout.interrupts import Ends, interruptible


def interrupted_when(begun: threading.Event) -> None:
    """Has Ctrl-C come once the work has begun."""

    def press() -> None:
        begun.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press).start()


def test_the_result_is_the_works() -> None:
    assert interruptible(lambda ends: threading.current_thread() is threading.main_thread()) is False


def test_a_failure_is_the_works() -> None:
    def fails(ends: Ends) -> None:
        raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        interruptible(fails)


def test_an_interrupt_ends_the_work_and_waits_until_it_has_put_all_away() -> None:
    begun, end = threading.Event(), threading.Event()
    order: list[str] = []

    def work(ends: Ends) -> None:
        ends.begin()
        ends.add(lambda: order.append("first begun"))
        ends.add(lambda: order.append("last begun"))
        ends.add(end.set)
        begun.set()
        assert end.wait(10)
        time.sleep(0.1)
        order.append("put away")

    interrupted_when(begun)
    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    assert order == ["last begun", "first begun", "put away"]


def test_what_begins_behind_the_interrupt_is_ended_at_once() -> None:
    begun, end = threading.Event(), threading.Event()
    ended: list[str] = []

    def work(ends: Ends) -> None:
        ends.begin()
        ends.add(end.set)
        begun.set()
        assert end.wait(10)
        ends.add(lambda: ended.append("at once"))
        ended.append("and on")

    interrupted_when(begun)
    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    assert ended == ["at once", "and on"]


def test_nothing_is_waited_for_while_there_is_nothing_to_put_away() -> None:
    begun, go_on, over = threading.Event(), threading.Event(), threading.Event()
    reached: list[str] = []

    def work(ends: Ends) -> None:
        begun.set()
        assert go_on.wait(10)
        try:
            ends.begin()
            reached.append("the work")
        finally:
            over.set()

    interrupted_when(begun)
    with pytest.raises(KeyboardInterrupt):
        interruptible(work)
    go_on.set()
    assert over.wait(10)
    assert reached == []


def test_an_interrupt_that_python_would_ignore_comes_again() -> None:
    code = """
import signal, time, weakref
from turnout import interrupts

class Held:
    pass

interrupts.repeat_lost_ones()
held = Held()
reference = weakref.ref(held, lambda _: signal.raise_signal(signal.SIGINT))
try:
    del held
    time.sleep(10)
except KeyboardInterrupt:
    print("came again")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=8, check=False)
    assert (done.stdout, done.stderr) == ("came again\n", "")


def test_other_ignored_exceptions_are_told_as_ever() -> None:
    code = """
import weakref
from turnout import interrupts

class Held:
    pass

interrupts.repeat_lost_ones()
held = Held()
reference = weakref.ref(held, lambda _: 1 / 0)
del held
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=8, check=False)
    assert "ZeroDivisionError" in done.stderr
