"""The catalogue stays fresh: when the upstream is asked, and when it is not. One process, no HTTP server."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.discovery.conftest import User
from turnout.accounts.store import Accounts
from turnout.config import Timing
from turnout.discovery.catalogues import Catalogues
from turnout.gateway.live import Live
from turnout.gateway.refreshing import ETAG, Refresher
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.simulator import Simulator
from turnout.upstream import build

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from turnout.accounts.credential import Credential


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def user(sim: Simulator, tmp_path: Path) -> User:
    return User(sim, tmp_path)


class Keeping:
    """A gateway's catalogue, its upstreams, and the one who keeps it fresh."""

    def __init__(self, user: User, **settings: Any) -> None:
        models = replace(user.config().models, refresh=settings.pop("refresh", 3600.0))
        openai = replace(user.config().openai, api_key="")
        config = replace(user.config(), models=models, openai=openai, timing=Timing(connect=0.5))
        self.user = user
        self.accounts = Accounts(config, user.environ)
        upstreams = build(config, accounts=self.accounts, environ=user.environ)
        catalogues = Catalogues(user.environ, seconds=0.5)
        self.live = Live(config, catalogues.known(config), upstreams)
        self.refresher = Refresher(self.live, catalogues, **settings)

    async def credential(self) -> Credential:
        return await self.live.snapshot.upstreams["codex"].credential()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.refresher.close()
        await self.live.close()
        await self.accounts.close()

    @property
    def asked(self) -> int:
        return len(self.user.asked)


@pytest.fixture
async def keep(user: User) -> AsyncIterator[Callable[..., Keeping]]:
    """Begins to keep a catalogue fresh: ``keep(refresh=0.1)``."""
    async with contextlib.AsyncExitStack() as stack:

        def begin(**settings: Any) -> Keeping:
            keeping = Keeping(user, **settings)
            stack.push_async_callback(keeping.close)
            keeping.refresher.start()
            return keeping

        yield begin


async def test_an_answer_that_tells_of_a_change_has_it_fetched(keep: Callable[..., Keeping], user: User) -> None:
    keeping = keep(quiet=0.0)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    credential = await keeping.credential()
    keeping.refresher.notice(credential, {ETAG: keeping.live.catalogue.etag})
    keeping.refresher.notice(credential, {})
    await asyncio.sleep(0.1)
    assert keeping.asked == 1

    user.sim.settings.absent = {"gpt-6.1-sol"}
    keeping.refresher.notice(credential, {ETAG: 'W/"another"'})
    await keeping.until(lambda: keeping.live.catalogue.get("gpt-6.1-sol") is None)
    assert keeping.asked == 2


async def test_a_mark_that_fits_nobody_is_not_asked_about_all_the_time(keep: Callable[..., Keeping]) -> None:
    keeping = keep(quiet=300.0)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    for _ in range(100):
        keeping.refresher.notice(await keeping.credential(), {ETAG: 'W/"another"'})
    await asyncio.sleep(0.1)
    assert keeping.asked == 1


async def test_what_is_told_to_another_account_says_nothing_of_ours(keep: Callable[..., Keeping]) -> None:
    keeping = keep(quiet=0.0)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    other = replace(await keeping.credential(), account_id="another")
    keeping.refresher.notice(other, {ETAG: 'W/"another"'})
    await asyncio.sleep(0.1)
    assert keeping.asked == 1


async def test_failures_are_told_once_and_the_last_good_catalogue_stays(
    keep: Callable[..., Keeping], user: User, log_lines: io.StringIO
) -> None:
    before = len(log_lines.getvalue())
    keeping = keep(refresh=0.05, first_pause=0.02)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    good = keeping.live.catalogue
    user.sim.account_fault("500", times=1000, path="/models")
    asked = keeping.asked
    await keeping.until(lambda: keeping.asked > asked + 3)
    assert keeping.live.catalogue.all() == good.all()
    assert keeping.refresher.problem is not None
    assert log_lines.getvalue()[before:].count("models_not_refreshed") == 1
    user.sim.reset()
    await keeping.until(lambda: keeping.refresher.problem is None)
    assert log_lines.getvalue()[before:].count("models_refreshed") >= 1


async def test_pauses_after_failures_grow_up_to_the_usual_interval(keep: Callable[..., Keeping], user: User) -> None:
    user.sim.account_fault("500", times=1000, path="/models")
    keeping = keep(refresh=0.5, first_pause=0.15)
    await keeping.until(lambda: keeping.asked >= 4)
    times = [call.received_at for call in user.asked]
    for place, pause in enumerate((0.15, 0.3, 0.5)):
        assert times[place + 1] - times[place] > pause - 0.02


async def test_a_hanging_server_holds_up_only_the_question(keep: Callable[..., Keeping], user: User) -> None:
    user.sim.account_fault("hang", path="/models")
    keeping = keep(first_pause=0.05)
    await keeping.until(lambda: keeping.refresher.problem is not None)
    assert keeping.refresher.problem is not None
    assert keeping.refresher.problem.kind is FailureKind.UPSTREAM_TIMEOUT
    await keeping.until(lambda: keeping.live.catalogue.source == "live")


async def test_without_a_login_nobody_is_asked_until_there_is_one(keep: Callable[..., Keeping], user: User) -> None:
    login = user.codex / "auth.json"
    content = login.read_bytes()
    login.unlink()
    keeping = keep(first_pause=0.05)
    await keeping.until(lambda: keeping.refresher.problem is not None)
    assert keeping.asked == 0
    with pytest.raises(TurnoutError):
        await keeping.refresher.now()
    login.write_bytes(content)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")


async def test_another_client_version_has_the_catalogue_fetched_anew(keep: Callable[..., Keeping]) -> None:
    keeping = keep()
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    config = keeping.live.config
    keeping.live.use_config(replace(config, strict=True))
    await asyncio.sleep(0.05)
    assert keeping.asked == 1
    keeping.live.use_config(replace(config, codex=replace(config.codex, client_version="0.153.0")))
    assert keeping.live.catalogue.get("gpt-6-sol") is None, "at once, by the facts that are known"
    await keeping.until(lambda: keeping.asked == 2)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    assert keeping.live.catalogue.get("gpt-6-sol") is None


async def test_what_another_gateway_has_fetched_meanwhile_is_taken_over(
    keep: Callable[..., Keeping], user: User
) -> None:
    keeping = keep(refresh=0.4)
    await keeping.until(lambda: keeping.live.catalogue.source == "live")
    user.sim.settings.absent = {"gpt-6.1-sol"}
    other = Catalogues(user.environ)
    await other.ask(keeping.live.config, keeping.live.snapshot.upstreams["codex"])
    await keeping.until(lambda: keeping.live.catalogue.source == "cache")
    assert keeping.live.catalogue.get("gpt-6.1-sol") is None
