"""One attempt to sign in through OpenAI's page: its secrets and the page's address. Pure.

Sources: RFC 7636, codex-backend.md 1.3.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from turnout.accounts.credential import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

VERIFIER_BYTES, STATE_BYTES = 64, 32
"""Random bytes of each, as the Codex CLI takes them."""
SCOPE = "openid profile email offline_access"
"""What is asked for: who it is, and a login that can be renewed. More is not needed for the model requests."""
ORIGINATOR = "turnout"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt is known by. A new one for each."""

    verifier: Secret
    """Proves in the exchange that we are who began."""
    state: Secret
    """Comes back with the user: what comes without it belongs to someone else's attempt."""

    @property
    def challenge(self) -> str:
        """The verifier's S256 code challenge."""
        return _base64url(hashlib.sha256(self.verifier.encode()).digest())


def attempt(random: Callable[[int], bytes] = secrets.token_bytes) -> Attempt:
    """A new attempt. ``random`` gives that many random bytes."""
    return Attempt(
        verifier=Secret(_base64url(random(VERIFIER_BYTES))),
        state=Secret(_base64url(random(STATE_BYTES))),
    )


def authorize_url(issuer: str, client_id: str, attempt: Attempt, redirect_uri: str) -> str:
    """The address of the page on which the user signs in and agrees."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": SCOPE,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
        "id_token_add_organizations": "true",
        "codex_cli_simplified_flow": "true",
        "state": str(attempt.state),
        "originator": ORIGINATOR,
    }
    return f"{issuer.rstrip('/')}/oauth/authorize?{urlencode(query)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
