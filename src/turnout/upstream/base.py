"""What the gateway needs of an upstream: open a stream of Responses events, read its bytes, close it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.protocol.errors import TurnoutError
from turnout.protocol.fidelity import Note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Credential
    from turnout.protocol.capabilities import Capabilities
    from turnout.protocol.errors import Failure


class Call(msgspec.Struct, kw_only=True):
    """One request to an upstream. `Upstream.open` keeps neither it nor its body once upstream has answered."""

    body: bytes
    """A Responses request, encoded."""
    model: str
    lite: bool = False
    """The body is in lite framing, which wants its header (codex-backend.md 2.3)."""
    session: str | None = None
    """The conversation's key, as in `Target.session`."""
    fresh: bool = False
    """It is to go over a connection of its own: those that are open lead to where it was turned away."""
    headers: Mapping[str, str] = {}
    """Headers of the client's, for upstreams of its own kind."""
    request_id: str
    """Turnout's own id of this request, for the log."""
    strict: bool = False
    """It is refused rather than sent with something left out."""
    notes: tuple[Note, ...] = ()
    """Set by `Upstream.open`: what an upstream that speaks another protocol had to say otherwise."""


class UpstreamStream(Protocol):
    """An answer that has begun with HTTP 200 and an event stream."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Response headers; a name is found in any case."""
        ...

    @property
    def ended(self) -> bool:
        """Upstream's HTTP answer has been read to its end."""
        ...

    async def read(self) -> bytes:
        """The bytes that are there, at least one; ``b""`` at the end of a complete HTTP answer.

        Raises `TurnoutError` (`CUT`) when the connection breaks.
        """
        ...

    def close(self) -> None:
        """Ends the exchange at once; upstream sees the connection close. Harmless when called again."""
        ...


class Refused(TurnoutError):
    """Upstream has answered, and not with a stream."""

    def __init__(self, failure: Failure, headers: Mapping[str, str]) -> None:
        """``headers`` are the answer's, names in lower case."""
        super().__init__(failure)
        self.headers = headers


class Upstream(Protocol):
    """One configured upstream."""

    name: str
    capabilities: Capabilities

    async def credential(self, account: str | None = None) -> Credential:
        """The credential to send with: of that account, or of the default one.

        Raises `TurnoutError`: `SIGN_IN` naming the command that helps, or why it could not be renewed.
        """
        ...

    async def renew(self, refused: Credential) -> Credential | None:
        """What to send a request with once more, after upstream has refused this credential; None if there is nothing.

        Raises `TurnoutError` with the reason that a user should know.
        """
        ...

    async def open(self, call: Call, credential: Credential) -> UpstreamStream:
        """Sends the request, returns once upstream has answered 200 with its headers.

        Raises `TurnoutError` with the classified failure for any other answer, for an unreachable upstream, and for a
        JSON body in place of an event stream.
        """
        ...

    async def close(self) -> None:
        """Ends the upstream's connection pool."""
        ...
