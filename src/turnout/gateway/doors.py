"""The cold doors: what stands at the small paths, and what is said of paths that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout import __version__
from turnout.addresses import is_loopback
from turnout.protocol.errors import Failure, FailureKind, TurnoutError
from turnout.translate.errors import to_anthropic
from turnout.translate.openai_errors import to_openai

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from turnout.gateway.exchange import Exchange

MESSAGES, CHAT, RESPONSES = "/v1/messages", "/v1/chat/completions", "/v1/responses"
COMPACT = "/v1/responses/compact"
COUNT_TOKENS, INPUT_TOKENS = "/v1/messages/count_tokens", "/v1/responses/input_tokens"
OWN = "/turnout/"
"""Where the gateway's own doors are, for whoever runs it (`turnout.gateway.admin`)."""
REQUESTS, TRACE, QUOTA = "/turnout/requests", "/turnout/trace", "/turnout/quota"
MODELS, OWN_MODELS, MODELS_REFRESH = "/v1/models", "/turnout/models", "/turnout/models/refresh"
CONFIG = "/turnout/config"
CLAUDEX_CONFIG, CLAUDEX_MODELS, CLAUDEX_REFRESH = "/claudex/config", "/claudex/models", "/claudex/models/refresh"
CONFIGURING = frozenset({CONFIG, CLAUDEX_CONFIG, CLAUDEX_MODELS, CLAUDEX_REFRESH})
"""Where the configuration in force is told and changed (`turnout.gateway.config_door`)."""
STATE, STOP = "/turnout/gateway", "/turnout/stop"
USAGE = ("/backend-api/wham/usage", "/api/codex/usage", "/wham/usage")
"""Where Codex clients ask for the quota, depending on how they were told the address (codex-backend.md 6)."""

METHODS: dict[str, tuple[str, ...]] = {
    "/": ("GET", "HEAD"),
    "/api/hello": ("GET", "HEAD"),
    "/health": ("GET", "HEAD"),
    "/ready": ("GET", "HEAD"),
    MESSAGES: ("POST",),
    CHAT: ("POST",),
    RESPONSES: ("POST",),
    COMPACT: ("POST",),
    f"{RESPONSES}/{{id}}": ("GET", "DELETE"),
    f"{RESPONSES}/{{id}}/cancel": ("POST",),
    f"{RESPONSES}/{{id}}/input_items": ("GET",),
    COUNT_TOKENS: ("POST",),
    INPUT_TOKENS: ("POST",),
    MODELS: ("GET",),
    f"{MODELS}/{{id}}": ("GET",),
    REQUESTS: ("GET",),
    f"{REQUESTS}/{{id}}": ("GET",),
    TRACE: ("POST",),
    QUOTA: ("GET",),
    OWN_MODELS: ("GET",),
    MODELS_REFRESH: ("POST",),
    CONFIG: ("GET", "POST"),
    CLAUDEX_CONFIG: ("GET", "POST"),
    CLAUDEX_MODELS: ("GET",),
    CLAUDEX_REFRESH: ("POST",),
    STATE: ("GET",),
    STOP: ("POST",),
    **dict.fromkeys(USAGE, ("GET",)),
}
"""The paths that are there, and their methods. ``HEAD /`` and ``HEAD /api/hello`` are what Claude Code asks at its
start (claude-code-wire.md 1)."""


def methods_of(path: str) -> tuple[str, ...] | None:
    """The methods of a path; None if there is nothing at it."""
    methods = METHODS.get(path)
    if methods is not None:
        return methods
    for place in (REQUESTS, MODELS):
        if path.startswith(f"{place}/"):
            return METHODS[f"{place}/{{id}}"]
    if path.startswith(f"{RESPONSES}/"):
        _, slash, what = path.removeprefix(f"{RESPONSES}/").partition("/")
        return METHODS.get(f"{RESPONSES}/{{id}}{slash}{what}")
    return None


FOR_CLIENTS = frozenset({MESSAGES, CHAT, RESPONSES, COMPACT, COUNT_TOKENS, INPUT_TOKENS, *CONFIGURING, *USAGE})
"""What clients are answered at that show the token; and so they are at `OWN`, and what is said of models and kept
responses."""


def is_for_all(path: str) -> bool:
    """Whether what is at a path is told to whoever asks, with a token or without."""
    return not (path in FOR_CLIENTS or path.startswith(OWN) or is_of_models(path) or is_of_responses(path))


def is_of_responses(path: str) -> bool:
    """Whether one of the doors to responses that are kept is there (`turnout.gateway.kept_responses`)."""
    return path.startswith(f"{RESPONSES}/") and path not in METHODS


def is_of_models(path: str) -> bool:
    """Whether one of the doors that tell of models is there (`turnout.gateway.models`)."""
    return path in (MODELS, OWN_MODELS, MODELS_REFRESH) or path.startswith(f"{MODELS}/")


NEVER = {
    "/v1/completions": ("the upstream's models answer conversations and do not continue texts", f"Use {CHAT}."),
    "/v1/embeddings": ("the upstream makes no embeddings", "Ask another service for them."),
}
"""Paths of OpenAI's API that clients ask for and that cannot be there: the reason, and the next step."""

OPENAI_PATHS = ("/v1/chat", "/v1/responses", "/v1/completions", "/v1/models", "/v1/embeddings")
"""Where clients of OpenAI's API knock: they read another form of error."""

UNTOLD = ("/api/hello", *USAGE[1:])
"""Paths that are not listed: others say the same."""

JSON = {"content-type": "application/json", "cache-control": "no-store"}


async def answer_small(exchange: Exchange, path: str, check: Callable[[], Awaitable[None]]) -> None:
    """Answers at one of the small paths. ``check`` raises `TurnoutError` if no request could be sent now."""
    status, body = 200, b""
    if path == "/health":
        body = msgspec.json.encode({"status": "ok", "version": __version__})
    elif path == "/ready":
        reason = await _not_ready(exchange, check)
        reasons = [reason] if reason else []
        status = 503 if reasons else 200
        said = {"status": "not ready", "reasons": reasons} if reasons else {"status": "ready"}
        body = msgspec.json.encode(said)
    elif exchange.method == "GET":
        body = msgspec.json.encode(
            {"name": "turnout", "what": "A gateway from Claude Code to OpenAI's models.", "doors": _doors()}
        )
    await exchange.answer(status, dict(JSON), body)


async def _not_ready(exchange: Exchange, check: Callable[[], Awaitable[None]]) -> str | None:
    try:
        await check()
    except TurnoutError as error:
        # The reason may name a file of this machine: that is not for other machines, which need no token to ask.
        return error.failure.text if is_loopback(exchange.listening) else error.failure.kind.value
    return None


def nothing_there(method: str, path: str) -> Failure:
    """The failure for an unknown path."""
    if (never := NEVER.get(path.rstrip("/"))) is not None:
        reason, step = never
        what = f"There is nothing at {path[:200]}: {reason}."
        return Failure(kind=FailureKind.NOT_FOUND, message=what, next_step=step)
    hint = ""
    if path.endswith((MESSAGES, CHAT, RESPONSES)):
        hint = " The client's base address should end before /v1."
    elif path in (CHAT.removeprefix("/v1"), RESPONSES.removeprefix("/v1")):
        hint = " The client's base address should end with /v1."
    return Failure(
        kind=FailureKind.NOT_FOUND,
        message=f"There is nothing at {method} {path[:200]} on this gateway.",
        next_step=f"It has {', '.join(_doors())}.{hint}",
    )


def wrong_method(method: str, path: str, allowed: Iterable[str]) -> Failure:
    """The failure for a known path with a method that it does not have."""
    return Failure(
        kind=FailureKind.METHOD_NOT_ALLOWED,
        message=f"{path} does not take {method[:20]}.",
        next_step=f"Use {' or '.join(allowed)}.",
    )


async def refuse(exchange: Exchange, failure: Failure, now: float, extra: Mapping[str, str], status: int = 0) -> None:
    """Answers with an error, in the form that clients of this path read. ``now`` is in Unix seconds."""
    answer = (to_openai if speaks_openai(exchange) else to_anthropic)(failure, exchange.request_id, now)
    await exchange.answer(status or answer.status, {**answer.headers, **extra}, answer.body)


def speaks_openai(exchange: Exchange) -> bool:
    """Whether the client is one of OpenAI's API."""
    return exchange.path.startswith(OPENAI_PATHS) and b"anthropic-version" not in exchange.headers


def _doors() -> list[str]:
    return [f"{methods[0]} {path}" for path, methods in METHODS.items() if path not in UNTOLD]
