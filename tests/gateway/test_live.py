"""What is in force: taken once by each request, and old upstreams closed when nobody holds them any more."""

from __future__ import annotations

import asyncio
from typing import cast

import msgspec

from turnout.config import Config
from turnout.gateway.live import Live
from turnout.models.catalogue import Catalogue
from turnout.upstream.base import Upstream


class Pool:
    """An upstream of which only the end matters."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


def upstreams(**pools: Pool) -> dict[str, Upstream]:
    return cast("dict[str, Upstream]", dict(pools))


STRICT = msgspec.structs.replace(Config(), strict=True)


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_who_is_told_sees_the_change() -> None:
    before, after = Catalogue.bundled(), Catalogue(())
    live = Live(Config(), before, {})
    seen: list[tuple[bool, Catalogue]] = []
    live.subscribe(lambda: seen.append((live.config.strict, live.catalogue)))
    live.use_config(STRICT)
    live.use_catalogue(after)
    assert seen == [(True, before), (True, after)]


async def test_a_request_keeps_what_it_began_with() -> None:
    live = Live(Config(), Catalogue.bundled(), {})
    with live.hold() as now:
        live.use_config(STRICT)
        assert (now.config.strict, live.config.strict) == (False, True)


async def test_routes_are_kept_for_as_long_as_nothing_has_changed() -> None:
    live = Live(Config(), Catalogue.bundled(), {})
    routers = [live.snapshot.router, live.snapshot.router]
    live.use_config(STRICT)
    routers.append(live.snapshot.router)
    live.use_catalogue(Catalogue.bundled())
    routers.append(live.snapshot.router)
    assert routers[0] is routers[1]
    assert len(set(map(id, routers))) == 3


async def test_an_upstream_is_closed_when_the_last_request_that_holds_it_ends() -> None:
    old, new, other = Pool(), Pool(), Pool()
    live = Live(Config(), Catalogue.bundled(), upstreams(codex=old, openai=other))
    with live.hold():
        with live.hold():
            live.use_config(STRICT, upstreams(codex=new, openai=other))
            await settle()
        await settle()
        assert old.closed == 0
    await settle()
    assert (old.closed, new.closed, other.closed) == (1, 0, 0)


async def test_an_upstream_that_nobody_holds_is_closed_at_once() -> None:
    old = Pool()
    live = Live(Config(), Catalogue.bundled(), upstreams(codex=old))
    live.use_config(STRICT, upstreams(codex=Pool()))
    await settle()
    assert old.closed == 1


async def test_an_upstream_that_comes_back_while_it_is_held_stays_open() -> None:
    first, second = Pool(), Pool()
    live = Live(Config(), Catalogue.bundled(), upstreams(codex=first))
    with live.hold():
        live.use_config(STRICT, upstreams(codex=second))
        live.use_config(Config(), upstreams(codex=first))
    await settle()
    assert (first.closed, second.closed) == (0, 1)


async def test_the_end_closes_all_of_them() -> None:
    old, new = Pool(), Pool()
    live = Live(Config(), Catalogue.bundled(), upstreams(codex=old))
    with live.hold():
        live.use_config(STRICT, upstreams(codex=new))
        await live.close()
    assert (old.closed, new.closed) == (1, 1)
