"""The small server that the browser comes back to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

import pytest

from tests.accounts.login.user import browse
from turnout.accounts.login.listener import Listener, PortsTaken, listening, redirect_uri
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STATE = "state-of-this-attempt"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def url(listener: Listener, path: str = "/auth/callback", **query: str) -> str:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return f"http://127.0.0.1:{listener.port}{path}{'?' if text else ''}{text}"


async def test_the_browser_brings_a_code_and_is_shown_that_it_worked() -> None:
    async with listening(STATE, [free_port()]) as listener:
        browser = asyncio.create_task(browse(url(listener, code="ac_1", state=STATE)))
        assert await listener.code() == "ac_1"
        assert not browser.done(), "it waits for what becomes of the code"
        listener.succeed("ada@example.com")
    shown = await browser
    assert shown.status == 200
    assert "ada@example.com" in shown.text
    assert "may be closed" in shown.text
    assert shown.url.endswith("/success"), "the code is out of the address bar"
    assert not reachable(listener.port)


async def test_a_wrong_state_is_refused_and_the_right_one_still_waited_for() -> None:
    async with listening(STATE, [free_port()]) as listener:
        for query in ({"code": "ac_evil", "state": "other"}, {"code": "ac_evil"}, {"error": "access_denied"}):
            shown = await browse(url(listener, **query))
            assert shown.status == 400
            assert "State mismatch" in shown.text
        browser = asyncio.create_task(browse(url(listener, code="ac_1", state=STATE)))
        assert await listener.code() == "ac_1"
        listener.succeed("")
        assert (await browser).status == 200


async def test_a_refusal_ends_the_wait_and_is_shown() -> None:
    with pytest.raises(TurnoutError, match="declined"):
        async with listening(STATE, [free_port()]) as listener:
            browser = asyncio.create_task(browse(url(listener, error="access_denied", state=STATE)))
            await listener.code()
    assert "declined on OpenAI's page" in (await browser).text


async def test_why_the_code_was_of_no_use_is_shown() -> None:
    with pytest.raises(TurnoutError):
        async with listening(STATE, [free_port()]) as listener:
            browser = asyncio.create_task(browse(url(listener, code="ac_1", state=STATE)))
            await listener.code()
            raise fail(FailureKind.SIGN_IN, "The code had expired.", "Again, please.")
    shown = await browser
    assert shown.status == 400
    assert "The code had expired. Again, please." in shown.text


async def test_a_page_that_is_loaded_twice_shows_the_same() -> None:
    async with listening(STATE, [free_port()]) as listener:
        address = url(listener, code="ac_1", state=STATE)
        browsers = [asyncio.create_task(browse(address)) for _ in range(2)]
        await listener.code()
        await asyncio.sleep(0.1)
        listener.succeed("ada@example.com")
        assert [(await browser).status for browser in browsers] == [200, 200]


async def test_other_addresses_and_methods_lead_nowhere() -> None:
    async with listening(STATE, [free_port()]) as listener:
        for path in ("/", "/favicon.ico", "/success", "/docs"):
            assert (await browse(url(listener, path))).status == 404
        address = url(listener, code="ac_1", state=STATE)
        assert (await browse(address, method="HEAD")).status == 405, "a link checker does not use the code up"
        assert (await browse(address, method="POST")).status == 404
        assert (await browse(address, Host="evil.example:1455")).status == 403
        headers = (await browse(url(listener, "/success"))).headers
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"
        browser = asyncio.create_task(browse(address))
        assert await listener.code() == "ac_1"
        listener.succeed("")
        await browser


async def test_another_program_may_take_the_port_over() -> None:
    with pytest.raises(TurnoutError) as ended:
        async with listening(STATE, [free_port()]) as listener:
            assert (await browse(url(listener, "/cancel"), Sec_Fetch_Site="cross-site")).status == 403, "a web page"
            assert (await browse(url(listener, "/cancel"))).status == 200
            await listener.code()
    assert "Another program that signs in" in ended.value.failure.message
    assert "--device" in ended.value.failure.next_step


async def test_the_port_is_given_back_when_the_wait_is_broken_off() -> None:
    begun = asyncio.Event()
    port = free_port()

    async def wait() -> None:
        async with listening(STATE, [port]) as listener:
            begun.set()
            await listener.code()

    waiting = asyncio.create_task(wait())
    await begun.wait()
    assert reachable(port)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert not reachable(port)
    async with listening(STATE, [port]) as again:
        assert again.port == port


@contextlib.asynccontextmanager
async def neighbour(port: int, *, answers: bytes, ends: bool) -> AsyncIterator[None]:
    """Another program on the port. ``ends``: it gives the port up when it is asked to."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            asked = await reader.readuntil(b"\r\n\r\n")
            writer.write(answers)
            await writer.drain()
            writer.close()
            if ends and asked.startswith(b"GET /cancel "):
                await asyncio.sleep(0.3)
                server.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


YES = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\nConnection: close\r\n\r\nLogin cancelled"
NO = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def test_another_sign_in_is_asked_to_end_and_its_port_taken() -> None:
    first, second = free_port(), free_port()
    async with neighbour(first, answers=YES, ends=True), listening(STATE, [first, second]) as listener:
        assert listener.port == first


@pytest.mark.parametrize("answers", [NO, b"SSH-2.0-OpenSSH_9.2\r\n", b""])
async def test_any_other_program_keeps_its_port(answers: bytes) -> None:
    first, second = free_port(), free_port()
    async with neighbour(first, answers=answers, ends=False), listening(STATE, [first, second]) as listener:
        assert listener.port == second


async def test_with_both_ports_taken_it_says_what_helps() -> None:
    first, second = free_port(), free_port()
    async with neighbour(first, answers=NO, ends=False), neighbour(second, answers=NO, ends=False):
        with pytest.raises(PortsTaken) as refused:
            async with listening(STATE, [first, second]):
                pass
    assert f"{first} and {second}" in refused.value.failure.message
    assert "turnout login --device" in refused.value.failure.next_step


def test_the_address_is_the_one_that_is_registered() -> None:
    assert redirect_uri(1455) == "http://127.0.0.1:1455/auth/callback"


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    first, second = free_port(), free_port()
    async with neighbour(first, answers=YES, ends=True), listening(STATE, [first, second]) as listener:
        assert listener.port == first
