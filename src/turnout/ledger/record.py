"""One request as it is remembered: where it went, how long it took, what it cost, what was lost in translation.

Never a word of a prompt, a token, a key or an id of an account: of those there are lengths, places and short hashes.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from turnout.ledger.prefix import Parting
from turnout.protocol.errors import FailureKind
from turnout.protocol.fidelity import Note
from turnout.translate.messages_writer import TokenUsage

NOTES_KEPT = 50
"""Notes that a record holds: a history with a thousand broken places would make it as large as a request."""
NAME_LENGTH = 100
"""Characters of a client's own strings (its name, its model) that are kept."""

Verdict = Literal["first", "unchanged", "changed", "unknown"]
"""``first``: the conversation's first request of its kind. ``unchanged``: it begins with all of the one before it.
``changed``: it does not. ``unknown``: the one before it was too long ago for its body to be held still."""


class PrefixFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a request's body continues that of the request before it in the same conversation."""

    verdict: Verdict
    against: str = ""
    """Id of the request that it was compared with."""
    seconds: float = 0.0
    """Seconds between the arrivals of the two."""
    tokens: int = 0
    """Prompt tokens of the request before: what the cache should hold. 0 if they are not known (yet)."""
    other_account: bool = False
    other_model: bool = False
    """The request before went elsewhere: what it left in the cache is of no use here."""
    parting: Parting | None = None
    """Where the two part, if the verdict is ``changed``."""


class RequestRecord(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One request for an answer, at any door, and what became of it. Times in milliseconds count from its arrival."""

    request_id: str
    at: float = 0.0
    """Arrival, in Unix seconds."""
    session: str = ""
    """Short name (`short_name`) of the client's session; empty if it named none."""
    agent: str = ""
    """Short name of the subagent that asked; empty for the main conversation."""
    client: str = ""
    client_version: str = ""
    streamed: bool = False
    strict: bool = False
    """It was to be refused rather than sent with something left out."""

    model_asked: str = ""
    """The client's model string; empty if the request could not be read."""
    slot: str = ""
    upstream: str = ""
    model: str = ""
    """The model it was sent to; empty if it was not routed."""
    effort_asked: str | None = None
    effort: str | None = None
    """Effort asked for, and sent; None leaves it to the upstream."""
    framing: str = ""
    tier: str | None = None
    """Service tier asked of the upstream; None leaves it to the upstream."""
    account: str = ""
    """Tag of the account (`Credential.tag`)."""

    status: int = 0
    """HTTP status of the answer; 499 if the client left before it was complete."""
    attempts: int = 0
    """Requests that upstream was sent."""
    rounds: int = 1
    """Those of them that the answer is made of, one after the other; the figures of usage are their sum."""
    failure: FailureKind | None = None
    """What went wrong, also when it did so inside a stream with status 200."""
    failure_text: str = ""
    """The same in words, without anything that looks like a secret."""

    body_bytes: int = 0
    """Size of the body that upstream accepted."""
    sent_ms: float | None = None
    """When the last attempt began to be sent; what came before was the gateway's own work (and earlier attempts)."""
    opened_ms: float | None = None
    """When upstream had answered it with its headers."""
    ttft_ms: float | None = None
    """When the first bytes that translate upstream's output were there."""
    total_ms: float = 0.0
    """When the answer had ended."""

    usage: TokenUsage | None = None
    notes: tuple[Note, ...] = ()
    """What was mapped, approximated, dropped or ignored, and why."""
    more_notes: int = 0
    """Notes beyond `NOTES_KEPT`."""
    prefix: PrefixFinding | None = None

    @property
    def prompt_tokens(self) -> int:
        """All of the input, cached or not."""
        usage = self.usage
        return usage.input_tokens + usage.cached_tokens + usage.cache_write_tokens if usage else 0

    @property
    def cached_share(self) -> float | None:
        """Part of the input that came from the prompt cache, 0 to 1; None if the upstream told no figures."""
        return self.usage.cached_tokens / self.prompt_tokens if self.usage and self.prompt_tokens else None


def short_name(identifier: str) -> str:
    """A short stable name (8 hex digits) that does not reveal what it stands for; empty for nothing."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:8] if identifier else ""


def client_name(user_agent: str) -> tuple[str, str]:
    """Name and version in a ``User-Agent``: ``claude-cli/2.1.328 (external, cli)``, ``Anthropic/Python 0.84.0``."""
    shown = "".join(char for char in user_agent if char.isprintable())[: 2 * NAME_LENGTH]
    first, _, rest = shown.partition(" ")
    name, slash, version = first.partition("/")
    if slash and version[:1].isdigit():
        return name[:NAME_LENGTH], version[:NAME_LENGTH]
    following = rest.partition(" ")[0]
    return first[:NAME_LENGTH], following[:NAME_LENGTH] if following[:1].isdigit() else ""
