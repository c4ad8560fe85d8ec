"""The real Codex CLI and two Turnouts with one login, whose refresh tokens are good for one use each."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.codex_cli import AppServer, Certificates, CodexHome
from tests.e2e.gateway import Gateway
from turnout.simulator import Settings, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

RENEWALS = 200
ALWAYS_DUE = 200.0
"""Seconds that access tokens last: less than the five minutes before their end, in which everyone renews them."""
A_DAY = 86_400.0
DEADLINE_SECONDS = 120.0
RESTARTS_AFTER_SECONDS = (0.5, 3.0)

MESSAGE = json.dumps(
    {"model": "claude-sonnet-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]}
).encode()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


@pytest.fixture
def simulator(certificates: Certificates) -> Iterator[Simulator]:
    with Simulator(certificate=certificates.server, settings=Settings(instructions_required=False)) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, simulator: Simulator, certificates: Certificates) -> CodexHome:
    return CodexHome(tmp_path / "user", simulator, certificates)


@pytest.fixture
def environment(home: CodexHome, simulator: Simulator) -> Mapping[str, str]:
    """What a Turnout needs to know to find the CLI's login and the services."""
    return {
        **home.environment,
        "TURNOUT_HOME": str(home.folder.parent / "turnout"),
        "TURNOUT_CHATGPT_BASE_URL": simulator.chatgpt_url,
        "TURNOUT_AUTH_ISSUER": simulator.url,
        "TURNOUT_LOG_LEVEL": "debug",
    }


class Uses:
    """Who has used which refresh token, as the sign-in service has seen it."""

    def __init__(self, simulator: Simulator) -> None:
        self.by_token: dict[str, list[str]] = defaultdict(list)
        self.renewed: dict[str, int] = defaultdict(int)
        for call in simulator.calls:
            if call.path == "/oauth/token" and call.body:
                who = "turnout" if call.headers["user-agent"].startswith("turnout/") else "codex"
                self.by_token[call.body["refresh_token"]].append(who)
                self.renewed[who] += call.status == 200

    @property
    def twice_by_turnout(self) -> list[str]:
        return [token for token, users in self.by_token.items() if users.count("turnout") > 1]


def ask(gateway: Gateway) -> int:
    """One request through a gateway; its status."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    try:
        connection.request(
            "POST", "/v1/messages", MESSAGE, {"x-api-key": gateway.token, "anthropic-version": "2023-06-01"}
        )
        response = connection.getresponse()
        response.read()
        time.sleep(0.05)
        return response.status
    finally:
        connection.close()


def test_a_login_that_the_cli_has_made_serves_both(
    simulator: Simulator, home: CodexHome, environment: Mapping[str, str], tmp_path: Path
) -> None:
    home.sign_in()
    made = json.loads(home.auth.read_bytes())
    with Gateway(tmp_path, upstream="codex", environment=environment) as gateway:
        assert ask(gateway) == 200
        simulator.fault("401")
        assert ask(gateway) == 200
        renewed = json.loads(home.auth.read_bytes())
        assert renewed["tokens"]["refresh_token"] != made["tokens"]["refresh_token"]
        assert set(renewed["tokens"]) == set(made["tokens"])
        assert home.auth.stat().st_mode & 0o777 == 0o600
        assert home.run("Say hi").returncode == 0
        with AppServer(home) as app_server:
            assert app_server.signed_in_as(renewing=True) == simulator.account.email
        assert ask(gateway) == 200
        assert [use.outcome for use in simulator.issuer.uses] == ["renewed", "renewed"]

        home.sign_out()
        time.sleep(1.1)  # the file is looked at once a second
        assert ask(gateway) == 403
        home.sign_in()
        time.sleep(1.1)
        assert ask(gateway) == 200
        shown = gateway.log
    assert not any(token in shown for token in (made["tokens"]["access_token"], made["tokens"]["refresh_token"]))


def test_200_renewals_lose_no_login(
    simulator: Simulator, home: CodexHome, environment: Mapping[str, str], tmp_path: Path
) -> None:
    """The CLI renews with might and main. One gateway is killed with `kill -9` again and again, of the other one every
    process that renews, at any step of its writing. Nobody is ever signed out."""
    simulator.settings.token_lifetime = ALWAYS_DUE
    simulator.write_auth_json(home.folder)
    over = threading.Event()
    failures: list[object] = []

    def worker(work: Callable[[], None]) -> threading.Thread:
        def run() -> None:
            try:
                while not over.is_set():
                    work()
            except BaseException as error:  # noqa: BLE001 (told by the test)
                failures.append(error)
                over.set()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def through_the_one_whose_renewals_are_killed() -> None:
        status = ask(lasting)
        if status != 200:
            failures.append(("lasting gateway", status))

    def through_the_one_that_is_killed() -> None:
        with Gateway(tmp_path, upstream="codex", environment=environment) as gateway:
            until = time.monotonic() + random.uniform(*RESTARTS_AFTER_SECONDS)
            while time.monotonic() < until:
                if (status := ask(gateway)) != 200:
                    failures.append(("killed gateway", status, gateway.log[-2000:]))
            gateway.kill()

    def with_the_cli() -> None:
        if app_server.signed_in_as(renewing=True) is None:
            # It has lost a race: it asks without the locks. The winner's login is in the file at once, or soon.
            deadline = time.monotonic() + 10
            while app_server.signed_in_as(renewing=True) is None:
                assert time.monotonic() < deadline, "the CLI stays signed out"
                time.sleep(0.05)
        time.sleep(random.uniform(0.1, 0.4))

    with ExitStack() as running:
        app_server = running.enter_context(AppServer(home))
        killing = [str(Path(__file__).with_name("killed_renewals.py"))]
        lasting = running.enter_context(Gateway(tmp_path, upstream="codex", environment=environment, turnout=killing))
        workers = [
            worker(through_the_one_whose_renewals_are_killed),
            worker(through_the_one_that_is_killed),
            worker(with_the_cli),
        ]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not over.is_set() and time.monotonic() < deadline:
            renewed = Uses(simulator).renewed
            if sum(renewed.values()) >= RENEWALS and min(renewed["turnout"], renewed["codex"]) >= RENEWALS / 5:
                over.set()
            time.sleep(0.2)
        over.set()
        for thread in workers:
            thread.join(60)

        uses = Uses(simulator)
        print(dict(uses.renewed), "races:", sum(len(users) > 1 for users in uses.by_token.values()))
        assert failures == [], lasting.log[-3000:]
        assert sum(uses.renewed.values()) >= RENEWALS
        assert uses.twice_by_turnout == []
        simulator.settings.token_lifetime = A_DAY
        assert app_server.signed_in_as(renewing=True) == simulator.account.email
        assert ask(lasting) == 200

    assert simulator.issuer.serves(home.refresh_token)
    assert home.run("Say hi").returncode == 0
    assert home.auth.stat().st_mode & 0o777 == 0o600
