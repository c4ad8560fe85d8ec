"""Who may talk to the gateway: Host and Origin, then the token. Pure: looks at a request's headers only.

A port on loopback can be reached by every web page in the user's browser: by a name that its owner points at 127.0.0.1
(DNS rebinding, so the Host is checked) and by cross-site requests (so the Origin is checked).
"""

from __future__ import annotations

import hmac
from functools import lru_cache
from typing import TYPE_CHECKING

from turnout.addresses import LOOPBACK_NAMES, bare_host, plain_address
from turnout.protocol.errors import Failure, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Admission:
    """The rules of one gateway."""

    def __init__(self, *, host: str, allowed_hosts: Iterable[str], token: str) -> None:
        """``host`` is the configured listening address; an empty ``token`` lets every local client in."""
        self._names = frozenset({host.lower(), *(bare_host(name) for name in allowed_hosts)})
        self._token = token.encode()
        # A handful of Host values come with every request: the verdict on each is worked out once.
        self._known = lru_cache(maxsize=64)(self._is_ours)

    def refuses_place(self, headers: Mapping[bytes, bytes], listening: str) -> Failure | None:
        """The failure if Host or Origin are foreign. ``listening`` is the local address the connection came in on."""
        host = headers.get(b"host", b"")
        if not self._known(host, listening):
            shown = bare_host(host.decode("latin-1"))[:100] or "(none)"
            return Failure(
                kind=FailureKind.FORBIDDEN,
                message=f"This gateway does not answer to the host name {shown!r}.",
                next_step="Use its address (such as 127.0.0.1), or add the name to TURNOUT_ALLOWED_HOSTS.",
            )
        origin = headers.get(b"origin")
        if origin is not None and origin.partition(b"://")[2].lower() != host.lower():
            return Failure(
                kind=FailureKind.FORBIDDEN,
                message="This gateway does not take requests from web pages.",
                next_step="Send the request from a program, without an Origin header.",
            )
        return None

    def refuses_client(self, headers: Mapping[bytes, bytes]) -> Failure | None:
        """The failure if the client does not show the token, as ``Authorization: Bearer`` or ``x-api-key``."""
        if not self._token:
            return None
        bearer = headers.get(b"authorization", b"")
        key = headers.get(b"x-api-key", b"")
        shown = bearer[7:].strip() if bearer[:7].lower() == b"bearer " else b""
        # Both are compared, always: Claude Code may send both, with different values (claude-code-wire.md 1).
        if hmac.compare_digest(shown, self._token) | hmac.compare_digest(key, self._token):
            return None
        wrong = "The token is not this gateway's." if bearer or key else "A token is required."
        return Failure(
            kind=FailureKind.UNAUTHENTICATED,
            message=wrong,
            # The header's name must not be in this text: Claude Code shows "Not logged in · Please run /login" in place
            # of any message that holds it (both pinned versions, tests/e2e/test_failures.py).
            next_step="Send the token that `turnout serve` shows (or TURNOUT_TOKEN): in Claude Code as "
            "ANTHROPIC_AUTH_TOKEN, elsewhere as the bearer token or API key.",
        )

    def _is_ours(self, host: bytes, listening: str) -> bool:
        name = bare_host(host.decode("latin-1"))
        if not name:
            return False
        if name in LOOPBACK_NAMES or name in self._names:
            return True
        address = plain_address(name)
        # A page can be made to reach us by a name of its owner's, never by an address that is not its own.
        return address is not None and (address.is_loopback or address == plain_address(listening))
