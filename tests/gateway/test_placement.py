"""Where one request goes, and what becomes of the models and accounts that are passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from turnout.accounts.account import Account, SourceKind
from turnout.accounts.credential import Credential, Secret
from turnout.config import AccountsSettings, Config
from turnout.gateway.live import Live
from turnout.gateway.outages import REMEMBERED_SECONDS, Outages
from turnout.gateway.placements import Placements
from turnout.gateway.sessions import KEPT, Sessions
from turnout.models.catalogue import Catalogue
from turnout.protocol.capabilities import CODEX, OPENAI, Capabilities
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail
from turnout.quota.board import Board
from turnout.quota.spending import Spending
from turnout.quota.windows import Quota
from turnout.routing.mapping import Nothing

if TYPE_CHECKING:
    from pathlib import Path

    from turnout.accounts.store import Accounts
    from turnout.gateway.placement import Placement
    from turnout.upstream.base import Upstream

OVERLOADED = Failure(kind=FailureKind.OVERLOADED, message="Too many at once.")
UNREACHABLE = Failure(kind=FailureKind.UNREACHABLE, message="No connection could be made.")
LIMIT = Failure(kind=FailureKind.USAGE_LIMIT, message="The usage limit is reached.")


class Known:
    """Accounts of one user."""

    def __init__(self, *names: str) -> None:
        self.accounts = [
            Account(
                name=name,
                kind="chatgpt",
                ownership="owned",
                source=SourceKind.TURNOUT,
                path="",
                account_id=f"account-{name}",
                default=name == names[0],
            )
            for name in names
        ]

    def list(self) -> list[Account]:
        return self.accounts


class FakeUpstream:
    """Has credentials for these accounts; the first one is the usual one."""

    def __init__(self, capabilities: Capabilities, *names: str) -> None:
        self.capabilities = capabilities
        self.names = names

    async def credential(self, account: str | None = None) -> Credential:
        name = account or next(iter(self.names), "")
        if name not in self.names:
            raise fail(FailureKind.SIGN_IN, f"There is no login for {name or 'anyone'}.")
        return Credential(token=Secret("secret"), account_id=f"account-{name}", account=name, source="a test")


class Clock:
    """A clock that stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Gateway:
    """Places requests of someone with the accounts ada and bob, without a key for the API."""

    def __init__(
        self, folder: Path, *, signed_in: tuple[str, ...] = ("ada", "bob"), keys: tuple[str, ...] = ()
    ) -> None:
        there = {"codex": FakeUpstream(CODEX, *signed_in), "openai": FakeUpstream(OPENAI, *keys)}
        config = Config(accounts=AccountsSettings(policy="failover"))
        self.live = Live(config, Catalogue.bundled(), cast("dict[str, Upstream]", there))
        self.board = Board(folder / "quota.json")
        self.placements = Placements(
            self.live,
            accounts=cast("Accounts", Known("ada", "bob")),
            board=self.board,
            spending=Spending(folder / "spending.json"),
            outages=Outages(clock := Clock()),
        )
        self.clock = clock

    def begin(self, model: str, session: str = "one") -> Placement:
        return self.placements.begin(self.live.snapshot, Nothing(model), (), session, around=lambda upstream: upstream)

    def exhaust(self, name: str) -> None:
        """The account's limit is reached."""
        tag = next(each.tag for each in Known("ada", "bob").accounts if each.name == name)
        self.board.saw(Quota(account=name, tag=tag, reached="rate_limit_reached", seen_at=1.0, origin="refusal"))


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return Gateway(tmp_path)


def said(placement: Placement) -> str:
    return "; ".join(str(note) for note in placement.notes)


async def test_a_session_stays_with_the_account_that_took_over(gateway: Gateway) -> None:
    placement = gateway.begin("gpt-5.5")
    assert (await placement.first()).credential.account == "ada"
    gateway.exhaust("ada")
    move = await placement.next(LIMIT)
    assert move is not None
    assert (move.place.credential.account, move.elsewhere) == ("bob", False)
    assert (await gateway.begin("gpt-5.5").first()).credential.account == "bob"


async def test_models_that_cannot_be_asked_are_passed_over(gateway: Gateway) -> None:
    placement = gateway.begin("[openai/gpt-5.5, zzz, gpt-6-sol]")
    place = await placement.first()
    assert (place.route.upstream, place.route.model, placement.route) == ("codex", "gpt-6-sol", place.route)
    assert "zzz was passed over" in said(placement)
    assert "openai/gpt-5.5 failed (sign in)" in said(placement)


async def test_accounts_go_on_where_the_rest_of_a_chain_was_in_vain(gateway: Gateway) -> None:
    placement = gateway.begin("[gpt-5.5, openai/gpt-5.5]")
    before = await placement.first()
    assert await placement.next(OVERLOADED, accounts=False) is None
    assert placement.route == before.route
    assert "openai/gpt-5.5 was passed over: There is no login for anyone." in said(placement)
    move = await placement.next(LIMIT)
    assert move is not None
    assert move.place.credential.account == "bob"


class TestOutages:
    """An upstream that could not be reached is not tried by each request anew."""

    @pytest.fixture
    def gateway(self, tmp_path: Path) -> Gateway:
        return Gateway(tmp_path, keys=("key",))

    async def upstream(self, gateway: Gateway, chain: str) -> str:
        return (await gateway.begin(chain).first()).route.upstream

    async def meet(self, gateway: Gateway, chain: str, failure: Failure = UNREACHABLE) -> None:
        placement = gateway.begin(chain)
        await placement.first()
        assert await placement.next(failure) is not None

    async def test_a_chain_leads_around_it_for_a_while(self, gateway: Gateway) -> None:
        await self.meet(gateway, "[openai/gpt-5.5, gpt-5.5]")
        gateway.clock.now += 7
        placement = gateway.begin("[openai/gpt-5.5, gpt-5.5]")
        assert (await placement.first()).route.upstream == placement.route.upstream == "codex"
        assert "openai/gpt-5.5 failed (unreachable): It could not be reached 7 s ago and was not asked" in said(
            placement
        )
        gateway.clock.now += REMEMBERED_SECONDS
        assert await self.upstream(gateway, "[openai/gpt-5.5, gpt-5.5]") == "openai"

    async def test_it_comes_last_in_a_chain(self, gateway: Gateway) -> None:
        await self.meet(gateway, "[openai/gpt-5.5, gpt-5.5]")
        placement = gateway.begin("[gpt-5.5, openai/gpt-5.5, gpt-6-sol]")
        await placement.first()
        asked = [await placement.next(OVERLOADED, accounts=False) for _ in range(3)]
        assert [move and move.place.route.model for move in asked] == ["gpt-6-sol", "gpt-5.5", None]

    async def test_it_is_asked_where_there_is_nothing_else(self, gateway: Gateway) -> None:
        await self.meet(gateway, "[openai/gpt-5.5, gpt-5.5]")
        for chain in ("openai/gpt-5.5", "[openai/gpt-5.5, openai/gpt-6-sol]", "[openai/gpt-5.5, zzz]"):
            placement = gateway.begin(chain)
            place = await placement.first()
            assert (place.route.upstream, place.route.model) == ("openai", "gpt-5.5")

    async def test_other_failures_are_no_outage(self, gateway: Gateway) -> None:
        await self.meet(gateway, "[openai/gpt-5.5, gpt-5.5]", OVERLOADED)
        assert await self.upstream(gateway, "[openai/gpt-5.5, gpt-5.5]") == "openai"


async def test_nobody_to_ask_is_told_as_the_first_one_said_it(tmp_path: Path) -> None:
    with pytest.raises(TurnoutError, match="There is no login for bob"):
        await Gateway(tmp_path, signed_in=()).begin("[gpt-5.5, openai/gpt-5.5]").first()


async def test_the_limits_of_all_accounts_are_told_as_one(gateway: Gateway) -> None:
    placement = gateway.begin("gpt-5.5")
    await placement.first()
    for name in ("ada", "bob"):
        gateway.exhaust(name)
    told = placement.failure(LIMIT)
    assert told == msgspec.structs.replace(LIMIT, message=told.message, code="usage_limit_reached")
    assert "The usage limits of all accounts are reached (ada, bob)" in told.message
    assert placement.first_to_open == "ada"


def test_sessions_are_forgotten_in_the_order_of_their_last_requests() -> None:
    sessions = Sessions()
    for number in range(KEPT):
        sessions.settle(str(number), "ada")
    sessions.settle("0", "bob")
    sessions.settle("new", "ada")
    assert (sessions.account("0"), sessions.account("1"), sessions.account("2")) == ("bob", "", "ada")
    sessions.settle("", "ada")
    assert sessions.account("") == ""
