"""A simulated sign-in service, a client that asks it, and the two ports to which browsers come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.ports import held
from turnout.accounts.token_client import TokenClient
from turnout.config import AccountsSettings, Config
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator

ADA = Account()
BOB = Account(account_id="5e0f1a52-7a4e-4d8e-9a55-51b0a70f0002", email="bob@example.com", plan="plus")


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(accounts=(ADA, BOB)) as running:
        yield running


@pytest.fixture
def config(sim: Simulator) -> Config:
    return Config(accounts=AccountsSettings(issuer=sim.url))


@pytest.fixture
def client(config: Config) -> TokenClient:
    return TokenClient(config, {}, seconds=5)


@pytest.fixture
def callback_ports() -> Iterator[None]:
    """Holds the two ports to which browsers come back."""
    with held():
        yield
