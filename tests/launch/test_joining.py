"""Whether a session can use the gateway that runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from turnout import __version__
from turnout.config import AccountsSettings, CodexSettings, Config, Server
from turnout.gateway.server import RunningGateway
from turnout.launch import control, joining
from turnout.launch.running import RunningGatewayInfo
from turnout.simulator import Simulator


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    with Simulator() as simulator:
        simulator.write_auth_json(tmp_path)
        yield Config(
            server=Server(port=0, token="the-token"),
            codex=CodexSettings(endpoint=f"{simulator.codex_url}/responses", home=str(tmp_path)),
            accounts=AccountsSettings(issuer=simulator.url),
        )


@pytest.fixture
def running(config: Config, tmp_path: Path) -> Iterator[RunningGatewayInfo]:
    with RunningGateway(config, environ={"TURNOUT_HOME": str(tmp_path)}) as gateway:
        yield RunningGatewayInfo(
            pid=1, url=gateway.base_url, token="the-token", version=__version__, started=time.time()
        )


def test_one_with_the_same_settings_can_be_used(running: RunningGatewayInfo, config: Config) -> None:
    elsewhere = msgspec.structs.replace(config, server=Server(port=4711))
    assert joining.obstacle(running, config) == joining.obstacle(running, elsewhere) == ""


def test_one_with_other_settings_cannot(running: RunningGatewayInfo, config: Config) -> None:
    assert "settings" in joining.obstacle(running, msgspec.structs.replace(config, strict=True))


def test_one_of_another_version_cannot(running: RunningGatewayInfo, config: Config) -> None:
    old = msgspec.structs.replace(running, version="0.0.1")
    assert "0.0.1" in joining.obstacle(old, config)
    assert "turnout restart" in joining.obstacle(old, config)


def test_one_that_does_not_answer_cannot(running: RunningGatewayInfo, config: Config) -> None:
    gone = msgspec.structs.replace(running, url="http://127.0.0.1:9")
    stranger = msgspec.structs.replace(running, token="another")
    for info in (gone, stranger):
        assert joining.obstacle(info, config) == "it does not answer"
        assert control.state(info) is None


def test_what_is_no_gateway_is_not_ready(running: RunningGatewayInfo) -> None:
    assert control.reasons_not_ready(running) == ()
    gone = msgspec.structs.replace(running, url="http://127.0.0.1:9")
    assert control.reasons_not_ready(gone) == ("It does not answer.",)
    assert not control.ask_to_end(gone, None)
    assert not control.ask_to_end(running, None), "it takes the secret, not the token"
