"""A deadline that moves needs no timer for each move."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from turnout.gateway.deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock:
    """An event loop with timers and a time that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, moment: float, callback: Callable[[], None]) -> Timer:
        self.timers.append(Timer(moment, callback))
        return self.timers[-1]

    def goes_to(self, moment: float) -> None:
        while due := [timer for timer in self.timers if timer.waits and timer.when() <= moment]:
            self.now = due[0].when()
            due[0].waits = False
            due[0].callback()
        self.now = moment


class Timer:
    def __init__(self, moment: float, callback: Callable[[], None]) -> None:
        self._moment = moment
        self.callback = callback
        self.waits = True

    def when(self) -> float:
        return self._moment

    def cancel(self) -> None:
        self.waits = False


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reached() -> list[float]:
    return []


@pytest.fixture
def deadline(clock: Clock, reached: list[float]) -> Deadline:
    return Deadline(cast("asyncio.AbstractEventLoop", clock), lambda: reached.append(clock.now))


def test_it_is_reached_once(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.set_in(5)
    clock.goes_to(4.9)
    assert reached == []
    clock.goes_to(100)
    assert reached == [5]


def test_it_moves_without_a_timer_for_each_move(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    for moment in range(10):
        clock.goes_to(moment)
        deadline.set_in(20)
    assert len(clock.timers) == 1
    clock.goes_to(100)
    assert reached == [29]
    assert len(clock.timers) == 2


def test_it_may_come_nearer(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.set_in(300)
    clock.goes_to(10)
    deadline.set_in(5)
    clock.goes_to(1000)
    assert reached == [15]


def test_lifted_it_is_not_reached(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.set_in(5)
    deadline.lift()
    clock.goes_to(6)
    assert reached == []
    deadline.set_in(5)
    clock.goes_to(100)
    assert reached == [11]


def test_closed_it_leaves_no_timer_behind(clock: Clock, deadline: Deadline, reached: list[float]) -> None:
    deadline.set_in(5)
    deadline.close()
    assert not [timer for timer in clock.timers if timer.waits]
    clock.goes_to(100)
    assert reached == []
