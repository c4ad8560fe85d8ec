"""The lists of upstreams beside the one in use: asked as their requests go, kept, and what serves when they fail."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from tests.discovery.lister import Lister
from turnout.accounts.store import Accounts
from turnout.config import Config, CustomUpstream, TlsSettings, UpstreamSwitches
from turnout.discovery import refresh
from turnout.discovery.lists import Lists
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.upstream import build

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.discovery.conftest import User
    from turnout.discovery.lists import ListReport


@pytest.fixture
def box() -> Iterator[Lister]:
    with Lister("qwen", {"id": "llama", "max_model_len": 32_768}) as lister:
        yield lister


class Owner:
    """A user with an upstream ``box`` of their own beside the ChatGPT backend."""

    def __init__(self, user: User, box: Lister) -> None:
        self.user = user
        self.box = box

    def config(self, **settings: Any) -> Config:
        base = self.user.config()
        own = CustomUpstream(**{"base_url": self.box.url, **settings})
        return replace(base, custom={"box": own}, openai=replace(base.openai, api_key=""))

    async def ask(self, config: Config | None = None, *, seconds: float = 10.0) -> Catalogue:
        """Has the box asked, in a process that has just started."""
        config = config or self.config()
        accounts = Accounts(config, self.user.environ)
        upstreams = build(config, accounts=accounts, environ=self.user.environ)
        lists = Lists(self.user.environ, seconds=seconds, now=lambda: self.user.now)
        try:
            return await lists.ask(config, "box", upstreams["box"], facts=Catalogue.bundled())
        finally:
            for upstream in upstreams.values():
                await upstream.close()
            await accounts.close()

    def known(self, config: Config | None = None) -> list[str]:
        found = self.user.catalogues().known(config or self.config()).beside.get("box")
        return [] if found is None else [facts.slug for facts in found.all()]

    def report(self, config: Config | None = None) -> ListReport:
        (one,) = self.user.catalogues().lists.report(config or self.config())
        return one


@pytest.fixture
def owner(user: User, box: Lister) -> Owner:
    return Owner(user, box)


async def test_a_list_is_asked_for_and_kept_beside_the_catalogue(owner: Owner) -> None:
    assert (owner.report().state, owner.known()) == ("unasked", [])
    found = await owner.ask()
    assert ([facts.slug for facts in found.all()], found.source) == (["qwen", "llama"], "api")
    assert owner.known() == ["qwen", "llama"]
    catalogue = owner.user.catalogues().known(owner.config())
    assert catalogue.get("qwen") is None, "the models of one upstream are not those of another"
    llama = catalogue.of("box", "llama")
    assert llama is not None
    assert llama.api_window == 32_768
    report = owner.report()
    assert (report.state, report.models, report.fetched_at, report.problem) == ("listed", 2, owner.user.now, "")


async def test_the_question_goes_as_requests_do(owner: Owner) -> None:
    owner.user.environ |= {"BOX_KEY": "sk-box", "TEAM": "blue"}
    await owner.ask(
        owner.config(
            key="env:BOX_KEY",
            key_header="api-key",
            headers={"X-Team": "env:TEAM", "X-Title": "me"},
            query={"api-version": "1"},
        )
    )
    ((target, headers),) = owner.box.asked
    assert target == "/v1/models?api-version=1"
    assert (headers["api-key"], headers["x-team"], headers["x-title"]) == ("sk-box", "blue", "me")
    assert "authorization" not in headers


async def test_it_goes_by_the_upstreams_own_proxy(owner: Owner) -> None:
    with Lister("by-proxy") as proxy:
        config = owner.config(base_url="http://models.invalid/v1", proxy=proxy.url.removesuffix("/v1"))
        found = await owner.ask(config)
    assert [facts.slug for facts in found.all()] == ["by-proxy"]
    assert proxy.asked[0][0] == "http://models.invalid/v1/models"


async def test_it_goes_with_the_upstreams_own_certificates(owner: Owner, tmp_path: Path) -> None:
    with pytest.raises(TurnoutError) as raised:
        await owner.ask(owner.config(tls=TlsSettings(ca=str(tmp_path / "nowhere.pem"))))
    assert "nowhere.pem" in str(raised.value)
    assert owner.box.asked == []


async def test_a_key_that_has_ended_is_read_anew(owner: Owner, tmp_path: Path) -> None:
    counter = tmp_path / "count"
    script = tmp_path / "key.py"
    script.write_text(
        f"import pathlib; p = pathlib.Path({str(counter)!r}); n = p.exists(); p.touch(); print('new' if n else 'old')"
    )
    owner.box.key = "new"
    found = await owner.ask(owner.config(key=f"command:{sys.executable} {script}"))
    assert len(found.all()) == 2
    assert [headers["authorization"] for _, headers in owner.box.asked] == ["Bearer old", "Bearer new"]


async def test_what_has_not_changed_is_not_sent_again(owner: Owner) -> None:
    owner.box.etag = '"one"'
    await owner.ask()
    owner.user.now += 7200
    again = await owner.ask()
    assert owner.box.asked[-1][1]["if-none-match"] == '"one"'
    assert ([facts.slug for facts in again.all()], again.fetched_at) == (["qwen", "llama"], owner.user.now)
    owner.box.etag, owner.box.answer = '"two"', {"data": [{"id": "new"}]}
    await owner.ask()
    assert owner.known() == ["new"]


@pytest.mark.parametrize(
    ("status", "answer", "kind"),
    [
        (500, {}, FailureKind.UPSTREAM_ERROR),
        (401, {"error": {"message": "no"}}, FailureKind.SIGN_IN),
        (200, b"<html>Welcome</html>", FailureKind.UPSTREAM_ERROR),
        (200, b"", FailureKind.UPSTREAM_ERROR),
        (200, b'{"data": [{"id": "a"', FailureKind.UPSTREAM_ERROR),
        (200, {"hello": "world"}, FailureKind.UPSTREAM_ERROR),
        (302, b"", None),
    ],
)
async def test_a_failure_leaves_what_was_kept_and_is_told(
    owner: Owner, status: int, answer: object, kind: FailureKind | None
) -> None:
    await owner.ask()
    told_at = owner.user.now
    owner.user.now += 60
    owner.box.status, owner.box.answer = status, answer
    with pytest.raises(TurnoutError) as raised:
        await owner.ask()
    assert kind in {None, raised.value.failure.kind}
    assert owner.known() == ["qwen", "llama"]
    report = owner.report()
    assert (report.state, report.models, report.fetched_at) == ("listed", 2, told_at)
    assert report.problem == raised.value.failure.text
    assert "<" not in report.problem
    owner.box.status, owner.box.answer = 200, {"data": [{"id": "well"}]}
    await owner.ask()
    assert (owner.report().problem, owner.known()) == ("", ["well"])


async def test_a_server_that_hangs_or_is_not_there(owner: Owner) -> None:
    owner.box.seconds = 5
    with pytest.raises(TurnoutError) as raised:
        await owner.ask(owner.config(connect=0.2), seconds=0.2)
    assert raised.value.failure.kind is FailureKind.UPSTREAM_TIMEOUT
    nowhere = owner.config(base_url="http://127.0.0.1:9/v1")
    with pytest.raises(TurnoutError) as raised:
        await owner.ask(nowhere)
    assert raised.value.failure.kind is FailureKind.UNREACHABLE
    report = owner.report(nowhere)
    assert (report.state, report.models, report.fetched_at) == ("unasked", 0, None)
    assert report.problem


async def test_a_key_that_is_not_there_is_told_and_nobody_asked(owner: Owner) -> None:
    config = owner.config(key="env:NOT_SET")
    with pytest.raises(TurnoutError):
        await owner.ask(config)
    assert owner.box.asked == []
    assert "Set NOT_SET" in owner.report(config).problem


@pytest.mark.parametrize("status", [404, 405, 410, 501])
async def test_a_server_without_a_list_has_not_failed(owner: Owner, status: int) -> None:
    owner.box.status, owner.box.answer = status, b"not here"
    assert (await owner.ask()).all() == ()
    report = owner.report()
    assert (report.state, report.problem) == ("none", "")
    assert owner.user.catalogues().lists.rest(owner.config(), "box") == 3600


async def test_another_server_by_the_same_name_begins_with_nothing(owner: Owner) -> None:
    await owner.ask()
    elsewhere = owner.config(base_url="http://127.0.0.1:9/v1")
    assert (owner.known(elsewhere), owner.report(elsewhere).state) == ([], "unasked")


async def test_a_server_that_is_not_to_be_asked(owner: Owner) -> None:
    await owner.ask()
    config = owner.config(list_models=False)
    lists = owner.user.catalogues().lists
    assert (lists.wanted(config), owner.known(config), owner.report(config).state) == ((), [], "off")
    assert lists.wanted(owner.config(enabled=False)) == ()


async def test_thousands_of_models(owner: Owner) -> None:
    owner.box.answer = {"data": [{"id": f"vendor/model-{n}", "context_length": 8192 + n} for n in range(5000)]}
    assert len((await owner.ask()).all()) == 5000
    assert owner.known()[4999] == "vendor/model-4999"


async def test_what_is_young_needs_no_question(owner: Owner) -> None:
    lists, config = owner.user.catalogues().lists, owner.config()
    assert lists.rest(config, "box") == 0
    await owner.ask()
    assert lists.rest(config, "box") == 3600
    owner.user.now += 3000
    assert lists.rest(config, "box") == 600
    owner.box.status = 500
    with pytest.raises(TurnoutError):
        await owner.ask()
    assert lists.rest(config, "box") == 0


class TestTheOpenAIApi:
    """Beside another upstream it has a list of its own."""

    async def all(self, user: User, config: Config) -> Catalogue:
        accounts = Accounts(config, user.environ)
        upstreams = build(config, accounts=accounts, environ=user.environ)
        try:
            return await refresh.all_at_once(user.catalogues(), config, upstreams)
        finally:
            for upstream in upstreams.values():
                await upstream.close()
            await accounts.close()

    async def test_is_asked_where_there_is_a_key(self, user: User) -> None:
        found = await self.all(user, user.config())
        assert {call.path for call in user.asked} == {"/backend-api/codex/models", "/v1/models"}
        assert (found.source, found.get("gpt-4.1")) == ("live", None)
        assert found.of("openai", "gpt-4.1") is not None
        assert user.catalogues().known(user.config()).of("openai", "gpt-4.1") is not None

    async def test_is_left_alone_without_one_or_switched_off_or_in_use(self, user: User) -> None:
        lists, config = user.catalogues().lists, user.config()
        assert lists.wanted(config) == ("openai",)
        assert lists.wanted(replace(config, openai=replace(config.openai, api_key=""))) == ()
        assert lists.wanted(replace(config, upstreams=UpstreamSwitches(openai="off"))) == ()
        assert lists.wanted(replace(config, upstream="openai")) == ()

    async def test_that_fails_costs_the_others_nothing(self, user: User, box: Lister) -> None:
        user.sim.account_fault("500", times=3, path="/v1/models")
        config = replace(user.config(), custom={"box": CustomUpstream(base_url=box.url)})
        found = await self.all(user, config)
        assert found.source == "live"
        assert list(found.beside) == ["box"]
        problems = {each.upstream: bool(each.problem) for each in user.catalogues().lists.report(config)}
        assert problems == {"box": False, "openai": True}


async def test_an_upstream_in_use_that_fails_is_a_failure(user: User, box: Lister) -> None:
    box.status = 500
    config = replace(user.config(), upstream="box", custom={"box": CustomUpstream(base_url=box.url)})
    with pytest.raises(TurnoutError):
        await TestTheOpenAIApi().all(user, config)


def test_a_file_that_cannot_be_read_counts_for_nothing(owner: Owner) -> None:
    cache = owner.user.home / "turnout" / "cache"
    cache.mkdir(parents=True)
    for content in (b"{", b"[]", json.dumps({"models": 3}).encode()):
        (cache / "models-box.json").write_bytes(content)
        assert (owner.known(), owner.report().state) == ([], "unasked")
