"""Who is let in: Host and Origin against rebinding and web pages, then the token (the issue's "Safe from the first
day")."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.gateway.client import message, send
from turnout.gateway.admission import Admission
from turnout.protocol.errors import FailureKind

if TYPE_CHECKING:
    from tests.gateway.conftest import Start
    from turnout.gateway.server import RunningGateway
    from turnout.simulator import Simulator


def hosts(host: str = "127.0.0.1", *names: str) -> Admission:
    return Admission(host=host, allowed_hosts=names, token="secret")


OURS = [
    "127.0.0.1",
    "127.0.0.1:4000",
    "127.0.0.1:9",
    "127.8.8.8",
    "localhost",
    "localhost:4000",
    "LocalHost:4000",
    "localhost.",
    "[::1]",
    "[::1]:4000",
    "[::ffff:127.0.0.1]:4000",
]
FOREIGN = [
    "",
    "evil.example",
    "evil.example:4000",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "localhost:4000@evil.example",
    "0.0.0.0:4000",
    "192.168.1.7:4000",
    "[::2]:4000",
    "[::1].evil.example",
    "127.0.0.1, evil.example",
    "127.0.0.1 evil.example",
    "2130706433",
]


@pytest.mark.parametrize("host", OURS)
def test_names_of_this_machine(host: str) -> None:
    assert hosts().refuses_place({b"host": host.encode()}, "127.0.0.1") is None


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names(host: str) -> None:
    refused = hosts().refuses_place({b"host": host.encode()}, "127.0.0.1")

    assert refused is not None
    assert refused.kind is FailureKind.FORBIDDEN
    assert "TURNOUT_ALLOWED_HOSTS" in refused.next_step


@pytest.mark.parametrize(
    ("host", "name", "listening", "welcome"),
    [
        ("192.168.1.7", "192.168.1.7:4000", "192.168.1.7", True),
        ("0.0.0.0", "192.168.1.7:4000", "192.168.1.7", True),
        ("0.0.0.0", "192.168.1.8:4000", "192.168.1.7", False),
        ("::", "192.168.1.7:4000", "::ffff:192.168.1.7", True),
        ("::", "[fe80::7]:4000", "fe80::7", True),
        ("gateway.lan", "gateway.lan:4000", "192.168.1.7", True),
        ("0.0.0.0", "gateway.lan:4000", "192.168.1.7", False),
        ("0.0.0.0", "evil.example", "192.168.1.7", False),
    ],
)
def test_the_listening_address(host: str, name: str, listening: str, welcome: bool) -> None:
    assert (hosts(host).refuses_place({b"host": name.encode()}, listening) is None) is welcome


@pytest.mark.parametrize("configured", ["host.docker.internal", "Host.Docker.Internal", "host.docker.internal:4000"])
def test_allowed_names(configured: str) -> None:
    headers = {b"host": b"host.docker.internal:4000"}

    assert hosts("127.0.0.1", configured).refuses_place(headers, "127.0.0.1") is None


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("http://127.0.0.1:4000", True),
        ("http://127.0.0.1:4001", False),
        ("http://localhost:4000", False),
        ("https://evil.example", False),
        ("http://127.0.0.1:4000.evil.example", False),
        ("null", False),
        ("", False),
        ("chrome-extension://abcdef", False),
    ],
)
def test_the_origin(origin: str | None, welcome: bool) -> None:
    headers = {b"host": b"127.0.0.1:4000"}
    if origin is not None:
        headers[b"origin"] = origin.encode()

    assert (hosts().refuses_place(headers, "127.0.0.1") is None) is welcome


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ({}, False),
        ({b"authorization": b"Bearer secret"}, True),
        ({b"authorization": b"bearer secret"}, True),
        ({b"authorization": b"secret"}, False),
        ({b"authorization": b"Basic secret"}, False),
        ({b"authorization": b"Bearer "}, False),
        ({b"authorization": b"Bearer secret2"}, False),
        ({b"authorization": b"Bearer SECRET"}, False),
        ({b"authorization": b"Bearer \xff\xfe"}, False),
        ({b"x-api-key": b"secret"}, True),
        ({b"x-api-key": b""}, False),
        ({b"x-api-key": b"secret", b"authorization": b"Bearer another"}, True),
        ({b"x-api-key": b"another", b"authorization": b"Bearer secret"}, True),
    ],
)
def test_the_token(headers: dict[bytes, bytes], welcome: bool) -> None:
    assert (hosts().refuses_client(headers) is None) is welcome


def test_without_a_token_everyone_is_let_in() -> None:
    assert Admission(host="127.0.0.1", allowed_hosts=(), token="").refuses_client({}) is None


class TestAtTheDoor:
    def test_a_rebound_name_is_refused_before_anything_else(self, sim: Simulator, gateway: RunningGateway) -> None:
        for method, path in (("POST", "/v1/messages"), ("GET", "/health"), ("GET", "/"), ("GET", "/nowhere")):
            answer = send(gateway, method=method, path=path, headers={"host": "evil.example:4000"})
            assert answer.status == 403
            assert "evil.example" in answer.error[1]
        assert not sim.requests

    def test_a_web_page_is_refused_and_told_nothing_by_cors(self, gateway: RunningGateway) -> None:
        page = {"origin": "https://evil.example"}
        refused = send(gateway, message(), headers=page)
        asked = send(gateway, method="OPTIONS", headers={**page, "access-control-request-method": "POST"})

        assert (refused.status, asked.status) == (403, 403)
        for answer in (refused, asked):
            assert not [name for name in answer.headers if name.startswith("access-control-")]

    def test_a_wrong_token_is_said_so_that_claude_code_does_not_try_again(
        self, sim: Simulator, gateway: RunningGateway
    ) -> None:
        answer = send(gateway, message("x" * 1_000_000), headers={"authorization": "Bearer wrong"})

        assert answer.status == 401
        assert answer.headers["x-should-retry"] == "false"
        assert "ANTHROPIC_AUTH_TOKEN" in answer.error[1]
        assert gateway.token not in str(answer)
        assert not sim.requests

    def test_no_token_on_loopback_when_it_is_turned_off(self, start: Start) -> None:
        gateway = start(server={"require_token": False})

        assert gateway.token == ""
        assert send(gateway, message(), headers={"authorization": ""}).status == 200
        assert send(gateway, message(), headers={"origin": "https://evil.example"}).status == 403

    def test_ipv6(self, start: Start) -> None:
        gateway = start(server={"host": "::1"})

        assert urlsplit(gateway.base_url).netloc.startswith("[::1]:")
        assert send(gateway, message()).status == 200
