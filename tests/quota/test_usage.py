"""The usage endpoint: asked when figures are old, never faster than allowed. Against the simulator."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from turnout.accounts.store import Accounts
from turnout.config import AccountsSettings, CodexSettings, Config, Timing
from turnout.protocol.errors import TurnoutError
from turnout.quota.board import Board
from turnout.quota.usage import PAUSE_SECONDS, UsageEndpoint
from turnout.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Asker:
    """A process that wants to know, with a clock of its own."""

    def __init__(self, sim: Simulator, folder: Path) -> None:
        sim.write_auth_json(folder)
        config = Config(
            codex=CodexSettings(base_url=f"{sim.url}/backend-api", home=str(folder)),
            accounts=AccountsSettings(issuer=sim.url, folder=str(folder / "accounts")),
            timing=Timing(connect=1.0),
        )
        self.later = 0.0
        self.board = Board(folder / "quota.json", self.now)
        self.accounts = Accounts(config, {})
        self.endpoint = UsageEndpoint(config, {}, self.accounts, self.board, self.now)

    def now(self) -> float:
        import time

        return time.time() + self.later


@pytest.fixture
async def asker(sim: Simulator, tmp_path: Path) -> AsyncIterator[Asker]:
    made = Asker(sim, tmp_path)
    yield made
    await made.board.close()
    await made.accounts.close()


def questions(sim: Simulator) -> list[str]:
    return [call.path for call in sim.calls if "usage" in call.path]


async def test_the_figures_are_fetched(sim: Simulator, asker: Asker) -> None:
    found = await asker.endpoint.fresh("ada")
    assert found
    assert [(window.used_percent, window.minutes) for window in found.windows] == [(12.0, 300), (3.0, 10_080)]
    assert (found.plan, found.origin) == ("pro", "usage")
    assert questions(sim) == ["/backend-api/wham/usage"]
    assert sim.calls[-1].headers["chatgpt-account-id"] == sim.account.account_id
    assert asker.board.get("ada") == found


async def test_nobody_is_asked_again_within_two_minutes(sim: Simulator, asker: Asker) -> None:
    for asker.later in (0, 60, PAUSE_SECONDS - 1):
        await asker.endpoint.fresh("ada")
    assert len(questions(sim)) == 1
    asker.later = PAUSE_SECONDS + 1
    await asker.endpoint.fresh("ada")
    assert len(questions(sim)) == 2


async def test_nor_by_another_process(sim: Simulator, asker: Asker, tmp_path: Path) -> None:
    await asker.endpoint.fresh("ada")
    await asker.board.save_beside()
    other = Asker(sim, tmp_path)
    assert await other.endpoint.fresh("ada") == asker.board.get("ada")
    await other.accounts.close()
    assert len(questions(sim)) == 1


@pytest.mark.parametrize("fault", ["500", "429", "html-200", "truncated-200"])
async def test_nor_after_a_failure_which_leaves_what_was_known(sim: Simulator, asker: Asker, fault: str) -> None:
    known = await asker.endpoint.fresh("ada")
    asker.later = PAUSE_SECONDS + 1
    sim.account_fault(fault, path="usage", times=5)
    with pytest.raises(TurnoutError):
        await asker.endpoint.fresh("ada")
    assert await asker.endpoint.fresh("ada") == known
    assert len(questions(sim)) == 2


async def test_figures_of_answers_count_as_well(sim: Simulator, asker: Asker) -> None:
    from tests.quota.conftest import quota

    account = asker.accounts.get("ada")
    asker.board.saw(quota(tag=account.tag, seen_at=asker.now()))
    await asker.endpoint.fresh("ada")
    assert not questions(sim)


async def test_a_refused_login_is_renewed_and_the_question_asked_once_more(sim: Simulator, asker: Asker) -> None:
    sim.account_fault("expired", path="usage")
    found = await asker.endpoint.fresh("ada")
    assert found
    assert len(questions(sim)) == 2


async def test_an_account_that_is_not_there(asker: Asker) -> None:
    with pytest.raises(TurnoutError, match="no account called 'bob'"):
        await asker.endpoint.fresh("bob")


async def test_the_address_of_a_backend_of_the_other_style(asker: Asker) -> None:
    config = Config(codex=CodexSettings(base_url="http://127.0.0.1:9/"), timing=Timing(connect=1.0))
    endpoint = UsageEndpoint(config, {}, asker.accounts, asker.board)
    assert endpoint.url == "http://127.0.0.1:9/api/codex/usage"
    with contextlib.suppress(TurnoutError):
        await endpoint.fresh("ada")
