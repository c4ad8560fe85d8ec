"""An API's own count of a request's tokens: ``POST /responses/input_tokens`` (codex-backend.md 8)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec
from msgspec import Raw

from turnout.calls import Calls
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.translate.errors import classify_http

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Credential

FIELDS = frozenset(
    {
        "model",
        "input",
        "instructions",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning",
        "text",
        "truncation",
    }
)
"""What the endpoint takes of a request; the others change nothing about its tokens."""

SECONDS = 10.0
"""How long an answer may take: whoever waits for a count has Turnout's own to fall back on."""
PAUSE = 60.0
"""Seconds for which an API is not asked again that could not count: servers that only resemble OpenAI's have no such
endpoint, and counts come in dozens."""


@runtime_checkable
class CountsTokens(Protocol):
    """An upstream that has a count of its own."""

    name: str

    async def credential(self, account: str | None = None) -> Credential:
        """As in `turnout.upstream.base.Upstream`."""
        ...

    async def count(self, request: bytes, credential: Credential) -> int | None:
        """The tokens of a Responses request; None if it cannot say for the moment. Raises `TurnoutError`."""
        ...


class _Answer(msgspec.Struct):
    input_tokens: int


class InputTokens:
    """Asks one API."""

    def __init__(self, name: str, url: str, *, connect: float, environ: Mapping[str, str]) -> None:
        """``name`` is for messages; ``connect`` is in seconds."""
        self._name = name
        self._url = url
        self._calls = Calls(environ, connect=connect, seconds=SECONDS)
        self._asked_again_at = 0.0

    async def count(self, request: bytes, headers: Mapping[str, str]) -> int | None:
        """The tokens of a Responses request; None while the API counts as one that cannot.

        Raises `TurnoutError` for any other answer than a count.
        """
        if time.monotonic() < self._asked_again_at:
            return None
        fields = msgspec.json.decode(request, type=dict[str, Raw])
        body = msgspec.json.encode({name: value for name, value in fields.items() if name in FIELDS})
        try:
            answer = await self._calls.call(self._name, "POST", self._url, headers=headers, body=body)
            if answer.status != 200:
                raise TurnoutError(classify_http(answer.status, answer.headers, answer.body))
            return msgspec.json.decode(answer.body, type=_Answer).input_tokens
        except TurnoutError:
            self._asked_again_at = time.monotonic() + PAUSE
            raise
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._asked_again_at = time.monotonic() + PAUSE
            raise fail(FailureKind.UPSTREAM_ERROR, f"{self._name} answered something else than a count.") from None
