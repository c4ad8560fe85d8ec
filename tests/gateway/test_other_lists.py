"""The models of a gateway's other upstreams: asked for in the background, listed, and reached by their names."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from msgspec.structs import replace

from tests.discovery.lister import Lister
from tests.gateway.client import message, send, wait_for
from tests.gateway.conftest import config
from turnout.accounts.store import Accounts
from turnout.config import Config, CustomUpstream, ModelsSettings, UpstreamSwitches
from turnout.discovery.catalogues import Catalogues
from turnout.gateway.live import Live
from turnout.gateway.other_lists import OtherLists
from turnout.gateway.server import RunningGateway
from turnout.models.catalogue import Catalogue
from turnout.routing.mapping import Nothing
from turnout.upstream import build

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from turnout.simulator import Simulator
    from turnout.upstream.base import Upstream

    Start = Callable[..., RunningGateway]

LISTED = [facts.slug for facts in Catalogue.bundled().listed()]


@pytest.fixture
def box() -> Iterator[Lister]:
    with Lister({"id": "qwen", "name": "Qwen", "max_model_len": 100_000}, "claude-clone", "gpt-5.5-high") as lister:
        yield lister


@pytest.fixture
def start(sim: Simulator, home: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts gateways that ask by themselves, of one user: ``start(box=CustomUpstream(...))``."""
    running: list[RunningGateway] = []

    def begin(
        *, refresh: float = 3600.0, environ: dict[str, str] | None = None, **own: CustomUpstream
    ) -> RunningGateway:
        base = config(f"{sim.codex_url}/responses", home, timing={"connect": 0.3})
        switches = UpstreamSwitches(openai="off")
        made = replace(base, models=ModelsSettings(refresh=refresh), custom=own, upstreams=switches)
        variables = {"TURNOUT_HOME": str(tmp_path), **(environ or {})}
        running.append(RunningGateway(made, environ=variables, refreshes=True))
        return running[-1].__enter__()

    yield begin
    for gateway in running:
        gateway.__exit__(None, None, None)


def own(gateway: RunningGateway) -> dict[str, Any]:
    """What the gateway tells of its models."""
    found: dict[str, Any] = send(gateway, method="GET", path="/turnout/models").json
    return found


def of(gateway: RunningGateway, upstream: str) -> list[str]:
    return [model["slug"] for model in own(gateway)["models"] if model["upstream"] == upstream]


def state(gateway: RunningGateway, upstream: str = "box") -> dict[str, Any]:
    (found,) = [each for each in own(gateway)["lists"] if each["upstream"] == upstream]
    return dict(found)


def ids(gateway: RunningGateway) -> list[str]:
    """What the real OpenAI client lists."""
    client = openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.token, max_retries=0)
    return [model.id for model in client.models.list()]


def test_every_client_lists_the_models_of_an_upstream_of_ones_own(start: Start, box: Lister) -> None:
    gateway = start(box=CustomUpstream(base_url=box.url, model="qwen", models={"fast": "qwen"}))
    wait_for(lambda: len(of(gateway, "box")) == 4)
    names = ["box/qwen", "box/fast", "box/claude-clone", "box/gpt-5.5-high"]
    assert ids(gateway) == [*LISTED, *names]
    client = openai.OpenAI(base_url=f"{gateway.base_url}/v1", api_key=gateway.token, max_retries=0)
    one = client.models.retrieve("box/qwen")
    assert (one.id, one.owned_by, one.model_extra) == ("box/qwen", "box", {"context_window": 95_000})
    claude = anthropic.Anthropic(base_url=gateway.base_url, auth_token=gateway.token, max_retries=0)
    assert [model.id for model in claude.models.list(limit=3)][-4:] == [f"anthropic/{name}" for name in names]
    qwen = claude.models.retrieve("anthropic/box/qwen")
    assert (qwen.display_name, qwen.max_input_tokens) == ("Qwen (box)", 95_000)
    found = own(gateway)
    (told,) = [model for model in found["models"] if model["slug"] == "box/qwen"]
    assert (told["upstream"], told["window"], told["window_known"]) == ("box", 100_000, True)
    assert [model["upstream"] for model in found["models"] if "/" not in model["slug"]].count("codex") > 5
    assert state(gateway)["state"] == "listed"


def test_listed_names_are_names_that_requests_may_have(start: Start, sim: Simulator, box: Lister) -> None:
    """Also where a name looks like one of Claude's, or as if it said an effort."""
    box.answer = {"data": [{"id": "claude-opus-5-5"}, {"id": "gpt-5.5-high"}, {"id": "default"}, {"id": "a/b:free"}]}
    gateway = start(box=CustomUpstream(base_url=box.url, wire="chat", model="qwen"))
    wait_for(lambda: len(of(gateway, "box")) == 5)
    for name in ids(gateway)[len(LISTED) :]:
        answer = send(gateway, method="GET", path=f"/v1/models/{name}")
        assert answer.status == 200
        router = gateway.gateway.live.snapshot.router
        found = router.route(router.question(Nothing(f"anthropic/{name}[1m]")))
        assert (found.upstream, f"box/{found.model}") == ("box", name)
    assert sim.requests == []


def test_the_start_and_requests_wait_for_no_list(start: Start, box: Lister, sim: Simulator) -> None:
    box.seconds = 5
    begun = time.monotonic()
    gateway = start(box=CustomUpstream(base_url=box.url))
    wait_for(lambda: bool(box.asked))
    assert send(gateway, message()).status == 200
    assert time.monotonic() - begun < 4
    assert state(gateway)["state"] == "unasked"


def test_a_failure_is_told_once_and_what_is_known_stays(start: Start, box: Lister, log_lines: io.StringIO) -> None:
    before = len(log_lines.getvalue())
    gateway = start(refresh=0.1, box=CustomUpstream(base_url=box.url))
    wait_for(lambda: len(of(gateway, "box")) == 3)
    box.status = 500
    asked = len(box.asked)
    wait_for(lambda: bool(state(gateway)["problem"]) and len(box.asked) > asked + 2)
    assert log_lines.getvalue()[before:].count("models_not_refreshed") == 1
    assert ids(gateway)[len(LISTED) :] == ["box/qwen", "box/claude-clone", "box/gpt-5.5-high"]
    box.status, box.answer = 200, {"data": [{"id": "new"}]}
    wait_for(lambda: of(gateway, "box") == ["box/new"])
    assert state(gateway)["problem"] == ""


def test_the_next_gateway_asks_nobody_while_the_list_is_young(start: Start, box: Lister) -> None:
    first = start(box=CustomUpstream(base_url=box.url))
    wait_for(lambda: len(of(first, "box")) == 3)
    second = start(box=CustomUpstream(base_url=box.url))
    assert len(of(second, "box")) == 3
    box.status = 500
    third = start(box=CustomUpstream(base_url=box.url))
    time.sleep(0.3)
    assert len(ids(third)) == len(LISTED) + 3
    assert len(box.asked) == 1


def test_all_are_asked_on_demand_and_one_that_fails_spoils_nothing(start: Start, box: Lister) -> None:
    with Lister("other") as second:
        gateway = start(refresh=0, box=CustomUpstream(base_url=box.url), more=CustomUpstream(base_url=second.url))
        time.sleep(0.2)
        assert (box.asked, second.asked) == ([], [])
        box.status = 500
        answer = send(gateway, method="POST", path="/turnout/models/refresh")
    assert (answer.status, answer.json["source"]) == (200, "live")
    assert of(gateway, "more") == ["more/other"]
    assert state(gateway)["problem"]


def test_no_person_is_asked_to_unlock_a_key_for_a_list(start: Start, sim: Simulator, tmp_path: Path) -> None:
    """Only once a request has needed the key."""
    touched = tmp_path / "unlocked"
    command = f"command:sh -c 'touch {touched}; echo {sim.api_key}'"
    gateway = start(box=CustomUpstream(base_url=sim.openai_url, key=command))
    time.sleep(0.3)
    assert not touched.exists()
    assert state(gateway)["state"] == "unasked"
    assert send(gateway, message(model="box/gpt-5.5")).status == 200
    assert touched.exists()
    wait_for(lambda: "box/gpt-4.1" in of(gateway, "box"))


def test_thousands_of_models_are_listed_in_pages_and_whole(start: Start, box: Lister) -> None:
    box.answer = {"data": [{"id": f"m{number}"} for number in range(5000)]}
    gateway = start(box=CustomUpstream(base_url=box.url))
    wait_for(lambda: state(gateway)["models"] == 5000)
    begun = time.monotonic()
    assert len(ids(gateway)) == len(LISTED) + 5000
    assert time.monotonic() - begun < 3
    headers = {"authorization": f"Bearer {gateway.token}", "anthropic-version": "2023-06-01"}
    page = send(gateway, method="GET", path="/v1/models?limit=1000", headers=headers).json
    assert (len(page["data"]), page["has_more"]) == (1000, True)


class Keeping:
    """A gateway's lists and the one who keeps them fresh, without an HTTP server."""

    def __init__(self, environ: dict[str, str], base: Config, **settings: Any) -> None:
        self.environ = environ
        self.catalogues = Catalogues(environ, seconds=0.5)
        self.live = Live(base, self.catalogues.known(base), self.build(base))
        self.lists = OtherLists(self.live, self.catalogues, **settings)

    def build(self, config: Config) -> dict[str, Upstream]:
        return build(config, environ=self.environ, accounts=Accounts(config, self.environ))

    def use(self, config: Config) -> None:
        self.live.use_config(config, self.build(config))

    def known(self, upstream: str = "box") -> list[str]:
        found = self.live.catalogue.beside.get(upstream)
        return [] if found is None else [facts.slug for facts in found.all()]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


class TestKeeping:
    @pytest.fixture
    async def keep(self, tmp_path: Path) -> AsyncIterator[Callable[..., Keeping]]:
        """Begins to keep lists fresh: ``keep(refresh=0.1, box=CustomUpstream(...))``."""
        async with contextlib.AsyncExitStack() as stack:

            def begin(*, refresh: float = 3600.0, first_pause: float = 60.0, **own: CustomUpstream) -> Keeping:
                base = Config(models=ModelsSettings(refresh=refresh), custom=own)
                keeping = Keeping({"TURNOUT_HOME": str(tmp_path)}, base, first_pause=first_pause)
                stack.push_async_callback(keeping.live.close)
                stack.push_async_callback(keeping.lists.close)
                keeping.lists.start()
                return keeping

            yield begin

    async def test_an_upstream_that_is_added_is_asked_and_one_that_is_removed_forgotten(
        self, keep: Callable[..., Keeping], box: Lister
    ) -> None:
        keeping = keep()
        empty = keeping.live.config
        keeping.use(replace(empty, custom={"box": CustomUpstream(base_url=box.url)}))
        await until(lambda: len(keeping.known()) == 3)
        keeping.use(replace(empty, custom={"box": CustomUpstream(base_url=box.url, concurrency=3)}))
        await asyncio.sleep(0.1)
        assert len(box.asked) == 1
        keeping.use(empty)
        assert keeping.known() == []

    async def test_another_address_by_the_same_name_is_asked_at_once(
        self, keep: Callable[..., Keeping], box: Lister
    ) -> None:
        keeping = keep(box=CustomUpstream(base_url=box.url))
        await until(lambda: len(keeping.known()) == 3)
        with Lister("other") as second:
            keeping.use(replace(keeping.live.config, custom={"box": CustomUpstream(base_url=second.url)}))
            assert keeping.known() == []
            await until(lambda: keeping.known() == ["other"])

    async def test_pauses_after_failures_grow(self, keep: Callable[..., Keeping], box: Lister) -> None:
        box.status = 500
        begun = time.monotonic()
        keep(first_pause=0.1, box=CustomUpstream(base_url=box.url))
        await until(lambda: len(box.asked) == 4)
        assert time.monotonic() - begun > 0.6  # 0.1, 0.2, 0.4

    async def test_a_server_that_was_not_there_is_asked_as_soon_as_it_answers_a_request(
        self, keep: Callable[..., Keeping]
    ) -> None:
        with Lister() as gone:
            pass
        keeping = keep(box=CustomUpstream(base_url=gone.url))
        await until(lambda: bool(keeping.catalogues.lists.report(keeping.live.config)[0].problem))
        keeping.lists.used("another")
        with Lister("late", port=int(gone.url.rpartition(":")[2].removesuffix("/v1"))) as box:
            await asyncio.sleep(0.1)
            assert box.asked == []
            keeping.lists.used("box")
            await until(lambda: keeping.known() == ["late"])

    async def test_a_disk_that_cannot_be_written_does_not_have_it_asked_all_the_time(
        self, keep: Callable[..., Keeping], box: Lister, tmp_path: Path
    ) -> None:
        (tmp_path / "cache").write_text("a file where a folder should be")
        keeping = keep(box=CustomUpstream(base_url=box.url))
        await until(lambda: len(keeping.known()) == 3)
        await asyncio.sleep(0.2)
        assert len(box.asked) == 1

    async def test_a_lesson_about_a_model_is_not_forgotten_with_a_new_list(
        self, keep: Callable[..., Keeping], box: Lister
    ) -> None:
        box.seconds = 0.2
        keeping = keep(box=CustomUpstream(base_url=box.url))
        keeping.live.use_catalogue(keeping.live.catalogue.without("gpt-5.5", "free"))
        await until(lambda: len(keeping.known()) == 3)
        assert keeping.live.catalogue.allows("gpt-5.5", "free") is False
