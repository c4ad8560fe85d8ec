"""Signing in on another device, against the simulated service."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.conftest import ADA
from tests.accounts.login.user import browse
from turnout.accounts.login import device
from turnout.accounts.token_client import DeviceCode, TokenError
from turnout.protocol.errors import FailureKind, TurnoutError

if TYPE_CHECKING:
    from turnout.accounts.token_client import TokenClient
    from turnout.simulator import Simulator

TOKEN_PATH = "/api/accounts/deviceauth/token"


class Clock:
    """A clock that sleeping moves on; nobody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


async def sign_in(client: TokenClient, clock: Clock, invited: list[DeviceCode] | None = None) -> str:
    codes = [] if invited is None else invited
    tokens = await device.sign_in(client, invite=codes.append, clock=clock, sleep=clock.sleep)
    return tokens.account_id


async def test_a_login(sim: Simulator, client: TokenClient) -> None:
    sim.settings.device_polls = 3
    clock, invited = Clock(), list[DeviceCode]()
    assert await sign_in(client, clock, invited) == ADA.account_id
    assert clock.slept == [5.0] * 4, "the interval comes as a text"
    assert invited[0].verification_url == f"{sim.url}/codex/device"
    assert len(invited[0].user_code) == 10


async def test_it_ends_once_the_user_has_entered_the_code(sim: Simulator, client: TokenClient) -> None:
    sim.settings.device_polls, sim.settings.device_interval = None, 0.0
    codes: list[DeviceCode] = []
    signing_in = asyncio.create_task(device.sign_in(client, invite=codes.append))
    while not codes:
        await asyncio.sleep(0.01)
    page = await browse(f"{codes[0].verification_url}?user_code={codes[0].user_code}")
    assert page.status == 200
    assert (await signing_in).account_id == ADA.account_id


async def test_an_interval_of_nothing_is_no_hammering(sim: Simulator, client: TokenClient) -> None:
    sim.settings.device_interval = 0.0
    clock = Clock()
    await sign_in(client, clock)
    assert min(clock.slept) == 1.0


async def test_nobody_enters_the_code(sim: Simulator, client: TokenClient) -> None:
    sim.settings.device_polls = None
    clock = Clock()
    with pytest.raises(TurnoutError, match="has expired") as late:
        await sign_in(client, clock)
    assert "turnout login --device" in late.value.failure.next_step
    assert 880 < sum(clock.slept) <= 900


async def test_it_is_not_offered(sim: Simulator, client: TokenClient) -> None:
    sim.settings.device_login = False
    with pytest.raises(device.NotOffered, match="not enabled") as refused:
        await sign_in(client, Clock())
    assert "turnout login" in refused.value.failure.next_step


@pytest.mark.parametrize("fault", ["500", "drop", "drop-before"])
async def test_what_passes_is_waited_out(sim: Simulator, client: TokenClient, fault: str) -> None:
    sim.settings.device_polls = 2
    sim.account_fault(fault, times=3, path=TOKEN_PATH)
    if fault == "drop":
        sim.settings.device_polls = 10  # a grant whose answer is lost is lost
    assert await sign_in(client, Clock()) == ADA.account_id


async def test_it_asks_less_often_when_told_to(sim: Simulator, client: TokenClient) -> None:
    sim.account_fault("429:30", path=TOKEN_PATH)
    clock = Clock()
    await sign_in(client, clock)
    assert clock.slept[0] == 5.0
    assert set(clock.slept[1:]) == {30.0}


async def test_what_does_not_pass_ends_it(sim: Simulator, client: TokenClient) -> None:
    sim.account_fault("500", times=10, path=TOKEN_PATH)
    clock = Clock()
    with pytest.raises(TokenError) as failed:
        await sign_in(client, clock)
    assert failed.value.failure.kind is FailureKind.UPSTREAM_ERROR
    assert len(clock.slept) == device.PATIENCE


async def test_a_code_that_the_service_no_longer_knows_ends_it_at_once(
    sim: Simulator, client: TokenClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.simulator.issuer.DEVICE_SECONDS", 0.0)
    clock = Clock()
    with pytest.raises(TokenError):
        await sign_in(client, clock)
    assert len(clock.slept) == 1


async def test_the_exchange_fails(sim: Simulator, client: TokenClient) -> None:
    sim.account_fault("500", path="/oauth/token")
    with pytest.raises(TokenError, match="failed"):
        await sign_in(client, Clock())
