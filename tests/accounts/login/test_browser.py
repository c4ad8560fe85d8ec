"""Signing in with the browser, from the first address to the tokens, against the simulated service."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.accounts.login.conftest import ADA, BOB
from tests.accounts.login.user import browse, comes_back_to, query_of
from turnout.accounts.claims import identity
from turnout.accounts.login import browser
from turnout.accounts.login.browser import Invitation, Pasting
from turnout.accounts.token_client import TokenClient
from turnout.config import Timing
from turnout.protocol.errors import FailureKind, TurnoutError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.accounts.login.user import Shown
    from turnout.accounts.tokens import Tokens
    from turnout.config import Config
    from turnout.simulator import Simulator

pytestmark = pytest.mark.usefixtures("callback_ports")


class User:
    """Opens what they are invited to in a browser, unless they leave that to the test."""

    def __init__(self, *, comes: bool = True, changes: Callable[[str], str] = str) -> None:
        self.invitations: list[Invitation] = []
        self.invited = asyncio.Event()
        self._comes = comes
        self._changes = changes
        self._browser: asyncio.Task[Shown] | None = None

    def invite(self, invitation: Invitation) -> None:
        self.invitations.append(invitation)
        self.invited.set()
        if self._comes:
            self._browser = asyncio.create_task(browse(self._changes(invitation.url)))

    async def sees(self) -> Shown:
        assert self._browser
        return await self._browser


async def sign_in(client: TokenClient, config: Config, user: User, **options: object) -> Tokens:
    return await browser.sign_in(client, config.accounts, invite=user.invite, **options)  # type: ignore[arg-type]


async def test_a_login(sim: Simulator, client: TokenClient, config: Config) -> None:
    user = User()
    tokens = await sign_in(client, config, user)
    said = identity(tokens.access_token, tokens.id_token)
    assert (tokens.account_id, said.email, said.plan) == (ADA.account_id, ADA.email, ADA.plan)
    assert sim.issuer.serves(tokens.refresh_token)
    shown = await user.sees()
    assert ADA.email in shown.text
    assert shown.url == "http://127.0.0.1:1455/success"


async def test_the_user_declines(sim: Simulator, client: TokenClient, config: Config) -> None:
    sim.settings.authorize = "deny"
    user = User()
    with pytest.raises(TurnoutError, match="declined"):
        await sign_in(client, config, user)
    assert "declined" in (await user.sees()).text


async def test_the_code_has_expired(
    sim: Simulator, client: TokenClient, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("turnout.simulator.issuer.CODE_SECONDS", 0.0)
    user = User()
    with pytest.raises(TurnoutError, match="invalid_grant") as refused:
        await sign_in(client, config, user)
    assert refused.value.failure.next_step == "Sign in again with: turnout login"
    assert "not signed in" in (await user.sees()).text


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("html", FailureKind.UNREACHABLE),
        ("html-200", FailureKind.UPSTREAM_ERROR),
        ("empty-200", FailureKind.UPSTREAM_ERROR),
        ("truncated-200", FailureKind.UPSTREAM_ERROR),
        ("429:3", FailureKind.RATE_LIMITED),
        ("500", FailureKind.UPSTREAM_ERROR),
        ("drop", FailureKind.CUT),
    ],
)
async def test_the_service_fails(
    sim: Simulator, client: TokenClient, config: Config, fault: str, kind: FailureKind
) -> None:
    sim.account_fault(fault)
    user = User()
    with pytest.raises(TurnoutError) as failed:
        await sign_in(client, config, user)
    assert failed.value.failure.kind is kind
    assert "<" not in failed.value.failure.message, "no page of theirs is repeated"
    assert failed.value.failure.message in (await user.sees()).text


async def test_the_service_hangs(sim: Simulator, config: Config) -> None:
    sim.account_fault("hang")
    impatient = TokenClient(msgspec.structs.replace(config, timing=Timing(connect=0.3)), {}, seconds=0.3)
    user = User()
    with pytest.raises(TurnoutError, match="has not answered for"):
        await sign_in(impatient, config, user)
    assert "has not answered" in (await user.sees()).text


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
async def test_the_clocks_are_an_hour_apart(sim: Simulator, client: TokenClient, config: Config, offset: float) -> None:
    sim.settings.clock_offset = offset
    assert (await sign_in(client, config, User())).account_id == ADA.account_id


async def test_nobody_comes(client: TokenClient, config: Config) -> None:
    with pytest.raises(TurnoutError, match="Nobody has signed in within"):
        await sign_in(client, config, User(comes=False), seconds=0.1)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", 1455)) != 0, "the listener is closed after its time"


async def test_another_attempts_answer_does_not_count(client: TokenClient, config: Config) -> None:
    user = User(changes=lambda url: url.replace(query_of(url)["state"], "of-another-attempt"))
    signing_in = asyncio.create_task(sign_in(client, config, user))
    await user.invited.wait()
    shown = await user.sees()
    assert (shown.status, "State mismatch" in shown.text) == (400, True)
    assert not signing_in.done()
    await browse(user.invitations[0].url)
    assert (await signing_in).account_id == ADA.account_id


async def test_a_taken_port_leads_to_the_other(client: TokenClient, config: Config) -> None:
    taken = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 1455)
    async with taken:
        user = User()
        assert (await sign_in(client, config, user)).account_id == ADA.account_id
        assert user.invitations[0].port == 1457
        assert (await user.sees()).status == 200


async def test_someone_else_may_sign_in(sim: Simulator, client: TokenClient, config: Config) -> None:
    sim.settings.sign_in_as = BOB.account_id
    assert (await sign_in(client, config, User())).account_id == BOB.account_id


class Typist:
    """Pastes lines, and keeps what is said about them."""

    def __init__(self, *lines: str | Callable[[str], str], user: User) -> None:
        self.complaints: list[str] = []
        self.pasting = Pasting(lines=self._enter(lines, user), wrong=self.complaints.append)

    async def _enter(self, lines: tuple[str | Callable[[str], str], ...], user: User) -> AsyncIterator[str]:
        await user.invited.wait()
        came_back = await comes_back_to(user.invitations[0].url)
        for line in lines:
            yield line if isinstance(line, str) else line(came_back)


async def test_the_address_is_pasted(client: TokenClient, config: Config) -> None:
    user = User(comes=False)
    typist = Typist("", "no idea", lambda url: url.replace("state=", "state=x"), lambda url: url, user=user)
    tokens = await sign_in(client, config, user, pasting=typist.pasting)
    assert tokens.account_id == ADA.account_id
    assert [complaint.split(":")[0].split(" nor")[0] for complaint in typist.complaints] == [
        "That is neither the address you ended up at",
        "State mismatch",
    ]


async def test_the_browser_may_come_by_itself_through_a_tunnel(client: TokenClient, config: Config) -> None:
    user = User()
    tokens = await sign_in(client, config, user, pasting=Typist(user=user).pasting)
    assert tokens.account_id == ADA.account_id


async def test_pasting_needs_no_port(client: TokenClient, config: Config) -> None:
    async def answer_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with (
        await asyncio.start_server(answer_nothing, "127.0.0.1", 1455),
        await asyncio.start_server(answer_nothing, "127.0.0.1", 1457),
    ):
        user = User(comes=False)
        tokens = await sign_in(client, config, user, pasting=Typist(lambda url: url, user=user).pasting)
        assert user.invitations[0].port is None
        assert tokens.account_id == ADA.account_id
        with pytest.raises(TurnoutError, match="input has ended"):
            await sign_in(client, config, user, pasting=Typist("no idea", user=user).pasting)
        with pytest.raises(TurnoutError, match="are taken by other programs"):
            await sign_in(client, config, user)
