"""The sign-in service that the tests of accounts talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from turnout.simulator import Account, Simulator

BOB = Account(account_id="0b0b0b0b-7a4e-4d8e-9a55-51b0a70f0002", user_id="user-2", email="bob@example.com", plan="plus")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(accounts=(Account(), BOB)) as running:
        yield running
