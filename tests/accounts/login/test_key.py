"""Trying an API key out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from turnout.accounts.login import key
from turnout.config import Config, OpenAISettings
from turnout.protocol.errors import FailureKind, TurnoutError

if TYPE_CHECKING:
    from turnout.simulator import Simulator

SCOPES = {"error": {"message": "You have insufficient permissions for this operation. Missing scopes: api.model.read."}}
COUNTRY = {"error": {"message": "Country, region, or territory not supported", "code": "unsupported_country"}}


def config(url: str) -> Config:
    return Config(openai=OpenAISettings(base_url=url))


async def test_a_good_key(sim: Simulator) -> None:
    tested = await key.test(config(sim.openai_url), {}, sim.api_key)
    assert tested.models > 1
    assert not tested.restricted
    assert sim.calls[-1].path == "/v1/models"


async def test_a_refused_key(sim: Simulator) -> None:
    with pytest.raises(TurnoutError, match="refuses this API key") as refused:
        await key.test(config(sim.openai_url), {}, "sk-wrong-0001")
    assert refused.value.failure.kind is FailureKind.SIGN_IN
    assert "sk-wrong" not in str(refused.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>Sign in to the Wi-Fi</html>", FailureKind.UPSTREAM_ERROR),
        (200, b"{}", FailureKind.UPSTREAM_ERROR),
        (302, b"", FailureKind.UPSTREAM_ERROR),
        (403, json.dumps(COUNTRY).encode(), FailureKind.UPSTREAM_ERROR),
        (429, b"slow down", FailureKind.RATE_LIMITED),
        (500, b"oops", FailureKind.UPSTREAM_ERROR),
    ],
)
async def test_what_is_no_word_on_the_key(status: int, body: bytes, kind: FailureKind) -> None:
    async with Api(status, body) as url:
        with pytest.raises(TurnoutError) as untested:
            await key.test(config(url), {}, "sk-good")
    assert untested.value.failure.kind is kind
    assert "Nothing was kept" in untested.value.failure.message
    assert "html" not in untested.value.failure.message


@pytest.mark.parametrize("status", [401, 403])
async def test_a_key_that_may_not_list_models_is_a_good_one(status: int) -> None:
    async with Api(status, json.dumps(SCOPES).encode()) as url:
        tested = await key.test(config(url), {}, "sk-restricted")
    assert (tested.models, tested.restricted) == (0, True)


async def test_an_api_that_is_not_there() -> None:
    with pytest.raises(TurnoutError) as failed:
        await key.test(config("http://127.0.0.1:9/v1"), {}, "sk-good")
    assert failed.value.failure.kind is FailureKind.UNREACHABLE


@pytest.mark.parametrize("text", ["sk-1", " sk-1\n", '"sk-1"', "'sk-1'\r\n"])
def test_what_surrounds_a_key_is_taken_off(text: str) -> None:
    assert key.clean(text) == "sk-1"


@pytest.mark.parametrize("text", ["", "  \n", "sk-1 sk-2", "sk-1\nsk-2", "sk-é", "sk-\x00"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(TurnoutError) as refused:
        key.clean(text)
    assert "sk-1" not in str(refused.value)


class Api:
    """Answers every question alike."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = status, body

    async def __aenter__(self) -> str:
        async def answer(request: web.BaseRequest) -> web.Response:
            return web.Response(status=self._answer[0], body=self._answer[1])

        self._runner = web.ServerRunner(web.Server(answer))
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
