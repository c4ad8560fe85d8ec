"""The server as a library and as a command: it starts, records, is steered, and stops without a trace."""

import asyncio
import gzip
import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.simulator.wire import body, headers, send, user
from turnout.simulator import Account, Message, Simulator, Turn, When, serve
from turnout.simulator.accounts import AUTH_CLAIM, read_access_token


def test_it_starts_and_stops_without_leaving_a_thread_or_a_port() -> None:
    before = threading.active_count()
    with Simulator() as sim:
        port = sim.port
        assert threading.active_count() == before + 1
        assert send(sim, body()).status == 200
    assert threading.active_count() == before
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_stops_while_a_client_waits(capfd: pytest.CaptureFixture[str]) -> None:
    with Simulator() as sim:
        sim.fault("stall-mid-text")
        waiting = threading.Thread(target=send, args=(sim, body()))
        waiting.start()
        sim.wait_until(lambda requests: bool(requests) and "response.output_text.delta" in requests[0].events)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    waiting.join(2)
    assert not waiting.is_alive()
    assert capfd.readouterr().err == ""


def test_several_run_side_by_side() -> None:
    with Simulator() as one, Simulator() as two:
        assert one.port != two.port
        send(one, body())
        assert (len(one.requests), len(two.requests)) == (1, 0)
        assert send(two, body(), authorization=one.headers()["authorization"]).status == 401


def test_the_same_key_makes_two_of_them_agree() -> None:
    with Simulator(key=b"s" * 32) as one, Simulator(key=b"s" * 32) as two:
        thought = {key: value for key, value in send(one, body()).items[0].items() if key != "id"}
        assert send(two, body(user(), thought), authorization=one.headers()["authorization"]).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::"])
def test_it_listens_on_this_machine_only(host: str) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Simulator(host=host)


def test_requests_are_recorded(sim: Simulator) -> None:
    fields = body()
    began = time.monotonic()
    answer = send(sim, fields, x_extra="yes")
    (seen,) = sim.requests
    assert (seen.method, seen.path, seen.status) == ("POST", "/backend-api/codex/responses", 200)
    assert seen.headers["x-extra"] == "yes"
    assert seen.raw == msgspec.json.encode(fields)
    assert seen.body == fields
    assert seen.input == fields["input"]
    assert seen.events == answer.types
    assert seen.output == answer.items
    assert seen.usage == answer.usage
    assert seen.body_at and seen.first_byte_at and seen.finished_at
    assert began <= seen.received_at <= seen.body_at <= seen.first_byte_at <= seen.finished_at
    assert seen.disconnected_at is None


def test_refused_requests_are_recorded_too(sim: Simulator) -> None:
    answer = send(sim, body(temperature=1))
    assert sim.requests[0].status == 400
    assert sim.requests[0].error == answer.raw


def test_waiting_for_requests(sim: Simulator) -> None:
    with pytest.raises(TimeoutError, match="did not come"):
        sim.wait_for_requests(1, timeout=0.05)
    threading.Timer(0.1, send, args=(sim, body())).start()
    assert len(sim.wait_for_requests(1)) == 1


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_compressed_bodies_are_accepted_by_codex_alone(sim: Simulator, encoding: str) -> None:
    compress = zstandard.ZstdCompressor().compress if encoding == "zstd" else gzip.compress
    raw = compress(msgspec.json.encode(body()))
    assert send(sim, None, raw=raw, content_encoding=encoding).status == 200
    assert sim.requests[0].raw == raw
    assert sim.requests[0].body == body()
    assert send(sim, None, raw=raw, content_encoding=encoding, path="/v1/responses").status == 415


def test_broken_bodies_are_refused(sim: Simulator) -> None:
    assert send(sim, None, raw=b"{not json").status == 400
    assert send(sim, None, raw=b"\xff\xfe").status == 400
    assert send(sim, None, raw=b"not zstd", content_encoding="zstd").status == 400
    assert send(sim, body(), content_type="text/plain").json == {"detail": "Unsupported content type"}


def test_a_websocket_is_refused_with_426(sim: Simulator) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13", "sec_websocket_key": "x"}
    answer = send(sim, None, raw=b"", method="GET", **upgrade)
    assert answer.status == 426
    assert send(sim, None, raw=b"", method="GET").status == 405
    assert sim.requests == []
    assert send(sim, {}, path="/backend-api/codex/unknown").status == 404


def test_the_models_a_client_version_may_see(sim: Simulator) -> None:
    def slugs(version: str) -> set[str]:
        answer = send(sim, None, raw=b"", method="GET", path=f"/backend-api/codex/models?client_version={version}")
        return {model["slug"] for model in answer.json["models"]}

    assert "gpt-6-astra" not in slugs("0.152.0")
    assert "gpt-6-astra" in slugs("0.153.0")
    assert "gpt-6-sol" not in slugs("0.153.3")
    assert "gpt-6-sol" in slugs("0.155.0")
    assert "gpt-4.1" not in slugs("0.169.0")
    refused = send(sim, None, raw=b"", method="GET", path="/backend-api/codex/models")
    assert (refused.status, refused.json["detail"][0]["loc"]) == (422, ["query", "client_version"])
    listed = send(sim, None, raw=b"", method="GET", path="/v1/models").json
    assert listed["object"] == "list"
    assert "gpt-4.1" in {model["id"] for model in listed["data"]}
    unsigned = send(sim, None, raw=b"", method="GET", path="/v1/models", authorization="Bearer nobody")
    assert unsigned.status == 401


def test_auth_json_has_the_shape_of_codex(sim: Simulator, tmp_path: Path) -> None:
    path = sim.write_auth_json(tmp_path)
    assert path == tmp_path / "auth.json"
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    document = msgspec.json.decode(path.read_bytes())
    assert document["auth_mode"] == "chatgpt"
    assert document["OPENAI_API_KEY"] is None
    assert document["last_refresh"].endswith("Z")
    tokens = document["tokens"]
    assert set(tokens) == {
        "id_token",
        "access_token",
        "refresh_token",
        "account_id",
        "oauth_provenance",
        "login_owner_id",
    }
    claims = read_access_token(tokens["access_token"], sim.state.key)
    assert claims is not None
    assert claims["exp"] > time.time()
    assert claims[AUTH_CLAIM]["chatgpt_account_id"] == tokens["account_id"] == sim.account.account_id
    assert len(tokens["id_token"].split(".")) == 3
    signed = {"authorization": f"Bearer {tokens['access_token']}", "chatgpt_account_id": tokens["account_id"]}
    assert send(sim, body(), **signed).status == 200


def test_an_expired_sign_in_can_be_written(sim: Simulator, tmp_path: Path) -> None:
    sim.settings.token_lifetime = -60
    token = msgspec.json.decode(sim.write_auth_json(tmp_path / "old.json").read_bytes())["tokens"]["access_token"]
    assert send(sim, body(), authorization=f"Bearer {token}").json["error"]["code"] == "token_expired"


def test_each_account_has_its_own_reasoning() -> None:
    other = Account(account_id="second-account", plan="plus")
    with Simulator(accounts=(Account(), other)) as sim:
        thought = {key: value for key, value in send(sim, body()).items[0].items() if key != "id"}
        second = {"authorization": f"Bearer {sim.access_token(other)}", "chatgpt_account_id": other.account_id}
        assert send(sim, body(), **second).headers["x-codex-plan-type"] == "plus"
        assert send(sim, body(user(), thought), **second).json["error"]["code"] == "invalid_encrypted_content"


def test_scripted_turns_are_used_once_and_only_where_they_fit(sim: Simulator) -> None:
    sim.script(
        Turn(output=[Message(text="for the sun")], when=When(model="gpt-6-sol")),
        Message(text="first"),
        Message(text="second"),
    )
    title = body(tools=[], tool_choice=None, text={"format": _title_format()})
    assert msgspec.json.decode(send(sim, title).text) == {"title": "hello"}
    assert [send(sim, body()).text for _ in range(2)] == ["first", "second"]
    assert send(sim, body(model="gpt-6-sol")).text == "for the sun"
    assert send(sim, body(user("say `rules`"))).text == "rules"


def _title_format() -> dict[str, object]:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
    return {"type": "json_schema", "name": "title", "strict": True, "schema": schema}


def test_the_control_plane_does_the_same_over_http(sim: Simulator) -> None:
    assert send(sim, None, raw=b"", method="GET", path="/_sim/health").json == {"ok": True}
    assert send(sim, {"fault": "503"}, path="/_sim/fault").json["fault"] == "503"
    assert send(sim, body()).status == 503
    assert send(sim, [{"output": [{"type": "message", "text": "ordered"}]}], path="/_sim/script").json["turns"] == 1
    assert send(sim, body()).text == "ordered"
    scenario = {"name": "tiny", "turns": [{"output": [{"type": "message", "text": "tiny"}]}]}
    assert send(sim, scenario, path="/_sim/scenario").json["scenario"] == "tiny"
    assert send(sim, body()).text == "tiny"
    send(sim, None, path="/_sim/scenario")
    assert send(sim, {"windows": {"gpt-5.5": 10}}, path="/_sim/settings").json["windows"] == {"gpt-5.5": 10}
    assert send(sim, body()).types[-1] == "response.failed"
    seen = send(sim, None, raw=b"", method="GET", path="/_sim/requests").json
    assert [entry["status"] for entry in seen] == [503, 200, 200, 200]
    assert send(sim, None, raw=b"", method="GET", path="/_sim/auth.json").json["tokens"]["account_id"]
    assert send(sim, {}, path="/_sim/reset").json == {"ok": True}
    assert sim.calls == []
    for path, wrong in (("fault", {"fault": "x"}), ("script", [{"x": 1}]), ("settings", {"x": 1})):
        assert send(sim, wrong, path=f"/_sim/{path}").status == 400


async def test_it_serves_in_the_foreground_until_cancelled() -> None:
    ready: asyncio.Future[Simulator] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(port=0, ready=ready.set_result))
    sim = await asyncio.wait_for(ready, 5)
    answer = await asyncio.to_thread(send, sim, body())
    assert answer.status == 200
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


def test_a_signal_ends_it_even_with_a_stalled_client() -> None:
    program = (
        "import asyncio\n"
        "from turnout.simulator import serve\n"
        "asyncio.run(serve(port=0, ready=lambda sim: (sim.fault('stall'), print(sim.url, flush=True))))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = int(process.stdout.readline().rsplit(":", 1)[1])
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    client.request("GET", "/_sim/auth.json")
    tokens = msgspec.json.decode(client.getresponse().read())["tokens"]
    signed = headers(authorization=f"Bearer {tokens['access_token']}", chatgpt_account_id=tokens["account_id"])
    client.request("POST", "/codex/responses", msgspec.json.encode(body()), signed)
    assert client.getresponse().status == 200
    process.terminate()
    process.wait(5)
    process.stdout.close()
    client.close()
