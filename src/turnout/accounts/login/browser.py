"""Signing in with the browser: authorization code with PKCE (codex-backend.md 1.3).

The browser may be on another machine: then the address at which it ends is pasted.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.claims import identity
from turnout.accounts.login import answer, pkce
from turnout.accounts.login.listener import PORTS, PortsTaken, listening, redirect_uri
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from turnout.accounts.credential import Secret
    from turnout.accounts.login.listener import Listener
    from turnout.accounts.token_client import TokenClient
    from turnout.accounts.tokens import Tokens
    from turnout.config import AccountsSettings

SECONDS = 900.0
"""How long the user may take. The listener is closed after that."""


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """What the user needs to sign in."""

    url: str
    """OpenAI's page."""
    port: int | None
    """Where the browser is waited for on this machine; None if every port is taken, so that only pasting helps."""


class Pasting(msgspec.Struct, frozen=True, kw_only=True):
    """How the user pastes what the browser ended up at."""

    lines: AsyncIterator[str]
    """What the user enters, line by line."""
    wrong: Callable[[str], None]
    """Tells the user what is wrong with a line; the next one is waited for."""


async def sign_in(
    client: TokenClient,
    settings: AccountsSettings,
    *,
    invite: Callable[[Invitation], None],
    pasting: Pasting | None = None,
    ports: Sequence[int] = PORTS,
    seconds: float = SECONDS,
) -> Tokens:
    """Waits for the user to sign in on OpenAI's page, and gives the new login.

    ``invite`` is called once everything is ready for the browser. Raises `TurnoutError`: `PortsTaken` when no port is
    free and nothing can be pasted; `SIGN_IN` when the user has declined or not come in time; what
    `TokenClient.exchange` raises.
    """
    attempt = pkce.attempt()
    async with _listener(attempt.state, ports, optional=pasting is not None) as listener:
        redirect = redirect_uri(listener.port if listener else ports[0])
        url = pkce.authorize_url(settings.issuer, settings.client_id, attempt, redirect)
        invite(Invitation(url=url, port=listener.port if listener else None))
        try:
            async with asyncio.timeout(seconds):
                code = await _first_code(listener, pasting, attempt.state)
        except TimeoutError:
            raise fail(
                FailureKind.SIGN_IN, f"Nobody has signed in within {seconds / 60:.0f} minutes.", answer.AGAIN
            ) from None
        tokens = await client.exchange(code, attempt.verifier, redirect)
        if listener:
            listener.succeed(identity(tokens.access_token, tokens.id_token).email)
        return tokens


def _listener(state: str, ports: Sequence[int], *, optional: bool) -> AbstractAsyncContextManager[Listener | None]:
    return _listening_if_possible(state, ports) if optional else listening(state, ports)


@contextlib.asynccontextmanager
async def _listening_if_possible(state: str, ports: Sequence[int]) -> AsyncIterator[Listener | None]:
    async with contextlib.AsyncExitStack() as stack:
        try:
            listener = await stack.enter_async_context(listening(state, ports))
        except PortsTaken:
            listener = None  # what the browser ends up at is pasted anyway
        yield listener


async def _first_code(listener: Listener | None, pasting: Pasting | None, state: str) -> Secret:
    """The code that comes first, by browser or by hand."""
    waits = [asyncio.ensure_future(listener.code())] if listener else []
    if pasting:
        waits.append(asyncio.ensure_future(_pasted_code(pasting, state, alone=listener is None)))
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        return next(iter(done)).result()
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


async def _pasted_code(pasting: Pasting, state: str, *, alone: bool) -> Secret:
    async for line in pasting.lines:
        if not line.strip():
            continue
        try:
            return answer.pasted(line, state)
        except answer.NotOurs as error:
            pasting.wrong(str(error))
    if alone:
        raise fail(FailureKind.SIGN_IN, "The input has ended before an address was pasted.", answer.AGAIN)
    await asyncio.Event().wait()  # the input has ended, the browser may still come
    raise AssertionError("unreachable")
