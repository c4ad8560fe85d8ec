"""The two upstreams: their addresses, headers, credentials and what they declare."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

import msgspec
import pytest

from turnout.accounts.credential import Credential, Secret
from turnout.config import CodexSettings, Config, OpenAISettings
from turnout.protocol.errors import FailureKind, TurnoutError
from turnout.settings import SettingsError
from turnout.simulator import Simulator
from turnout.upstream import build
from turnout.upstream.base import Call
from turnout.upstream.codex import conversation_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from turnout.upstream.base import Upstream

BODY = (
    b'{"model":"gpt-6-astra","instructions":"","input":[{"type":"message","role":"user","content":'
    b'[{"type":"input_text","text":"Hi"}]}],"store":false,"stream":true}'
)


def codex(sim: Simulator, home: Path) -> Upstream:
    sim.write_auth_json(home)
    return build(Config(codex=CodexSettings(endpoint=f"{sim.codex_url}/responses", home=str(home))))["codex"]


def openai(sim: Simulator, base_url: str = "", environ: Mapping[str, str] | None = None) -> Upstream:
    settings = OpenAISettings(base_url=base_url or sim.openai_url, api_key=sim.api_key)
    return build(Config(upstream="openai", openai=settings), environ or {})["openai"]


async def ask(upstream: Upstream, *, lite: bool = False, session: str | None = None, body: bytes = BODY) -> bytes:
    call = Call(body=body, model="gpt-6-astra", lite=lite, session=session, request_id="req_1")
    stream = await upstream.open(call, await upstream.credential())
    data = b""
    while piece := await stream.read():
        data += piece
    stream.close()
    await upstream.close()
    return data


@pytest.mark.parametrize(("words", "coding"), [(10_000, "zstd"), (10, None)])
async def test_codex_compressed(sim: Simulator, tmp_path: Path, words: int, coding: str | None) -> None:
    sim.write_auth_json(tmp_path)
    settings = CodexSettings(endpoint=f"{sim.codex_url}/responses", home=str(tmp_path), compress=True)
    body = BODY.replace(b'"Hi"', b'"%b"' % (b"word " * words))

    assert b"response.completed" in await ask(build(Config(codex=settings))["codex"], body=body)

    (seen,) = sim.requests
    assert seen.status == 200
    assert seen.headers.get("content-encoding") == coding
    assert seen.body == json.loads(body)
    assert (len(seen.raw) < len(body) / 3) is (coding is not None)


async def test_codex(sim: Simulator, tmp_path: Path) -> None:
    assert b"response.completed" in await ask(codex(sim, tmp_path), session="abc")

    (seen,) = sim.requests
    assert seen.path == "/backend-api/codex/responses"
    assert seen.headers["chatgpt-account-id"] == sim.account.account_id
    names = ("session-id", "thread-id", "x-client-request-id")
    assert {seen.headers[name] for name in names} == {conversation_id("abc", sim.account.account_id)}


async def test_openai(sim: Simulator) -> None:
    environ = {"OPENAI_ORGANIZATION": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
    assert b"response.completed" in await ask(openai(sim, f"{sim.openai_url}/", environ), session="abc")

    (seen,) = sim.requests
    assert seen.path == "/v1/responses"
    assert seen.headers["authorization"] == f"Bearer {sim.api_key}"
    assert (seen.headers["openai-organization"], seen.headers["openai-project"]) == ("org-1", "proj-1")
    for name in ("chatgpt-account-id", "version", "originator", "session-id"):
        assert name not in seen.headers


async def test_the_lite_header_goes_with_lite_bodies_only(sim: Simulator, tmp_path: Path) -> None:
    upstream = codex(sim, tmp_path)
    with pytest.raises(TurnoutError):
        await ask(upstream, lite=True)  # a plain body under the lite header
    await ask(upstream)

    header = "x-openai-internal-codex-responses-lite"
    assert [seen.headers.get(header) for seen in sim.requests] == ["true", None]


def test_a_conversation_is_another_one_for_another_account() -> None:
    assert conversation_id("s", "a") == conversation_id("s", "a")
    assert len({conversation_id("s", "a"), conversation_id("s", "b"), conversation_id("t", "a")}) == 3


async def test_a_login_that_changes_is_seen(sim: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.accounts.live.LOOK_SECONDS", 0)
    upstream = codex(sim, tmp_path)
    first = await upstream.credential()
    time.sleep(1.1)  # a token says its time in whole seconds
    sim.write_auth_json(tmp_path)
    second = await upstream.credential()
    (tmp_path / "auth.json").unlink()

    assert first.token != second.token
    with pytest.raises(TurnoutError) as raised:
        await upstream.credential()
    assert raised.value.failure.kind is FailureKind.SIGN_IN


async def test_a_refused_api_key_is_not_answered_with_codex_login(sim: Simulator) -> None:
    upstream = openai(sim)
    wrong = Credential(token=Secret("sk-wrong"), source="the test")
    call = Call(body=BODY, model="gpt-6-astra", request_id="req_1")

    with pytest.raises(TurnoutError) as raised:
        await upstream.open(call, wrong)

    assert raised.value.failure.kind is FailureKind.SIGN_IN
    assert "OPENAI_API_KEY" in raised.value.failure.next_step
    assert "codex" not in raised.value.failure.text
    await upstream.close()


def test_all_are_built_since_a_slot_or_a_request_may_name_any() -> None:
    assert set(build(Config())) == set(build(Config(upstream="openai"), {})) == {"codex", "openai"}


def test_a_wrong_address_is_said_at_the_start() -> None:
    config = msgspec.convert({"codex": {"endpoint": "http://[broken/responses"}}, Config)
    with pytest.raises(SettingsError, match="ChatGPT backend"):
        build(config)


def test_what_they_take(sim: Simulator) -> None:
    plain = build(Config())["codex"].capabilities
    api = openai(sim).capabilities

    assert plain.instructions_required
    assert plain.lite_framing
    assert "max_output_tokens" not in plain.fields
    assert "max_output_tokens" in api.fields
    assert not api.lite_framing
    for refused in ("temperature", "top_p", "user", "metadata", "previous_response_id"):
        assert refused not in plain.fields | api.fields


async def test_many_streams_at_once_each_have_a_connection(sim: Simulator, tmp_path: Path) -> None:
    upstream = codex(sim, tmp_path)
    credential = await upstream.credential()

    async def one() -> bytes:
        call = Call(body=BODY, model="gpt-6-astra", request_id="req_1")
        stream = await upstream.open(call, credential)
        data = b""
        while piece := await stream.read():
            data += piece
        stream.close()
        return data

    answers = await asyncio.gather(*(one() for _ in range(150)))

    assert all(b"response.completed" in answer for answer in answers)
    await upstream.close()
