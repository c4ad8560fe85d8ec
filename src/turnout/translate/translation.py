"""What every door's translation gives: a request for the upstream, and a machine that reads its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from turnout.protocol.fidelity import Note
from turnout.translate.body import Beginning
from turnout.translate.schema import NullRemover
from turnout.translate.search import Search
from turnout.translate.target import Framing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.protocol.errors import Failure
    from turnout.protocol.web_search import Outcome
    from turnout.translate.continuation import Pause
    from turnout.translate.messages_writer import TokenUsage
    from turnout.translate.search_blocks import Wanted


class Translation(msgspec.Struct, frozen=True):
    """A request for the upstream, and what is needed to read its answer."""

    body: bytes
    full_names: dict[str, str]
    """Tool names to restore in the answer: short → full."""
    stop_sequences: tuple[str, ...]
    """What ends the answer's text: the upstream has no such thing."""
    notes: tuple[Note, ...]
    framing: Framing
    tier: str | None
    """Service tier asked for; None leaves it to the upstream."""
    cleaners: dict[str, NullRemover]
    """What the calls of tools go through before the client gets them, by the name used upstream."""
    search: Search | None
    """The web search that the answer may make."""
    beginning: Beginning
    """How the body begins, should the answer need another request."""
    headers: dict[str, str] = {}
    """Headers of the client's that go with it, for upstreams of its own kind."""


class AnswerStream(Protocol):
    """A machine that turns upstream's events into what the client reads. It does no I/O and does not wait.

    ``feed`` gives nothing as long as upstream has only shaken hands, so that a failure can still become an HTTP error:
    then `failure` is set and nothing was written. Once something was written, a failure is told inside the answer.
    """

    finished: bool
    """The answer is complete, or has failed."""
    pause: Pause | None
    """Set where upstream's response is complete and the answer is not: see `answer`, `go_on` and `end`."""
    failure: Failure | None
    usage: TokenUsage
    notes: list[Note]
    rate_limits: bytes
    """The data of upstream's latest event ``codex.rate_limits``, as it came; empty if none did."""

    @property
    def started(self) -> bool:
        """Something was written."""
        ...

    def feed(self, data: bytes) -> bytes:
        """What upstream's next bytes mean to the client."""
        ...

    def close(self) -> bytes:
        """Upstream's stream has ended. Before a terminal event that is a failure, never a clean stop."""
        ...

    def fail(self, failure: Failure) -> bytes:
        """The gateway has found upstream failed (a broken connection, a deadline)."""
        ...

    def open(self) -> bytes:
        """Begins the answer now, though upstream has said nothing yet. Harmless when called again."""
        ...

    def keepalive(self) -> bytes:
        """Something to tell the client while upstream is silent; nothing once the answer is complete."""
        ...

    def answer(self, searches: Iterable[tuple[Wanted, Outcome]]) -> bytes:
        """While there is a `pause`: what the searches that were wanted have given."""
        ...

    def go_on(self) -> list[bytes]:
        """While there is a `pause`: the answer goes on with upstream's next response, whose request has these items
        (JSON) more in ``input``."""
        ...

    def end(self) -> bytes:
        """While there is a `pause`: the answer ends here."""
        ...


class Collector(Protocol):
    """Gathers what a machine writes into the one body that a client without streaming gets."""

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        ...

    def message(self) -> bytes:
        """The whole answer as JSON, once the machine has ended well."""
        ...
