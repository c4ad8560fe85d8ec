"""The gateway's state, and its end when it is asked for from outside."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.gateway.client import Wire, message, send, wait_for
from turnout.config import Config
from turnout.gateway.life import fingerprint

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway


def control(gateway: RunningGateway) -> dict[str, str]:
    return {"x-turnout-control": gateway.gateway.life.control}


def test_it_says_what_it_is_and_what_it_has_done(gateway: RunningGateway) -> None:
    before = send(gateway, method="GET", path="/turnout/gateway").json
    assert send(gateway, message("say banana")).status == 200
    wait_for(lambda: gateway.gateway.life.requests == before["requests"] + 1)
    state = send(gateway, method="GET", path="/turnout/gateway").json
    assert state["open"] == 0
    assert state["upstream"] == gateway.config.upstream
    assert gateway.config.upstream in state["upstreams"]
    assert state["settings"] == fingerprint(gateway.config)
    assert time.time() - 60 < state["started"] < time.time()


def test_its_state_is_for_its_clients_only(gateway: RunningGateway) -> None:
    assert send(gateway, method="GET", path="/turnout/gateway", headers={"authorization": ""}).status == 401


@pytest.mark.parametrize("shown", [{}, {"x-turnout-control": ""}, {"x-turnout-control": "guess"}])
def test_a_client_cannot_end_it(gateway: RunningGateway, shown: dict[str, str]) -> None:
    answer = send(gateway, {}, path="/turnout/stop", headers=shown)
    assert answer.status == 403
    assert "turnout down" in answer.error[1]
    assert send(gateway, method="GET", path="/health").status == 200


@pytest.mark.parametrize("body", [b"{", b'{"drain": -1}', b'{"drain": "soon"}'])
def test_an_end_that_cannot_be_read_is_refused(gateway: RunningGateway, body: bytes) -> None:
    assert send(gateway, body, path="/turnout/stop", headers=control(gateway)).status == 400
    assert send(gateway, method="GET", path="/health").status == 200


def test_it_listens_no_more_once_its_end_has_begun(start: Start) -> None:
    gateway = start()
    left = threading.Event()
    gateway.gateway.life.left = left.set
    with Wire(gateway) as wire:
        wire.post(message("[[slow]] say banana", stream=True))
        wait_for(lambda: gateway.gateway.life.open == 1)
        assert send(gateway, b"", path="/turnout/stop", headers=control(gateway)).status == 202
        assert left.wait(5)
        with pytest.raises(ConnectionRefusedError):
            send(gateway, method="GET", path="/health")


def test_settings_have_the_same_fingerprint_wherever_they_are_served() -> None:
    config = Config()
    elsewhere = msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, port=1, token="t"))
    assert fingerprint(config) == fingerprint(elsewhere)
    assert fingerprint(config) != fingerprint(msgspec.structs.replace(config, strict=True))
    keyed = msgspec.structs.replace(config.openai, api_key="sk-1")
    assert fingerprint(config) != fingerprint(msgspec.structs.replace(config, openai=keyed))
