"""Claude Code goes on when the limit of an account is reached, if the user has another one and wants that."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.claude_code import ClaudeCode
from tests.e2e.gateway import Gateway
from tests.e2e.script import bash, say, use
from tests.e2e.stack import Stack
from turnout.accounts.store import Accounts
from turnout.accounts.tokens import Tokens
from turnout.config import AccountsSettings, Config
from turnout.simulator import Account, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.simulator import RecordedRequest

ADA = Account()
BOB = Account(account_id="account-bob", user_id="user-bob", email="bob@example.com", plan="plus")


@pytest.fixture
def stack(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A gateway of someone with the accounts ada and bob; the test's mark says what is set."""
    variables: dict[str, str] = request.param
    home = tmp_path / "gateway"
    with Simulator(accounts=(ADA, BOB)) as simulator:
        accounts = Accounts(Config(accounts=AccountsSettings(folder=str(home / "accounts"))), {})
        for account in (ADA, BOB):
            issued = simulator.tokens(account)
            accounts.add_owned(
                Tokens(
                    id_token=issued.id_token,
                    access_token=issued.access_token,
                    refresh_token=issued.refresh_token,
                    account_id=account.account_id,
                )
            )
        environment = {
            "TURNOUT_HOME": str(home),
            "TURNOUT_ACCOUNTS_DIR": str(home / "accounts"),
            "TURNOUT_CHATGPT_BASE_URL": f"{simulator.url}/backend-api",
            "TURNOUT_AUTH_ISSUER": simulator.url,
            "OPENAI_API_KEY": simulator.api_key,
            "OPENAI_API_BASE_URL": simulator.openai_url,
            **variables,
        }
        with Gateway(home, upstream="codex", environment=environment) as gateway:
            yield Stack(simulator, gateway)


@pytest.fixture
def claude(version: str, stack: Stack, tmp_path: Path) -> ClaudeCode:
    return ClaudeCode(version, tmp_path / "user", stack.gateway.url, stack.gateway.token)


def exhaust(stack: Stack, **seconds: float) -> None:
    ids = {"ada": ADA.account_id, "bob": BOB.account_id}
    stack.simulator.settings.exhausted = {ids[name]: time.time() + wait for name, wait in seconds.items()}


def who(request: RecordedRequest) -> str:
    names = {ADA.account_id: "ada", BOB.account_id: "bob"}
    return names.get(request.headers.get("chatgpt-account-id", ""), "api")


def reasoning(request: RecordedRequest) -> int:
    return [item["type"] for item in request.input].count("reasoning")


FAILOVER = pytest.mark.parametrize("stack", [{"TURNOUT_ACCOUNT_POLICY": "failover"}], indirect=True)
SPILL = pytest.mark.parametrize("stack", [{"TURNOUT_SPILL_TO": "openai"}], indirect=True)


@FAILOVER
def test_a_conversation_goes_on_with_the_next_account_in_mid_work(
    claude: ClaudeCode, stack: Stack, tmp_path: Path
) -> None:
    stack.play(use(bash("echo one")), use(bash("echo two")), say("All done."), say("And on."))
    # The limit is reached between the first tool call and the second.
    stack.simulator.fault("429-usage-limit:7200", after=1)
    result = claude.run("Count", "--allowedTools", "Bash", "--output-format", "stream-json", "--verbose").succeeded()
    assert not [event for event in result.events if event.get("subtype") == "api_retry"], "the client saw no failure"
    assert "All done." in result.stdout
    exhaust(stack, ada=7200)
    assert claude.run("Go on", "--continue").succeeded().stdout == "And on.\n"

    took = [(who(request), request.status, reasoning(request)) for request in stack.conversation]
    assert took[:4] == [("ada", 200, 0), ("ada", 429, 1), ("bob", 200, 0), ("bob", 200, 1)]
    assert {account for account, _, _ in took[4:]} == {"bob"}
    told = _turnout(tmp_path, "explain", "--list", "--json")
    noted = [_turnout(tmp_path, "explain", each["request_id"]) for each in json.loads(told)["requests"]]
    assert any("the usage limit of ada is reached: sent as bob instead" in " ".join(each.split()) for each in noted)


@FAILOVER
def test_when_all_accounts_are_dry_the_user_reads_when_the_first_one_opens(claude: ClaudeCode, stack: Stack) -> None:
    exhaust(stack, ada=7200, bob=3600)
    result = claude.run("Hello")
    assert result.code == 1
    assert re.search(
        r"usage limits of all accounts are reached \(ada, bob\); the first to open again is bob. "
        r"It resets at .* UTC \(in (1h 0m|59m)\)",
        result.stdout,
    )
    assert result.seconds < 15
    assert [who(request) for request in stack.conversation] == ["ada", "bob"]


@SPILL
def test_a_conversation_goes_on_with_the_api_key(claude: ClaudeCode, stack: Stack, tmp_path: Path) -> None:
    stack.play(use(bash("echo one")), say("All done."))
    stack.simulator.fault("429-usage-limit:7200", after=1)
    result = claude.run("Count", "--allowedTools", "Bash").succeeded()
    assert result.stdout == "All done.\n"
    assert [who(request) for request in stack.conversation] == ["ada", "ada", "api"]
    stack.gateway.close()
    book = json.loads((tmp_path / "gateway" / "state" / "spending.json").read_text())
    assert book["answers"] >= 1
    assert book["dollars"] > 0


def _turnout(tmp_path: Path, *arguments: str) -> str:
    import os

    done = subprocess.run(
        [sys.executable, "-m", "turnout", *arguments],
        env={**os.environ, "TURNOUT_HOME": str(tmp_path / "gateway"), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
