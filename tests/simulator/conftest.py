"""A fresh simulator for each test that talks to one."""

from collections.abc import Iterator

import pytest

from turnout.simulator import Simulator


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(seed=1) as running:
        yield running
