"""The models as the upstream lists them, kept on disk, and what serves when it cannot be asked."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from turnout import settings
from turnout.accounts.store import Accounts
from turnout.config import Config
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.simulator import catalogue as simulated
from turnout.upstream import build

if TYPE_CHECKING:
    from pathlib import Path

    from tests.discovery.conftest import User
    from turnout.simulator import Simulator

BUNDLED = Catalogue.bundled()


def slugs(catalogue: Catalogue) -> set[str]:
    return {facts.slug for facts in catalogue.all()}


async def test_the_codex_backend_is_asked_as_the_client_that_is_announced(user: User) -> None:
    found = await user.ask()
    (call,) = user.asked
    assert (call.path, call.query) == ("/backend-api/codex/models", "client_version=0.169.0")
    assert (call.headers["version"], call.headers["originator"]) == ("0.169.0", "turnout")
    assert call.headers["chatgpt-account-id"] == user.sim.account.account_id
    assert (found.source, found.fetched_at) == ("live", user.now)
    assert found.etag
    assert slugs(found) == slugs(BUNDLED)
    assert found.get("codex-auto-review").plans >= {"plus"}  # type: ignore[union-attr]
    assert found.allows("codex-auto-review", "free") is False


async def test_what_was_told_is_kept_for_those_who_come_later(user: User) -> None:
    assert user.catalogues().known(user.config()).source == "bundled"
    live = await user.ask()
    kept = user.catalogues().known(user.config())
    assert (kept.source, kept.fetched_at, kept.etag) == ("cache", live.fetched_at, live.etag)
    assert kept.all() == live.all()
    assert not [path for path in (user.home / "turnout" / "cache").iterdir() if path.name != "models-codex.json"]


async def test_what_has_not_changed_is_not_sent_again(user: User) -> None:
    first = await user.ask()
    user.now += 7200
    again = await user.ask()
    assert user.asked[-1].headers["if-none-match"] == first.etag
    assert user.asked[-1].status == 304
    assert again.all() == first.all()
    assert (again.source, again.fetched_at, again.etag) == ("live", user.now, first.etag)
    assert user.catalogues().known(user.config()).fetched_at == user.now


async def test_what_has_changed_takes_the_old_ones_place(user: User) -> None:
    await user.ask()
    user.sim.settings.absent = {"gpt-6.1-sol"}
    found = await user.ask()
    assert user.asked[-1].status == 200
    assert found.get("gpt-6.1-sol") is None
    assert user.catalogues().known(user.config()).get("gpt-6.1-sol") is None


async def test_an_older_client_version_is_shown_less_and_shares_no_mark(user: User) -> None:
    await user.ask()
    older = user.config(client_version="0.153.0")
    found = await user.ask(older)
    assert "if-none-match" not in user.asked[-1].headers
    assert "gpt-6-sol" not in slugs(found)
    assert "gpt-6-astra" in slugs(found)
    assert slugs(user.catalogues().known(replace(older, models=older.models))) == slugs(found)


def test_facts_from_elsewhere_show_an_older_client_no_more_than_the_backend_would(user: User) -> None:
    found = user.catalogues().known(user.config(client_version="0.152.0"))
    assert found.source == "bundled"
    assert found.get("gpt-6-astra") is None
    assert found.get("gpt-5.5") is not None


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", FailureKind.UPSTREAM_ERROR),
        ("html", FailureKind.PERMISSION),
        ("html-200", FailureKind.UPSTREAM_ERROR),
        ("empty-200", FailureKind.UPSTREAM_ERROR),
        ("truncated-200", FailureKind.UPSTREAM_ERROR),
        ("429:7", FailureKind.RATE_LIMITED),
        ("drop-before", FailureKind.CUT),
        ("drop", FailureKind.CUT),
        ("hang", FailureKind.UPSTREAM_TIMEOUT),
    ],
)
async def test_a_question_that_fails_leaves_what_was_kept(user: User, fault: str, kind: FailureKind) -> None:
    before = await user.ask()
    user.sim.settings.absent = {"gpt-6.1-sol"}
    user.sim.account_fault(fault, path="/models", times=3)
    with pytest.raises(TurnoutError) as raised:
        await user.ask(seconds=0.3)
    failure = raised.value.failure
    assert failure.kind is kind, failure
    assert "<" not in failure.message
    kept = user.catalogues().known(user.config())
    assert (kept.source, kept.all()) == ("cache", before.all())


async def test_nobody_is_asked_without_a_login(user: User) -> None:
    (user.codex / "auth.json").unlink()
    with pytest.raises(TurnoutError) as raised:
        await user.ask()
    assert raised.value.failure.kind is FailureKind.SIGN_IN
    assert user.asked == []


async def test_a_login_that_is_refused_is_renewed_and_tried_once_more(user: User) -> None:
    user.sim.account_fault("expired", path="/models")
    found = await user.ask()
    assert [call.status for call in user.asked] == [401, 200]
    assert found.source == "live"


async def test_an_answer_that_nothing_has_changed_needs_something_to_be_kept(user: User, sim: Simulator) -> None:
    await user.ask()
    kept = user.home / "turnout" / "cache" / "models-codex.json"
    content = json.loads(kept.read_bytes())
    content["identity"]["account"] = "another"
    kept.write_text(json.dumps(content))
    await user.ask()
    assert "if-none-match" not in user.asked[-1].headers


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"models": 3}', b"\xff\xfe"])
def test_a_file_that_cannot_be_read_counts_for_nothing(user: User, content: bytes) -> None:
    cache = user.home / "turnout" / "cache"
    cache.mkdir(parents=True)
    (cache / "models-codex.json").write_bytes(content)
    assert user.catalogues().known(user.config()).source == "bundled"


async def test_what_another_version_of_turnout_has_read_is_read_anew(user: User) -> None:
    await user.ask()
    kept = user.home / "turnout" / "cache" / "models-codex.json"
    content = json.loads(kept.read_bytes())
    kept.write_text(json.dumps({**content, "turnout": "0.0.1"}))
    assert user.catalogues().known(user.config()).source == "bundled"


async def test_what_another_server_has_told_counts_for_nothing(user: User) -> None:
    await user.ask()
    elsewhere = replace(user.config(), codex=replace(user.config().codex, base_url="http://127.0.0.1:9/backend-api"))
    assert user.catalogues().known(elsewhere).source == "bundled"


async def test_a_folder_that_cannot_be_written_costs_only_the_keeping(user: User) -> None:
    (user.home / "turnout").write_text("a file where a folder should be")
    config = replace(user.config(), accounts=replace(user.config().accounts, folder=str(user.home / "accounts")))
    assert (await user.ask(config)).source == "live"
    assert user.catalogues().known(config).source == "bundled"


class TestRest:
    """How long nobody has to be asked."""

    async def test_while_what_is_kept_is_young_and_of_this_account(self, user: User) -> None:
        await user.ask()
        account = json.loads((user.home / "turnout" / "cache" / "models-codex.json").read_bytes())["identity"][
            "account"
        ]
        found, config = user.catalogues(), user.config()
        assert found.rest(config, account) == 3600
        assert found.rest(config, "another") == 0
        assert found.rest(user.config(client_version="0.170.0"), account) == 0
        user.now += 3000
        assert found.rest(config, account) == 600
        assert found.rest(user.config(refresh=60), account) == 0
        user.now -= 3001
        assert found.rest(config, account) == 0, "a clock that was put back"

    def test_not_at_all_if_nothing_is_kept(self, user: User) -> None:
        assert user.catalogues().rest(user.config(), "") == 0


class TestAnApi:
    async def test_offers_what_it_names_with_the_facts_that_are_known(self, user: User) -> None:
        found = await user.ask(user.config("openai"))
        (call,) = user.asked
        assert (call.path, call.query, call.headers["authorization"]) == (
            "/v1/models",
            "",
            f"Bearer {user.sim.api_key}",
        )
        assert found.source == "api"
        assert found.get("gpt-6.1-sol") == BUNDLED.get("gpt-6.1-sol")
        assert [facts.slug for facts in found.listed()] == [facts.slug for facts in BUNDLED.listed()]
        assert found.get("gpt-4.1") is not None
        user.sim.settings.absent = {"gpt-6.1-sol"}
        assert (await user.ask(user.config("openai"))).listed()[0].slug == "gpt-6-astra"

    async def test_and_the_backend_are_kept_apart(self, user: User) -> None:
        await user.ask()
        assert user.catalogues().known(user.config("openai")).source == "bundled"
        await user.ask(user.config("openai"))
        assert user.catalogues().known(user.config("openai")).get("gpt-4.1") is not None
        assert user.catalogues().known(user.config()).get("gpt-4.1") is None

    @pytest.mark.parametrize("fault", ["500", "html-200", "truncated-200", "hang"])
    async def test_that_fails(self, user: User, fault: str) -> None:
        user.sim.account_fault(fault, path="/v1/models")
        with pytest.raises(TurnoutError):
            await user.ask(user.config("openai"), seconds=0.3)
        assert user.catalogues().known(user.config("openai")).source == "bundled"


async def test_an_upstream_that_is_not_known_here_is_not_asked(user: User) -> None:
    """Least of all at another one's address, with its key."""
    await user.ask()
    asked = len(user.sim.calls)
    config = replace(user.config(), upstream="groq")
    assert user.catalogues().known(config).source == "bundled"
    accounts = Accounts(user.config(), user.environ)
    upstream = build(user.config(), accounts=accounts, environ=user.environ)["codex"]
    with pytest.raises(TurnoutError, match="groq is not asked"):
        await user.catalogues().ask(config, upstream)
    await upstream.close()
    assert len(user.sim.calls) == asked


class TestTheCodexCli:
    """Its `models_cache.json` is read, and never written."""

    def write(self, folder: Path, *, at: float, client_version: str = "0.169.0", **more: Any) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "models_cache.json"
        models = simulated.codex_listing((0, 200, 0), absent={"gpt-6.1-sol"})
        models.append({**models[0], "slug": "gpt-7"})
        for model in models:
            del model["minimal_client_version"], model["available_in_plans"]  # the CLI does not keep them
        document = {
            "fetched_at": datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", ".123456789Z"),
            "etag": 'W/"cli"',
            "client_version": client_version,
            "identity": {"any": "thing"},
            "models": models,
            **more,
        }
        path.write_text(json.dumps(document))
        return path

    def known(self, user: User, **changes: Any) -> Catalogue:
        """What is known of OpenAI's own backend."""
        return user.catalogues().known(Config(codex=replace(Config().codex, home=str(user.codex), **changes)))

    def test_serves_where_nothing_else_is_known(self, user: User) -> None:
        path = self.write(user.codex, at=user.now - 50)
        before = path.read_bytes()
        found = self.known(user)
        assert (found.source, found.etag) == ("cache", 'W/"cli"')
        assert found.fetched_at == pytest.approx(user.now - 50, abs=1)
        assert found.get("gpt-6.1-sol") is None
        assert path.read_bytes() == before

    def test_of_an_older_client_may_hide_models(self, user: User) -> None:
        self.write(user.codex, at=user.now, client_version="0.168.9")
        assert self.known(user).source == "bundled"

    def test_of_a_newer_client_shows_only_what_ours_may_use(self, user: User) -> None:
        self.write(user.codex, at=user.now, client_version="0.180.0")
        found = self.known(user, client_version="0.153.0")
        assert (found.source, found.get("gpt-6-sol")) == ("cache", None)
        assert found.get("gpt-6-astra") is not None
        assert found.get("gpt-7") is None, "it may be for that client only"
        assert self.known(user, client_version="0.180.0").get("gpt-7") is not None

    def test_says_nothing_of_other_servers(self, user: User) -> None:
        self.write(user.codex, at=user.now)
        assert user.catalogues().known(user.config()).source == "bundled"

    @pytest.mark.parametrize(
        "said", [{"models": []}, {"models": "none"}, {"fetched_at": "yesterday"}, {"fetched_at": 5}]
    )
    def test_of_another_form_is_left_alone(self, user: User, said: dict[str, Any]) -> None:
        self.write(user.codex, at=time.time(), **said)
        assert self.known(user).source == "bundled"


class TestHowOften:
    """`models.refresh`, in seconds, and the variable of claudex, which is in milliseconds."""

    @pytest.mark.parametrize(
        ("environ", "seconds"),
        [
            ({}, 3600),
            ({"CODEX_MODEL_REFRESH_INTERVAL": "1800000"}, 1800),
            ({"CODEX_MODEL_REFRESH_INTERVAL": "0"}, 0),
            ({"TURNOUT_MODELS_REFRESH": "60", "CODEX_MODEL_REFRESH_INTERVAL": "1800000"}, 60),
        ],
    )
    def test_is_set_in_either_unit(self, environ: dict[str, str], seconds: float) -> None:
        assert settings.load(environ, {}).models.refresh == seconds

    @pytest.mark.parametrize("value", ["soon", "-1", "nan", "9999999999999"])
    def test_is_a_sensible_number(self, value: str) -> None:
        with pytest.raises(settings.SettingsError, match="CODEX_MODEL_REFRESH_INTERVAL"):
            settings.load({"CODEX_MODEL_REFRESH_INTERVAL": value}, {})
