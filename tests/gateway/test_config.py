"""A running gateway's configuration: shown with origins, changed as a whole or not at all, by a file or a request."""

from __future__ import annotations

import errno
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.client import Answer, Wire, message, send, wait_for
from tests.gateway.upstreams import BEGIN_TEXT, STREAM_HEAD, Connection, ScriptedUpstream, chunk, completed, delta
from turnout.gateway.server import RunningGateway
from turnout.gateway.steering import GUARDED
from turnout.settings import Sources, leaves

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.gateway.conftest import Start
    from turnout.simulator import Simulator

    FromFile = Callable[..., RunningGateway]

PAIRS = [("gpt-6-astra", "low"), ("gpt-5.5", "high")]


def configure(gateway: RunningGateway, body: object = None, path: str = "/turnout/config", method: str = "") -> Answer:
    return send(gateway, body, method=method or ("GET" if body is None else "POST"), path=path)


def setting(gateway: RunningGateway, key: str) -> Any:
    return configure(gateway).json["settings"][key]


def sent(sim: Simulator) -> list[tuple[Any, Any]]:
    """Model and effort of each request that upstream has seen."""
    bodies: list[Any] = [request.body for request in sim.requests]
    return [(body["model"], body["reasoning"]["effort"]) for body in bodies]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def from_file(sim: Simulator, home: Path, tmp_path: Path, file: Path) -> Iterator[FromFile]:
    """Starts a gateway whose configuration comes from the file."""
    running: list[RunningGateway] = []

    def run(text: str = "", environ: dict[str, str] | None = None, endpoint: str = "") -> RunningGateway:
        upstream = endpoint or f"{sim.codex_url}/responses"
        file.write_text(f'[codex]\nendpoint = "{upstream}"\nhome = "{home.as_posix()}"\n{text}')
        variables = {"TURNOUT_HOME": str(tmp_path), **(environ or {})}
        source = Sources(variables, {"server.port": 0, "server.drain": 0.1, "accounts.issuer": sim.url})
        gateway = RunningGateway(source.resolve({}).config, environ=variables, source=source)
        running.append(gateway)
        return gateway.__enter__()

    yield run
    for gateway in running:
        gateway.__exit__(None, None, None)


# Shown


def test_each_value_is_told_with_where_it_came_from(from_file: FromFile, file: Path) -> None:
    gateway = from_file("[timing]\nhold = 3\n", {"TURNOUT_KEEPALIVE_SECONDS": "4"})
    told = configure(gateway).json
    settings = told["settings"]
    assert settings["timing.hold"] == {"value": 3.0, "origin": f"the file {file}"}
    assert settings["timing.keepalive"] == {"value": 4.0, "origin": "the variable TURNOUT_KEEPALIVE_SECONDS"}
    assert settings["timing.connect"] == {"value": 10.0, "origin": "default"}
    assert settings["server.token"]["value"] == "(set, not shown)"
    assert gateway.token not in json.dumps(told)
    assert (told["file"], told["restart"], told["problem"]) == (str(file), [], None)


@pytest.mark.parametrize("path", ["/turnout/config", "/claudex/config", "/claudex/models", "/claudex/models/refresh"])
def test_nobody_is_answered_without_the_token_or_from_a_web_page(gateway: RunningGateway, path: str) -> None:
    method = "POST" if path.endswith("refresh") else "GET"
    assert send(gateway, method=method, path=path, headers={"authorization": ""}).status == 401
    assert send(gateway, method=method, path=path, headers={"origin": "https://evil.example"}).status == 403
    assert send(gateway, method=method, path=path, headers={"host": "evil.example"}).status == 403


# Changed by a request


@pytest.mark.parametrize("body", [{"slots": {"opus": {"effort": "low"}}}, {"slots.opus.effort": "low"}])
def test_a_request_changes_what_it_names(start: Start, sim: Simulator, body: object) -> None:
    gateway = start()
    changed = configure(gateway, body)
    assert changed.json == {
        "changed": {"slots.opus.effort": {"value": "low", "origin": "a request to the gateway"}},
        "restart": [],
        "written": None,
    }
    assert send(gateway, message()).status == 200
    assert sent(sim) == [("gpt-6-astra", "low")]
    assert configure(gateway, {"slots.opus.effort": None}).json["changed"]["slots.opus.effort"]["value"] == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"timing": {"hold": 5}, "slots": {"opus": {"efort": "low"}}}, "Did you mean slots.opus.effort?"),
        ({"timing": {"hold": 5}, "slots": {"opus": {"effort": "huge"}}}, "'huge' for slots.opus.effort"),
        ({"timing": {"hold": 5}, "codex": {"base_url": "https://evil.example"}}, "cannot be changed by a request"),
        ({"timing": {"hold": 5}, "server": {"require_token": False}}, "cannot be changed by a request"),
        ({"timing": {"hold": 5}, "accounts": {"spill_to": "openai"}}, "cannot be changed by a request"),
        ({"timing": {"hold": 5}, "persist": "yes"}, "persist must be true or false"),
        ({"timing": {"hold": 5}, "persist": True}, "no configuration file"),
        ({"timing": 5}, "timing is a section"),
        (b"[]", "cannot be read"),
        (b"{", "cannot be read"),
        (b'{"a":' * 100_000, "cannot be read"),
        (b"\xff", "cannot be read"),
        ({"timing": {"hold": 5}, "codex": {"framing": {"m": 1}}}, "for codex.framing"),
        ({"timing": {"hold": 5}, "accounts": {"use": "nobody"}}, "no account called"),
    ],
)
def test_a_change_that_is_wrong_anywhere_changes_nothing(start: Start, body: object, told: str) -> None:
    gateway = start()
    before = configure(gateway).json
    answer = configure(gateway, body)
    assert answer.status == 400
    assert told in answer.error[1]
    assert configure(gateway).json == before


def test_what_needs_a_restart_is_named(start: Start) -> None:
    gateway = start()
    port = setting(gateway, "server.port")["value"]
    answer = configure(gateway, {"server": {"port": 4999, "body_limit": 2048}}).json
    assert answer["restart"] == ["server.port"]
    assert list(answer["changed"]) == ["server.body_limit"]
    assert setting(gateway, "server.port")["value"] == port
    assert send(gateway, message("x" * 4096)).status == 413
    assert configure(gateway).json["restart"] == ["server.port"]


def test_it_is_written_only_when_asked_and_comments_stay(from_file: FromFile, file: Path) -> None:
    gateway = from_file("# mine\n[timing]\nhold = 3  # long\n")
    before = file.read_text()
    configure(gateway, {"timing": {"hold": 4}})
    assert file.read_text() == before
    answer = configure(gateway, {"timing": {"hold": 5}, "persist": True}).json
    assert answer["written"] == str(file)
    assert file.read_text() == before.replace("hold = 3", "hold = 5")
    assert setting(gateway, "timing.hold") == {"value": 5.0, "origin": f"the file {file}"}
    configure(gateway, {"timing.hold": None, "persist": True})
    assert setting(gateway, "timing.hold") == {"value": 15.0, "origin": "default"}


def test_what_is_written_counts_even_where_a_variable_counts_before_the_file(from_file: FromFile, file: Path) -> None:
    gateway = from_file(environ={"TURNOUT_HOLD_SECONDS": "2"})
    configure(gateway, {"timing": {"hold": 5}, "persist": True})
    assert "hold = 5" in file.read_text()
    assert setting(gateway, "timing.hold") == {"value": 5.0, "origin": "a request to the gateway"}


def test_what_cannot_be_written_does_not_count_either(
    from_file: FromFile, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = from_file()
    before = file.read_text()

    def full(target: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr("turnout.accounts.atomic.write", full)
    answer = configure(gateway, {"timing": {"hold": 5}, "persist": True})
    assert answer.status == 400
    assert f"{file} cannot be written: No space left on device." in answer.error[1]
    assert file.read_text() == before
    assert setting(gateway, "timing.hold")["value"] == 15


def test_an_account_that_is_not_there_is_refused(start: Start) -> None:
    gateway = start()
    refused = configure(gateway, {"accounts": {"use": "nobody"}})
    assert refused.status == 400
    assert "There is no account called 'nobody'" in refused.error[1]
    assert setting(gateway, "accounts.use")["value"] == ""
    name = gateway.gateway._accounts.list()[0].name
    assert configure(gateway, {"accounts": {"use": name}}).status == 200
    assert send(gateway, message()).status == 200


def test_nothing_that_leads_elsewhere_or_lets_in_or_costs_can_be_changed_by_a_request() -> None:
    kinds = ("url", "endpoint", "token", "key", "issuer", "home", "folder", "hosts", "spill")
    named = {key for key in leaves() if any(kind in key.rpartition(".")[2] for kind in kinds)}
    assert named - GUARDED == set()


# Changed by a file


def test_a_changed_file_is_taken_over(from_file: FromFile, file: Path, sim: Simulator) -> None:
    gateway = from_file()
    file.write_text(file.read_text() + '[slots.opus]\nmodel = "gpt-5.5"\n')
    wait_for(lambda: setting(gateway, "slots.opus.model")["value"] == "gpt-5.5")
    assert send(gateway, message()).status == 200
    assert sent(sim)[-1][0] == "gpt-5.5"


def test_a_broken_file_changes_nothing_and_is_told(from_file: FromFile, file: Path, log_lines: io.StringIO) -> None:
    gateway = from_file("[timing]\nhold = 3\n")
    right = file.read_text()
    file.write_text(right.replace("hold", "hild"))
    wait_for(lambda: configure(gateway).json["problem"])
    assert "Did you mean timing.hold?" in configure(gateway).json["problem"]
    assert "config_not_taken" in log_lines.getvalue()
    assert setting(gateway, "timing.hold")["value"] == 3
    file.write_text(right.replace("3", "4"))
    wait_for(lambda: setting(gateway, "timing.hold")["value"] == 4)
    assert configure(gateway).json["problem"] is None


def test_a_removed_file_means_defaults(from_file: FromFile, file: Path) -> None:
    gateway = from_file("[timing]\nhold = 3\n")
    file.unlink()
    wait_for(lambda: setting(gateway, "timing.hold")["value"] == 15)


# What is under way


def test_each_request_sees_one_configuration_while_it_changes_all_the_time(start: Start, sim: Simulator) -> None:
    gateway = start()
    over = threading.Event()

    def change() -> int:
        count = 0
        while not over.is_set():
            model, effort = PAIRS[count % 2]
            assert configure(gateway, {"slots": {"opus": {"model": model, "effort": effort}}}).status == 200
            count += 1
        return count

    with ThreadPoolExecutor(9) as threads:
        configure(gateway, {"slots": {"opus": {"model": PAIRS[0][0], "effort": PAIRS[0][1]}}})
        changing = threads.submit(change)
        answers = list(threads.map(lambda _: send(gateway, message()), range(200)))
        over.set()
        assert changing.result() > 10
    assert {answer.status for answer in answers} == {200}
    assert set(sent(sim)) == set(PAIRS)


def test_a_changed_upstream_takes_the_new_requests_and_the_old_one_ends_its_own(
    from_file: FromFile, file: Path, sim: Simulator
) -> None:
    go = threading.Event()
    closed = threading.Event()

    def script(upstream: Connection) -> None:
        upstream.read_request()
        upstream.write(STREAM_HEAD + chunk(BEGIN_TEXT + delta("Old ")))
        go.wait(10)
        upstream.write(chunk(delta("answer") + completed("Old answer")) + b"0\r\n\r\n")
        upstream.wait_closed()
        closed.set()

    with ScriptedUpstream(script) as old:
        gateway = from_file(endpoint=old.url)
        before = gateway.gateway.live.snapshot.upstreams["codex"]
        with Wire(gateway) as client:
            client.post(message(stream=True))
            client.read_until(b"Old ")
            file.write_text(file.read_text().replace(old.url, f"{sim.codex_url}/responses"))
            wait_for(lambda: gateway.gateway.live.snapshot.upstreams["codex"] is not before)
            assert send(gateway, message()).status == 200
            assert len(sim.requests) == 1
            assert not closed.is_set()
            go.set()
            client.read_until(b"message_stop")
        assert closed.wait(5)


def test_upstreams_that_a_change_does_not_touch_stay(start: Start) -> None:
    gateway = start()
    before = dict(gateway.gateway.live.snapshot.upstreams)
    configure(gateway, {"timing": {"hold": 2}, "slots": {"opus": {"effort": "low"}}})
    assert dict(gateway.gateway.live.snapshot.upstreams) == before


# As claudex does it


def test_claudex_changes_model_and_reasoning(start: Start, sim: Simulator) -> None:
    gateway = start()
    answer = configure(gateway, {"model": "gpt-5.5", "reasoning": "low"}, path="/claudex/config")
    assert answer.json == {"status": "ok", "config": {"model": "gpt-5.5", "reasoning": "low"}}
    send(gateway, {**message(), "model": "claude-sonnet-5"})
    assert sent(sim) == [("gpt-5.5", "low")]
    again = configure(gateway, {"reasoning": None}, path="/claudex/config").json
    assert again["config"] == {"model": "gpt-5.5", "reasoning": None}
    refused = configure(gateway, {"reasoning": "huge"}, path="/claudex/config")
    assert refused.status == 400
    assert "one of" in refused.error[1]


def test_claudex_lists_models_and_the_mapping(start: Start) -> None:
    gateway = start()
    answer = configure(gateway, path="/claudex/models").json
    assert answer["mapping"]["opus"] == "gpt-6-astra"
    assert set(answer["mapping"]) == {"opus", "sonnet", "haiku"}
    assert "gpt-6-astra" in [model["id"] for model in answer["models"]]
    refreshed = configure(gateway, path="/claudex/models/refresh", method="POST")
    assert refreshed.status == 200
    assert refreshed.json["source"] == "live"
