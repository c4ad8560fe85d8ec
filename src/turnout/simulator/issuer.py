"""The sign-in service behind the simulated accounts: codes, single-use refresh tokens, device codes.

Strict where OpenAI's is (codex-backend.md 1.3 to 1.6): a code, a device grant and a refresh token serve once, PKCE and
redirect addresses are compared. Pure but for its lock: its methods may be called from any thread, times are given.
"""

import base64
import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from typing import Literal, TypeAlias, TypeVar

import msgspec

from turnout.simulator.accounts import CLIENT_ID, Account, Tokens, issue_tokens
from turnout.simulator.rejection import Rejection, api_error

REMEMBERED = 10_000
"""Refresh tokens and codes that are remembered: a long-running simulator must not grow."""
CODE_SECONDS = 600.0
DEVICE_SECONDS = 900.0
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

T = TypeVar("T")
Outcome: TypeAlias = Literal["renewed", "reused", "invalidated", "unknown"]


class Use(msgspec.Struct, frozen=True):
    """One attempt to renew a login."""

    token: str
    outcome: Outcome
    account_id: str
    at: float
    """Unix seconds."""


class _Refresh(msgspec.Struct):
    """A refresh token that was given out."""

    account: Account
    login: int
    """The sign-in that it descends from."""
    used: bool = False


class _Code(msgspec.Struct):
    """An authorization code that was given out."""

    account: Account
    redirect_uri: str
    challenge: str
    expires_at: float


class _Device(msgspec.Struct):
    """A device that waits for its user."""

    user_code: str
    expires_at: float
    approved_for: Account | None = None
    polls: int = 0


class Issuer:
    """Signs accounts in, and keeps count of what each token was used for."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._count = 0
        self._refresh: OrderedDict[str, _Refresh] = OrderedDict()
        self._codes: OrderedDict[str, _Code] = OrderedDict()
        self._devices: OrderedDict[str, _Device] = OrderedDict()
        self._ended: set[int] = set()
        self._uses: list[Use] = []
        self._revoked: list[str] = []
        self._lock = threading.Lock()

    @property
    def uses(self) -> list[Use]:
        """Every attempt to renew a login, oldest first (the last `REMEMBERED`)."""
        with self._lock:
            return list(self._uses)

    @property
    def revoked(self) -> list[str]:
        """The refresh tokens that were revoked."""
        with self._lock:
            return list(self._revoked)

    def sign_in(self, account: Account, *, now: float, lifetime: float) -> Tokens:
        """A new login of the account. `lifetime` of the access token in seconds; negative: it is expired already."""
        with self._lock:
            self._count += 1
            return self._issue(account, self._count, now, lifetime)

    def renew(self, refresh_token: str, *, now: float, lifetime: float) -> Tokens | Rejection:
        """The login renewed, its refresh token replaced; or the refusal."""
        with self._lock:
            known = self._refresh.get(refresh_token)
            outcome: Outcome = "renewed"
            if known is None:
                outcome = "unknown"
            elif known.login in self._ended:
                outcome = "invalidated"
            elif known.used:
                outcome = "reused"
            self._uses.append(Use(refresh_token, outcome, known.account.account_id if known else "", now))
            del self._uses[:-REMEMBERED]
            if known is None or outcome != "renewed":
                return REFUSALS[outcome]
            known.used = True
            return self._issue(known.account, known.login, now, lifetime)

    def serves(self, refresh_token: str) -> bool:
        """Whether the token would be accepted now."""
        with self._lock:
            known = self._refresh.get(refresh_token)
            return known is not None and not known.used and known.login not in self._ended

    def revoke(self, refresh_token: str) -> None:
        """End the login that the token belongs to; an unknown token is none of anyone's business."""
        with self._lock:
            self._revoked.append(refresh_token)
            if known := self._refresh.get(refresh_token):
                self._ended.add(known.login)

    def authorize(self, account: Account, redirect_uri: str, challenge: str, *, now: float) -> str:
        """An authorization code for an account whose user has agreed."""
        code = f"ac_{secrets.token_urlsafe(32)}"
        with self._lock:
            self._codes[code] = _Code(account, redirect_uri, challenge, now + CODE_SECONDS)
            _forget_oldest(self._codes)
        return code

    def exchange(
        self, code: str, verifier: str, redirect_uri: str, *, now: float, lifetime: float
    ) -> Tokens | Rejection:
        """The tokens for a code, once."""
        with self._lock:
            known = self._codes.pop(code, None)
            if known is None or known.expires_at <= now:
                return invalid_grant("The authorization code is expired or was used before.")
            if known.redirect_uri != redirect_uri:
                return invalid_grant("The redirect URI is not the one of the authorization request.")
            if not hmac.compare_digest(challenge_of(verifier), known.challenge):
                return invalid_grant("The code verifier does not fit the code challenge.")
            self._count += 1
            return self._issue(known.account, self._count, now, lifetime)

    def begin_device(self, *, now: float) -> tuple[str, str]:
        """A device id and the code that its user is to enter."""
        device_id = f"deviceauth_{secrets.token_hex(16)}"
        letters = "".join(secrets.choice(USER_CODE_LETTERS) for _ in range(9))
        user_code = f"{letters[:4]}-{letters[4:]}"
        with self._lock:
            self._devices[device_id] = _Device(user_code, now + DEVICE_SECONDS)
            _forget_oldest(self._devices)
        return device_id, user_code

    def approve_device(self, user_code: str, account: Account) -> bool:
        """The user enters the code on their other device; whether a device waits for it."""
        with self._lock:
            for device in self._devices.values():
                if device.user_code == user_code.strip().upper():
                    device.approved_for = account
                    return True
        return False

    def poll_device(
        self, device_id: str, user_code: str, *, redirect_uri: str, now: float, approve: tuple[Account, int] | None
    ) -> tuple[str, str, str] | Rejection:
        """Code, challenge and verifier once the user has agreed, else the refusal that means "not yet".

        `approve`: an account whose user agrees by itself after so many questions.
        """
        with self._lock:
            device = self._devices.get(device_id)
            if device is None or device.user_code != user_code or device.expires_at <= now:
                return api_error("The device code has expired.", code="expired_token", status=400)
            device.polls += 1
            if device.approved_for is None and approve is not None and device.polls > approve[1]:
                device.approved_for = approve[0]
            account = device.approved_for
            if account is None:
                return api_error("The user has not agreed yet.", code="deviceauth_authorization_pending", status=403)
            del self._devices[device_id]
        verifier = secrets.token_urlsafe(48)
        challenge = challenge_of(verifier)
        return self.authorize(account, redirect_uri, challenge, now=now), challenge, verifier

    def _issue(self, account: Account, login: int, now: float, lifetime: float) -> Tokens:
        tokens = issue_tokens(account, self._key, now=now, lifetime=lifetime)
        self._refresh[tokens.refresh_token] = _Refresh(account, login)
        _forget_oldest(self._refresh)
        return tokens


def challenge_of(verifier: str) -> str:
    """The S256 code challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def invalid_grant(description: str) -> Rejection:
    """OAuth's own refusal of a code (RFC 6749, 5.2)."""
    body = msgspec.json.encode({"error": "invalid_grant", "error_description": description})
    return Rejection(status=400, body=body)


def unknown_client(client_id: object) -> Rejection | None:
    """The refusal for any client but the Codex CLI's; None for that one."""
    if client_id == CLIENT_ID:
        return None
    return Rejection(status=401, body=msgspec.json.encode({"error": "invalid_client"}))


REFUSALS: dict[Outcome, Rejection] = {
    "reused": api_error(
        "Your refresh token has already been used to generate a new access token. Please try signing in again.",
        code="refresh_token_reused",
        status=401,
    ),
    "invalidated": api_error(
        "Your refresh token has been invalidated. Please try signing in again.",
        code="refresh_token_invalidated",
        status=401,
    ),
    "unknown": api_error(
        "Your refresh token could not be found. Please try signing in again.",
        code="refresh_token_invalidated",
        status=401,
    ),
}


def _forget_oldest(memory: OrderedDict[str, T]) -> None:
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
