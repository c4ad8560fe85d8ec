"""The calls to OpenAI's sign-in service: exchange, renew, revoke, device codes (codex-backend.md 1.3 to 1.6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from turnout.accounts.claims import identity, text
from turnout.accounts.credential import Secret
from turnout.accounts.tokens import Tokens
from turnout.calls import ANSWER_SECONDS, Answer, Calls
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import AccountsSettings, Config

NAME = "OpenAI's sign-in service"

PERMANENT = frozenset({"refresh_token_expired", "refresh_token_reused", "refresh_token_invalidated"})
"""Codes after which asking again never helps, whatever the status (codex-backend.md 1.4)."""
PERMANENT_WHEN_REFUSED = frozenset({"invalid_grant", "token_expired", "app_session_terminated"})
"""Codes that mean the same with a status 400, 401 or 403."""
WHY = {
    "refresh_token_expired": "it has expired",
    "token_expired": "it has expired",
    "refresh_token_reused": "it had been used before, most likely by another program that keeps a copy of it",
    "refresh_token_invalidated": "it was ended, for instance by signing out somewhere",
    "app_session_terminated": "it was ended, for instance by signing out somewhere",
    "invalid_grant": "it is not valid any more",
}
"""What a code says about a refresh token or an authorization code."""

DEVICE_INTERVAL = 5.0
"""Seconds between two questions if the service does not say."""
CODE = re.compile(r"[a-z][a-z0-9_]{1,60}")
"""What a service's error code looks like; anything else is not repeated to the user."""


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
    """Asks the sign-in service that the settings name. It holds no connections."""

    def __init__(self, config: Config, environ: Mapping[str, str], *, seconds: float = ANSWER_SECONDS) -> None:
        """``seconds`` is the time an answer may take."""
        self._settings: AccountsSettings = config.accounts
        self._calls = Calls(environ, connect=config.timing.connect, seconds=seconds)

    def prepare(self) -> None:
        """Does beforehand what takes a while and is the same for every call. Raises `TokenError`."""
        try:
            self._calls.prepare()
        except SettingsError as error:
            raise _misconfigured(error) from None

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> Tokens:
        """A login for an authorization code. Raises `TokenError`."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self._settings.client_id,
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        answer = await self._call(self._url("/oauth/token"), form=form)
        given = self._granted(answer, "the sign-in")
        access, id_token = text(given, "access_token"), text(given, "id_token")
        said = identity(access, id_token)
        if not access or not said.account_id:
            raise _no_tokens(answer)
        return Tokens(
            access_token=Secret(access),
            refresh_token=Secret(text(given, "refresh_token")),
            id_token=Secret(id_token),
            account_id=said.account_id,
        )

    async def refresh(self, tokens: Tokens, reason: str) -> Tokens:
        """The login renewed; what the answer leaves out is kept. Raises `TokenError`.

        ``reason`` is ``proactive_expiry`` or ``unauthorized_recovery`` (codex-backend.md 1.4). The account id stays
        the one that the user signed in for; whether the new tokens are still for it is for the caller to see.
        """
        body = {
            "client_id": self._settings.client_id,
            "grant_type": "refresh_token",
            "refresh_token": str(tokens.refresh_token),
            "refresh_reason": reason,
        }
        answer = await self._call(self._settings.refresh_url or self._url("/oauth/token"), json=body)
        given = self._granted(answer, "the login's renewal")
        if not text(given, "access_token"):
            raise _no_tokens(answer)
        return Tokens(
            access_token=Secret(text(given, "access_token")),
            refresh_token=Secret(text(given, "refresh_token")) or tokens.refresh_token,
            id_token=Secret(text(given, "id_token")) or tokens.id_token,
            account_id=tokens.account_id,
        )

    async def revoke(self, refresh_token: str) -> None:
        """Ends a login. Raises `TokenError`."""
        body = {
            "token": str(refresh_token),
            "token_type_hint": "refresh_token",
            "client_id": self._settings.client_id,
        }
        answer = await self._call(self._settings.revoke_url or self._url("/oauth/revoke"), json=body)
        if answer.status // 100 != 2:
            raise _refusal(answer, "the sign-out")

    async def device_code(self) -> DeviceCode:
        """Begins signing in on another device. Raises `TokenError`."""
        answer = await self._call(self._device_url("usercode"), json={"client_id": self._settings.client_id})
        if answer.status == 404:
            failure = Failure(
                kind=FailureKind.SIGN_IN,
                message="Signing in with a device code is not enabled for this service.",
                next_step="Sign in with the browser: `turnout login`, or `turnout login --headless`.",
                status=404,
            )
            raise TokenError(failure, permanent=True)
        given = self._granted(answer, "the device code")
        device = text(given, "device_auth_id")
        user_code = text(given, "user_code") or text(given, "usercode")
        if not device or not user_code:
            raise _no_tokens(answer)
        return DeviceCode(
            device_auth_id=Secret(device),
            user_code=user_code,
            interval=_interval(given.get("interval")),
            verification_url=self._url("/codex/device"),
        )

    async def device_grant(self, device: DeviceCode) -> DeviceGrant | None:
        """Asks once whether the user has entered the code; None if not yet. Raises `TokenError`."""
        body = {"device_auth_id": str(device.device_auth_id), "user_code": device.user_code}
        answer = await self._call(self._device_url("token"), json=body)
        if answer.status in (403, 404) and not _is_page(answer):
            return None
        given = self._granted(answer, "the device's sign-in")
        code, verifier = text(given, "authorization_code"), text(given, "code_verifier")
        if not code or not verifier:
            raise _no_tokens(answer)
        return DeviceGrant(authorization_code=Secret(code), code_verifier=Secret(verifier))

    @property
    def device_redirect_uri(self) -> str:
        """The redirect address to exchange a `DeviceGrant` with."""
        return self._url("/deviceauth/callback")

    def _url(self, path: str) -> str:
        return self._settings.issuer.rstrip("/") + path

    def _device_url(self, name: str) -> str:
        return self._url(f"/api/accounts/deviceauth/{name}")

    async def _call(
        self, url: str, *, json: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Answer:
        body = msgspec.json.encode(json) if form is None else urlencode(form).encode()
        content_type = "application/json" if form is None else "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        try:
            return await self._calls.call(NAME, "POST", url, headers=headers, body=body)
        except TurnoutError as error:
            raise TokenError(error.failure, permanent=False) from None
        except SettingsError as error:
            raise _misconfigured(error) from None

    def _granted(self, answer: Answer, what: str) -> dict[str, Any]:
        """The fields of a good answer. Raises `TokenError` for any other."""
        if answer.status // 100 != 2:
            raise _refusal(answer, what)
        decoded = _decode(answer)
        if not isinstance(decoded, dict):
            raise _no_tokens(answer)
        return decoded


def _misconfigured(error: SettingsError) -> TokenError:
    return TokenError(Failure(kind=FailureKind.UNREACHABLE, message=str(error)), permanent=False)


def _refusal(answer: Answer, what: str) -> TokenError:
    """The error for any answer but a good one (codex-backend.md 1.4)."""
    code = _code(answer)
    if code in PERMANENT or (code in PERMANENT_WHEN_REFUSED and answer.status in (400, 401, 403)):
        return _permanent(answer, f"OpenAI has refused {what}: {WHY[code]}", code)
    if answer.status == 401:
        return _permanent(answer, f"OpenAI has refused {what}", code)
    if answer.status == 429:
        kind, message = FailureKind.RATE_LIMITED, f"{NAME} has been asked too often"
        step = "Wait a little, then try again."
    elif _is_page(answer) and answer.status == 403:
        kind, message = FailureKind.UNREACHABLE, f"{NAME} answered with a web page that blocks programs"
        step = "This happens with some networks, proxies and countries: try again, or from another network."
    else:
        kind, message = FailureKind.UPSTREAM_ERROR, f"{NAME} failed"
        step = "Try again later."
    failure = Failure(
        kind=kind,
        message=f"{message} ({_said(answer, code)}).",
        next_step=step,
        status=answer.status,
        code=code,
        retry_after=_seconds(answer.headers.get("retry-after", "")),
    )
    return TokenError(failure, permanent=False)


def _permanent(answer: Answer, message: str, code: str) -> TokenError:
    failure = Failure(
        kind=FailureKind.SIGN_IN,
        message=f"{message} ({_said(answer, code)}).",
        next_step="Sign in again with: turnout login",
        status=answer.status,
        code=code,
    )
    return TokenError(failure, permanent=True)


def _no_tokens(answer: Answer) -> TokenError:
    what = "a web page" if _is_page(answer) else "an answer without what was asked for"
    failure = Failure(
        kind=FailureKind.UPSTREAM_ERROR,
        message=f"{NAME} gave {what} (HTTP {answer.status}).",
        next_step="Try again; if something between you and OpenAI changes answers (a proxy, a portal), avoid it.",
        status=answer.status,
    )
    return TokenError(failure, permanent=False)


def _code(answer: Answer) -> str:
    """The service's error code: ``error.code``, ``error`` itself, or ``code`` (codex-backend.md 1.4)."""
    decoded = _decode(answer)
    if not isinstance(decoded, dict):
        return ""
    error = decoded.get("error")
    found = text(error, "code") if isinstance(error, dict) else text(decoded, "error") or text(decoded, "code")
    return found if CODE.fullmatch(found) else ""


def _decode(answer: Answer) -> object:
    try:
        decoded: object = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return decoded


def _said(answer: Answer, code: str) -> str:
    return f"HTTP {answer.status}, {code}" if code else f"HTTP {answer.status}"


def _is_page(answer: Answer) -> bool:
    return "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"


def _interval(value: object) -> float:
    """The seconds between two questions, which come as a text (codex-backend.md 1.5)."""
    seconds = _seconds(str(value)) if isinstance(value, (str, int, float)) else None
    return DEVICE_INTERVAL if seconds is None else max(seconds, 0.0)


def _seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None  # a date: the caller's own rhythm serves as well
    return seconds if 0 <= seconds < 1e6 else None
