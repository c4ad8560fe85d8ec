"""Where the gateway may listen, and how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from tests.gateway.client import Wire, message, send
from tests.gateway.conftest import config
from tests.gateway.upstreams import BEGIN_TEXT, STREAM_HEAD, Connection, ScriptedUpstream, chunk, completed, delta
from turnout.config import Config, Server
from turnout.gateway import server
from turnout.gateway.app import Gateway
from turnout.gateway.binding import base_url, listen, with_token
from turnout.gateway.server import RunningGateway
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gateway.conftest import Start
    from turnout.simulator import Simulator


def on(**settings: object) -> Config:
    return Config(server=Server(**{"port": 0, **settings}))  # type: ignore[arg-type]


class TestWhereItListens:
    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "gateway.lan", ""])
    def test_other_machines_reach_it_only_with_a_token_that_was_chosen(self, host: str) -> None:
        with pytest.raises(SettingsError, match="TURNOUT_TOKEN"):
            with_token(on(host=host))
        with pytest.raises(SettingsError, match="TURNOUT_NO_TOKEN"):
            with_token(on(host=host, require_token=False, token="chosen"))
        assert with_token(on(host=host, token="chosen")).server.token == "chosen"

    def test_serve_refuses_too(self) -> None:
        with pytest.raises(SettingsError, match=r"does not listen on 0\.0\.0\.0"):
            asyncio.run(server.serve(on(host="0.0.0.0")))

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
    def test_loopback_gets_a_random_token(self, host: str) -> None:
        first, second = with_token(on(host=host)), with_token(on(host=host))

        assert len(first.server.token) > 30
        assert first.server.token != second.server.token
        assert with_token(on(host=host, require_token=False)).server.token == ""

    def test_a_taken_port_is_said_to_be_taken(self, start: Start) -> None:
        port = start().config.server.port

        with pytest.raises(SettingsError, match=f"Port {port} on 127.0.0.1 is taken"):
            listen("127.0.0.1", port)

    def test_an_address_of_another_machine(self) -> None:
        with pytest.raises(SettingsError, match=r"cannot listen on 192\.0\.2\.1"):
            listen("192.0.2.1", 0)

    @pytest.mark.parametrize(
        ("host", "address"),
        [
            ("127.0.0.1", "http://127.0.0.1:4000"),
            ("0.0.0.0", "http://127.0.0.1:4000"),
            ("::", "http://127.0.0.1:4000"),
            ("::1", "http://[::1]:4000"),
            ("localhost", "http://localhost:4000"),
        ],
    )
    def test_the_address_for_clients(self, host: str, address: str) -> None:
        assert base_url(host, 4000) == address

    def test_localhost_listens_on_one_port_only(self, start: Start) -> None:
        gateway = start(server={"host": "localhost"})

        assert send(gateway, message()).status == 200


class TestHowItEnds:
    def test_an_open_answer_gets_its_time(self, home: Path) -> None:
        go = threading.Event()
        with ScriptedUpstream(lambda upstream: _answer_later(upstream, go)) as upstream:
            gateway = RunningGateway(config(upstream.url, home, server={"drain": 10}))
            with gateway, Wire(gateway) as client, Wire(gateway) as late:
                client.post(message(stream=True))
                client.read_until(b"Hello")
                gateway.end()
                assert late.is_closed()
                go.set()
                client.read_until(b"message_stop")

    def test_what_takes_longer_is_ended_with_an_event(self, home: Path) -> None:
        with ScriptedUpstream(lambda upstream: _answer_later(upstream, threading.Event())) as upstream:
            gateway = RunningGateway(config(upstream.url, home, server={"drain": 0.3}))
            with gateway, Wire(gateway) as client:
                client.post(message(stream=True))
                client.read_until(b"Hello")
                gateway.end()
                assert b"event: error" in client.read_to_end()
                assert b"Turnout was stopped" in client.received

    def test_it_runs_without_uvloop_as_on_windows(
        self, sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "uvloop", None)
        assert server.loop_factory() is None

        with RunningGateway(config(f"{sim.codex_url}/responses", home)) as gateway:
            assert send(gateway, message(stream=True)).text

    def test_an_interrupt_while_it_starts(self, sim: Simulator, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        begin = Gateway.start

        def interrupted(gateway: Gateway) -> None:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            time.sleep(0.1)  # in which the main thread, which waits, is reached
            begin(gateway)

        monkeypatch.setattr(Gateway, "start", interrupted)
        gateway = RunningGateway(config(f"{sim.codex_url}/responses", home))
        with pytest.raises(KeyboardInterrupt), gateway:
            pass
        assert [thread for thread in threading.enumerate() if thread.name == "turnout-gateway"] == []
        listen("127.0.0.1", gateway.config.server.port)[0].close()

    def test_many_can_run_and_end_in_one_process(self, sim: Simulator, home: Path) -> None:
        before = threading.active_count()
        for _ in range(3):
            with RunningGateway(config(f"{sim.codex_url}/responses", home)) as gateway:
                assert send(gateway, message()).status == 200
        assert threading.active_count() == before

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_signals(self, home: Path, number: signal.Signals) -> None:
        go = threading.Event()
        with ScriptedUpstream(lambda upstream: _answer_later(upstream, go)) as upstream:
            gateway = _serve(upstream.url, home)
            process = gateway.process
            with Wire(gateway) as client:
                client.post(message(stream=True))
                client.read_until(b"Hello")
                process.send_signal(number)
                time.sleep(0.4)
                assert process.poll() is None
                go.set()
                client.read_until(b"message_stop")
            out, err = process.communicate(timeout=5)

        assert process.returncode == 0, err
        assert "Traceback" not in out + err

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_second_signal_ends_it_at_once(self, home: Path, number: signal.Signals) -> None:
        with ScriptedUpstream(lambda upstream: _answer_later(upstream, threading.Event())) as upstream:
            gateway = _serve(upstream.url, home)
            process = gateway.process
            with Wire(gateway) as client:
                client.post(message(stream=True))
                client.read_until(b"Hello")
                process.send_signal(number)
                time.sleep(0.3)
                began = time.monotonic()
                process.send_signal(number)
                _, err = process.communicate(timeout=5)

        assert time.monotonic() - began < 2
        assert "Traceback" not in err


def _answer_later(upstream: Connection, go: threading.Event) -> None:
    upstream.read_request()
    upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Hello")))
    go.wait(10)
    upstream.write(chunk(completed("Hello")) + b"0\r\n\r\n")


class Served(msgspec.Struct):
    """A gateway in a process of its own."""

    process: subprocess.Popen[str]
    base_url: str
    token: str


SERVE = """
import os
from turnout import settings
from turnout.gateway import server
from turnout.gateway.app import Gateway
server.run(settings.load(os.environ, {}), ready=lambda base_url: print(base_url, flush=True))
"""


def _serve(endpoint: str, home: Path) -> Served:
    variables = {
        "TURNOUT_PORT": "0",
        "TURNOUT_TOKEN": "chosen-for-the-test",
        "TURNOUT_HOME": str(home),
        "CODEX_HOME": str(home),
        "CODEX_API_ENDPOINT": endpoint,
    }
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return Served(process, process.stdout.readline().strip(), variables["TURNOUT_TOKEN"])
