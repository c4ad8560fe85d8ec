"""The calls to OpenAI's sign-in service: exchange, renew, revoke, device codes (codex-backend.md 1.3 to 1.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.protocol.errors import Failure, TurnoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Secret
    from turnout.accounts.tokens import Tokens
    from turnout.config import Config


class TokenError(TurnoutError):
    """The sign-in service has refused, or could not be asked."""

    def __init__(self, failure: Failure, *, permanent: bool) -> None:
        super().__init__(failure)
        self.permanent = permanent
        """Asking again will not help: the user has to sign in."""


class DeviceCode(msgspec.Struct, frozen=True, kw_only=True):
    """What the user enters on another device, and what asks whether they have."""

    device_auth_id: Secret
    user_code: str
    interval: float
    """Seconds between two questions."""
    verification_url: str
    """Where the user enters the code."""


class DeviceGrant(msgspec.Struct, frozen=True, kw_only=True):
    """The user has entered the code: what `TokenClient.exchange` takes."""

    authorization_code: Secret
    code_verifier: Secret


class TokenClient:
    """Asks the sign-in service that the settings name. Use within one event loop, and `close` it."""

    def __init__(self, config: Config, environ: Mapping[str, str]) -> None:
        """Raises `SettingsError` for an address, proxy or certificate that cannot be used."""
        raise NotImplementedError

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """A login for an authorization code. Raises `TokenError`."""
        raise NotImplementedError

    async def refresh(self, tokens: Tokens, reason: str) -> Tokens:
        """The login renewed; what the answer leaves out is kept. Raises `TokenError`."""
        raise NotImplementedError

    async def revoke(self, refresh_token: str) -> None:
        """Ends a login. Raises `TokenError`."""
        raise NotImplementedError

    async def device_code(self) -> DeviceCode:
        """Begins signing in on another device. Raises `TokenError`."""
        raise NotImplementedError

    async def device_grant(self, device: DeviceCode) -> DeviceGrant | None:
        """Asks once whether the user has entered the code; None if not yet. Raises `TokenError`."""
        raise NotImplementedError

    @property
    def device_redirect_uri(self) -> str:
        """The redirect address to exchange a `DeviceGrant` with."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the connections."""
        raise NotImplementedError
