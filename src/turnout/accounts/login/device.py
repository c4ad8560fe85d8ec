"""Signing in on another device with a code (codex-backend.md 1.5): no browser and no port are needed here."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from turnout.accounts.token_client import TokenError
from turnout.protocol.errors import FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from turnout.accounts.token_client import DeviceCode, DeviceGrant, TokenClient
    from turnout.accounts.tokens import Tokens

NOT_FOUND = 404
"""The service's answer where codes are not enabled (codex-backend.md 1.5)."""
SECONDS = 900.0
"""How long a code is good for."""
SHORTEST = 1.0
"""Seconds between two questions at least, whatever the service says."""
SLOWER = 5.0
"""Seconds by which the pauses grow each time the service has been asked too often (RFC 8628, 3.5)."""
PATIENCE = 5
"""Questions in a row that may fail before the sign-in does: a network may come and go within 15 minutes."""


class NotOffered(TurnoutError):
    """Codes are not enabled for this service: another way of signing in serves."""


async def sign_in(
    client: TokenClient,
    *,
    invite: Callable[[DeviceCode], None],
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Tokens:
    """Waits for the user to enter the code that ``invite`` is given, and gives the new login.

    Raises `TurnoutError`: `NotOffered`; `SIGN_IN` when nobody has entered it in time; what the calls of `TokenClient`
    raise.
    """
    try:
        device = await client.device_code()
    except TokenError as error:
        raise (NotOffered(error.failure) if error.failure.status == NOT_FOUND else error) from None
    deadline = clock() + seconds
    invite(device)
    grant = await _grant(client, device, deadline, clock, sleep)
    return await client.exchange(grant.authorization_code, grant.code_verifier, client.device_redirect_uri)


async def _grant(
    client: TokenClient,
    device: DeviceCode,
    deadline: float,
    clock: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
) -> DeviceGrant:
    pause, failed = max(device.interval, SHORTEST), 0
    while clock() + pause < deadline:
        await sleep(pause)
        try:
            grant = await client.device_grant(device)
        except TokenError as error:
            failed += 1
            if failed >= PATIENCE or not _may_pass(error):
                raise
            if error.failure.kind is FailureKind.RATE_LIMITED:
                pause = max(pause + SLOWER, error.failure.retry_after or 0.0)
            continue
        failed = 0
        if grant is not None:
            return grant
    raise fail(
        FailureKind.SIGN_IN,
        "Nobody has entered the code in time, and it has expired.",
        "Run `turnout login --device` again for a new one.",
    )


def _may_pass(error: TokenError) -> bool:
    """Whether asking again may help. A refusal of the code itself (4xx) stays one."""
    status = error.failure.status
    return not error.permanent and (status < 400 or status == 429 or status >= 500)
