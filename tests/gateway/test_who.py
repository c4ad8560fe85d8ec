"""What routing is told of accounts."""

from __future__ import annotations

from typing import Any, cast

import anyio
import msgspec
import pytest

from turnout.accounts.account import Account, SourceKind
from turnout.accounts.store import Accounts
from turnout.config import Config
from turnout.gateway.who import KNOWN_SECONDS, Who
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.routing.mapping import Nothing
from turnout.routing.router import route


def account(name: str, kind: Any = "chatgpt", plan: str = "", *, default: bool = False) -> Account:
    source = SourceKind.TURNOUT
    return Account(name=name, kind=kind, ownership="owned", source=source, path="", plan=plan, default=default)


TO_THE_API = route(Nothing("openai/gpt-5.5"), Config(), Catalogue.bundled())


class Known:
    """Accounts that are listed, or cannot be."""

    def __init__(self, *accounts: Account) -> None:
        self.accounts: list[Account] | None = list(accounts)
        self.asked = 0

    def list(self) -> list[Account]:
        self.asked += 1
        if self.accounts is None:
            raise fail(FailureKind.SIGN_IN, "broken")
        return self.accounts


class FakeUpstream:
    """Has credentials for some accounts only; "" is the usual one."""

    def __init__(self, *names: str) -> None:
        self.names = names

    async def credential(self, account: str | None = None) -> str:
        if (account or "") not in self.names:
            raise fail(FailureKind.SIGN_IN, f"none for {account}")
        return account or "usual"


def who(known: Known, clock: Any = lambda: 0.0) -> Who:
    return Who(cast("Accounts", known), clock=clock)


def test_the_plan_is_that_of_the_account_or_of_the_default_one() -> None:
    told = who(Known(account("key", "api_key", default=True), account("ada", plan="pro"), account("bob", plan="free")))
    assert (told.plan(), told.plan("bob"), told.plan("nobody"), told.plan("key")) == ("pro", "free", "", "")
    assert (told.upstream("key"), told.upstream("ada"), told.upstream("nobody")) == ("openai", "codex", "")


def test_accounts_that_cannot_be_listed_are_not_known() -> None:
    known = Known()
    known.accounts = None
    assert who(known).plan() == ""


def test_they_are_looked_at_now_and_then() -> None:
    known, moments = Known(account("ada", plan="free")), iter([0.0, KNOWN_SECONDS, KNOWN_SECONDS + 1])
    told = who(known, lambda: next(moments))
    assert told.plan() == told.plan() == "free"
    assert known.asked == 1
    known.accounts = [account("ada", plan="pro")]
    assert told.plan() == "pro"


def test_an_upstream_beside_the_one_in_use_gets_an_account_of_its_own() -> None:
    told = who(Known(account("ada", default=True), account("paid", "api_key")))

    def credential(asked: FakeUpstream, *, in_use: str = "codex", **names: str) -> Any:
        chosen = msgspec.structs.replace(TO_THE_API, **names)

        async def ask() -> Any:
            return await told.credential(cast("Any", asked), chosen, in_use=in_use)

        return anyio.run(ask)

    assert credential(FakeUpstream("", "paid")) == "usual"
    assert credential(FakeUpstream("paid")) == "paid"
    assert credential(FakeUpstream("", "bob"), account="bob") == "bob"
    for refused in (
        lambda: credential(FakeUpstream("paid"), in_use="openai"),
        lambda: credential(FakeUpstream("paid"), upstream="other"),
        lambda: credential(FakeUpstream("", "paid"), account="bob"),
        lambda: credential(FakeUpstream()),
    ):
        with pytest.raises(TurnoutError):
            refused()
