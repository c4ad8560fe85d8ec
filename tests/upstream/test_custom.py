"""Upstreams of the user's own: where requests go, as whom, by which way, and how many at a time."""

from __future__ import annotations

import asyncio
import http.server
import sys
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from turnout.accounts import key_reference
from turnout.config import Config, CustomUpstream, TakesSettings, TlsSettings
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.settings import SettingsError
from turnout.simulator import Simulator
from turnout.upstream import build, custom_capabilities, probed
from turnout.upstream.base import Call
from turnout.upstream.probed import Probed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from turnout.upstream.base import Upstream, UpstreamStream

BODY = (
    b'{"model":"qwen/3","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"Hi"}]}],'
    b'"stream":true}'
)
CHAT_ANSWER = b'data: {"choices":[{"index":0,"delta":{"content":"Hi."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.fixture(scope="module")
def sim() -> Iterator[Simulator]:
    with Simulator(seed=1) as running:
        yield running


class Server:
    """A server that answers everything with the same, and remembers what it was asked."""

    def __init__(self) -> None:
        self.seen: list[http.server.BaseHTTPRequestHandler] = []
        self.status, self.kind, self.answer = 200, "text/event-stream", CHAT_ANSWER
        self.held = threading.Event()
        self.held.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.seen.append(self)
                outer.held.wait(5)
                self.send_response(outer.status)
                self.send_header("content-type", outer.kind)
                self.send_header("content-length", str(len(outer.answer)))
                self.end_headers()
                self.wfile.write(outer.answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.held.set()
    made.http.shutdown()
    made.http.server_close()


def upstream(base_url: str, environ: dict[str, str] | None = None, **fields: Any) -> Upstream:
    settings = CustomUpstream(base_url=base_url, **{"wire": "chat", **fields})
    return build(Config(custom={"box": settings}), environ or {})["box"]


async def opened(target: Upstream, model: str = "qwen/3") -> UpstreamStream:
    return await target.open(Call(body=BODY, model=model, request_id="req_1"), await target.credential())


async def told(target: Upstream) -> bytes:
    stream = await opened(target)
    data = b""
    while piece := await stream.read():
        data += piece
    stream.close()
    await target.close()
    return data


async def test_path_query_headers_and_key(server: Server) -> None:
    answer = await told(
        upstream(
            f"{server.url}/openai/",
            {"AZURE_KEY": "k-1\n", "ORG": "acme"},
            path="/deployments/{model}/chat/completions",
            query={"api-version": "2026-05-01"},
            key="env:AZURE_KEY",
            key_header="api-key",
            headers={"x-org": "env:ORG", "x-title": "Turnout"},
        )
    )
    assert b"response.completed" in answer
    (seen,) = server.seen
    assert seen.path == "/openai/deployments/qwen%2F3/chat/completions?api-version=2026-05-01"
    assert (seen.headers["api-key"], seen.headers["x-org"], seen.headers["x-title"]) == ("k-1", "acme", "Turnout")
    assert "authorization" not in seen.headers


async def test_without_a_key_none_is_sent_and_an_answer_may_be_whole(server: Server) -> None:
    server.kind = "application/json"
    server.answer = b'{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}'
    assert b'"text":"Hi."' in await told(upstream(server.url))
    assert "authorization" not in server.seen[0].headers


async def test_a_web_page_is_no_answer(server: Server) -> None:
    server.kind, server.answer = "text/html", b"<html>Sign in</html>"
    with pytest.raises(TurnoutError) as caught:
        await told(upstream(server.url))
    assert caught.value.failure.kind is FailureKind.UPSTREAM_ERROR


async def test_both_wires_on_one_server(sim: Simulator) -> None:
    for wire, path in (("chat", "/v1/chat/completions"), ("responses", "/v1/responses")):
        environ = {"KEY": sim.api_key}
        body = BODY.replace(b"qwen/3", b"gpt-5.5") if wire == "responses" else BODY
        target = upstream(sim.openai_url, environ, wire=wire, key="env:KEY")
        stream = await target.open(Call(body=body, model="gpt-5.5", request_id="req_1"), await target.credential())
        assert b"response.created" in await stream.read()
        stream.close()
        await target.close()
        assert sim.requests[-1].path == path


async def test_no_more_at_a_time_than_the_cap(server: Server) -> None:
    server.held.clear()
    target = upstream(server.url, concurrency=1, queue=0.2)
    first = asyncio.create_task(opened(target))
    while not server.seen:
        await asyncio.sleep(0.01)
    with pytest.raises(TurnoutError) as caught:
        await opened(target)
    assert caught.value.failure.kind is FailureKind.RATE_LIMITED
    assert len(server.seen) == 1
    server.held.set()
    stream = await first
    waiting = asyncio.create_task(opened(target))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    stream.close()
    stream.close()  # a turn ends once
    (await waiting).close()
    assert len(server.seen) == 2
    await target.close()


async def test_a_turn_ends_with_a_failure_too(server: Server) -> None:
    server.status, server.kind, server.answer = 500, "text/plain", b"no"
    target = upstream(server.url, concurrency=1, queue=0.1)
    for _ in range(3):
        with pytest.raises(TurnoutError) as caught:
            await opened(target)
        assert caught.value.failure.kind is FailureKind.UPSTREAM_ERROR
    await target.close()


async def test_silence_has_a_time_of_its_own(sim: Simulator) -> None:
    target = upstream(sim.openai_url, {"KEY": sim.api_key}, key="env:KEY", idle=0.2)
    sim.fault("stall")
    stream = await opened(target)
    with pytest.raises(TurnoutError) as caught:
        while await stream.read():
            pass
    assert caught.value.failure.kind is FailureKind.UPSTREAM_TIMEOUT
    stream.close()
    await target.close()


async def test_certificates(certificate: Path) -> None:
    with Simulator(seed=1, certificate=certificate) as secure:
        environ = {"KEY": secure.api_key}
        with pytest.raises(TurnoutError) as caught:
            await told(upstream(secure.openai_url, environ, key="env:KEY"))
        assert caught.value.failure.kind is FailureKind.UNREACHABLE
        for tls in (TlsSettings(ca=str(certificate)), TlsSettings(verify=False)):
            assert b"response.completed" in await told(upstream(secure.openai_url, environ, key="env:KEY", tls=tls))
    upstream("https://127.0.0.1:1/v1", tls=TlsSettings(certificate=str(certificate)))  # its key is in the same file
    for wrong in (TlsSettings(ca="/nowhere"), TlsSettings(certificate="/nowhere")):
        with pytest.raises(SettingsError, match="certificates in /nowhere"):
            upstream("https://127.0.0.1:1/v1", tls=wrong)


async def test_a_proxy_of_its_own(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in server is the proxy: it sees the whole address."""
    target = upstream("http://models.example/v1", proxy=server.url.replace("http://", "http://me:secret@"))
    assert b"response.completed" in await told(target)
    (seen,) = server.seen
    assert seen.path == "http://models.example/v1/chat/completions"
    assert seen.headers["proxy-authorization"].startswith("Basic ")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert b"response.completed" in await told(upstream(server.url, proxy="none"))


class TestKeys:
    def test_where_they_are_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "key").write_text("k-file\n")
        monkeypatch.setattr("turnout.accounts.keyring_entries.read", lambda *where: "/".join(where).encode())
        command = f'"{sys.executable}" -c "print(chr(107) + chr(45) + chr(99))"'
        for reference, key in (
            ("env:K", "k-env"),
            (f"file:{tmp_path / 'key'}", "k-file"),
            ("keyring:my/service/me", "my/service/me"),
            (f"command:{command}", "k-c"),
            ("", ""),
        ):
            found = key_reference.read(reference, "box", {"K": "k-env"})
            assert found.token == key
            assert found.tag == key_reference.read("", "box", {}).tag, "one upstream, whatever its key is"
            assert "k-" not in repr(found)

    @pytest.mark.parametrize(
        ("reference", "told"),
        [
            ("env:NOT_SET", "the variable NOT_SET is not set"),
            ("env:EMPTY", "is empty (env:EMPTY)"),
            ("env:ODD", "holds a character that no key has"),
            ("file:/nowhere/key", "the file /nowhere/key cannot be read (No such file or directory)"),
            ("keyring:alone", "it is keyring:SERVICE/USER"),
            ("command:no-such-program-here --secret x", "the command cannot be run"),
            (f"command:{sys.executable} -c 'raise SystemExit(3)'", "ended with the code 3"),
            ("command:'", "the command cannot be read"),
        ],
    )
    def test_what_is_wrong_with_one_is_told(self, reference: str, told: str) -> None:
        with pytest.raises(TurnoutError) as caught:
            key_reference.read(reference, "box", {"EMPTY": " ", "ODD": "a b"})
        failure = caught.value.failure
        assert (failure.kind, bool(failure.next_step)) == (FailureKind.SIGN_IN, True)
        assert told in failure.message
        assert "--secret" not in failure.text

    async def test_a_refused_key_is_read_again(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text("one")
        target = upstream("http://127.0.0.1:1/v1", key=f"file:{file}")
        first = await target.credential()
        assert await target.renew(first) is None
        file.write_text("two")
        assert await target.credential() == first, "not with each request"
        renewed = await target.renew(first)
        assert renewed is not None
        assert renewed.token == "two"
        await target.close()

    async def test_a_header_whose_variable_is_not_set(self) -> None:
        """Said when it is used: the other upstreams have nothing to do with it."""
        target = upstream("http://127.0.0.1:1/v1", headers={"x-org": "env:ORG"})
        with pytest.raises(TurnoutError, match="wants the header x-org, which is env:ORG"):
            await opened(target)
        await target.close()


class TestCapabilities:
    def test_what_is_said_goes_before_what_was_found_before_the_usual(self) -> None:
        found = Probed(base_url="", wire="chat", model="", at=0, takes={"images": False, "strict": True}, limit="")
        said = TakesSettings(strict="off", developer="on")
        taken = custom_capabilities.chat(said, found)
        assert (taken.images, taken.strict, taken.developer_role, taken.tools) == (False, False, True, True)
        assert custom_capabilities.chat(TakesSettings(), None).images

    def test_of_the_responses_api(self) -> None:
        taken = custom_capabilities.responses(TakesSettings(include="off", parallel="off", sampling="on"), None)
        assert not {"include", "parallel_tool_calls", "service_tier"} & taken.fields
        assert {"temperature", "max_output_tokens"} <= taken.fields
        assert not taken.encrypted_reasoning

    @pytest.mark.parametrize(
        ("said", "found", "field"),
        [
            ("auto", "", "max_tokens"),
            ("auto", "max_completion_tokens", "max_completion_tokens"),
            ("max_tokens", "max_completion_tokens", "max_tokens"),
            ("off", "max_tokens", ""),
        ],
    )
    def test_the_limit(self, said: Any, found: str, field: str) -> None:
        known = Probed(base_url="", wire="chat", model="", at=0, limit=found)
        assert custom_capabilities.chat(TakesSettings(limit=said), known).max_tokens_field == field

    def test_what_was_found_counts_for_that_address_only(self, tmp_path: Path) -> None:
        environ = {"TURNOUT_HOME": str(tmp_path)}
        settings = CustomUpstream(base_url="http://a/v1", wire="chat")
        assert probed.read("box", settings, environ) is None
        found = Probed(base_url="http://a/v1", wire="chat", model="qwen", at=1, takes={"images": False})
        probed.write("box", found, environ)
        assert probed.read("box", settings, environ) == found
        assert probed.read("box", msgspec.structs.replace(settings, base_url="http://b/v1"), environ) is None
        assert probed.read("box", msgspec.structs.replace(settings, wire="responses"), environ) is None
        probed.path("box", environ).write_text("{")
        assert probed.read("box", settings, environ) is None


def test_those_that_are_off_are_left_out() -> None:
    off = CustomUpstream(base_url="http://127.0.0.1:1/v1", enabled=False)
    assert "box" not in build(Config(custom={"box": off}), {})
