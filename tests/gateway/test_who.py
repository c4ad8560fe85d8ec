"""What routing is told of accounts."""

from __future__ import annotations

from typing import Any, cast

import anyio
import pytest

from turnout.accounts.account import Account, SourceKind
from turnout.accounts.store import Accounts
from turnout.gateway.who import KNOWN_SECONDS, Who
from turnout.protocol.errors import FailureKind, TurnoutError, fail


def account(name: str, kind: Any = "chatgpt", plan: str = "", *, default: bool = False) -> Account:
    source = SourceKind.TURNOUT
    return Account(name=name, kind=kind, ownership="owned", source=source, path="", plan=plan, default=default)


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

    def credential(upstream: FakeUpstream, *, beside: bool = True, name: str = "openai") -> Any:
        async def ask() -> Any:
            return await told.credential(cast("Any", upstream), name, beside=beside)

        return anyio.run(ask)

    assert credential(FakeUpstream("", "paid")) == "usual"
    assert credential(FakeUpstream("paid")) == "paid"
    for refused in (
        lambda: credential(FakeUpstream("paid"), beside=False),
        lambda: credential(FakeUpstream("paid"), name="other"),
        lambda: credential(FakeUpstream()),
    ):
        with pytest.raises(TurnoutError):
            refused()
