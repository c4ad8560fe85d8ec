"""What a single request says of its own way, beside its model's name: headers and fields of the body. Pure.

The fields are those that OpenAI's SDKs put into a body by ``extra_body`` and Claude Code by CLAUDE_CODE_EXTRA_BODY;
clients that send a field called ``extra_body`` as it is are understood as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec
from msgspec import Raw

from turnout.models import effort as efforts
from turnout.protocol import reading
from turnout.protocol.errors import FailureKind, fail
from turnout.protocol.reading import NULL
from turnout.routing.model_strings import UPSTREAMS
from turnout.translate import profile

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES = ("model", "effort", "tier", "account", "upstream")
HEADERS = {name: f"x-turnout-{name}".encode() for name in NAMES}
_OWN_HEADERS = frozenset(HEADERS.values())
SUBAGENT_HEADER = b"x-claude-code-agent-id"
"""Sent with the requests of Claude Code's subagents only (claude-code-wire.md 1)."""

TIERS = ("default", "priority", "fast", "flex")
LONGEST = 300
"""Characters that a value may have: it is a name."""


Kind = TypeVar("Kind")


class Overrides(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for by itself. Empty texts for what it leaves to the configuration."""

    model: str = ""
    effort: str = ""
    tier: str = ""
    account: str = ""
    upstream: str = ""
    subagent: bool = False
    """A subagent of the client's asks."""
    capabilities: profile.Wanted = profile.NOTHING
    """What it wants of the upstream's profile."""


NONE = Overrides()
OF_A_SUBAGENT = Overrides(subagent=True)


class _Fields(msgspec.Struct, frozen=True):
    model: str = ""
    effort: str = ""
    reasoning_effort: str = ""
    tier: str = ""
    account: str = ""
    upstream: str = ""


class _Extra(msgspec.Struct, frozen=True):
    turnout: _Fields = _Fields()
    reasoning_effort: str = ""
    codex_capabilities: Raw = NULL


def read(
    headers: Mapping[bytes, bytes],
    turnout: Raw,
    extra_body: Raw,
    reasoning_effort: Raw,
    capabilities: Raw = NULL,
) -> Overrides:
    """What the request says: headers (names in lower case) first, then its field ``turnout``, then ``extra_body``.

    ``reasoning_effort`` is OpenAI's own field for it, ``capabilities`` the field ``codex_capabilities``.
    Raises `TurnoutError` (`BAD_REQUEST`) naming what cannot be used.
    """
    subagent = bool(headers.get(SUBAGENT_HEADER))
    if headers.keys().isdisjoint(_OWN_HEADERS) and turnout == extra_body == reasoning_effort == capabilities == NULL:
        return OF_A_SUBAGENT if subagent else NONE
    inner = _decoded(turnout, _Fields, "turnout") or _Fields()
    extra = _decoded(extra_body, _Extra, "extra_body") or _Extra()
    plain = _decoded(reasoning_effort, str, "reasoning_effort") or ""
    said: dict[str, str] = {}
    for name in NAMES:
        header = headers.get(HEADERS[name], b"").decode("latin-1").strip()
        value = header or getattr(inner, name).strip() or getattr(extra.turnout, name).strip()
        if name == "effort" and not value:
            value = inner.reasoning_effort or extra.turnout.reasoning_effort or plain or extra.reasoning_effort
            value = efforts.normal(value) if value else ""  # OpenAI's field: its clients keep old values too
        said[name] = value
    wanted = profile.read(capabilities, extra.codex_capabilities)
    return _checked(Overrides(**said, subagent=subagent, capabilities=wanted))


def _decoded(raw: Raw, kind: type[Kind], path: str) -> Kind | None:
    if reading.is_null(raw):
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reading.refuse(error, path)


def _checked(said: Overrides) -> Overrides:
    """The same with names as they are used here."""
    for name in NAMES:
        value = getattr(said, name)
        if len(value) > LONGEST:
            raise fail(FailureKind.BAD_REQUEST, f"x-turnout-{name}: {len(value)} characters are no name.")
    effort, tier, upstream = said.effort.lower(), said.tier.lower(), said.upstream.lower()
    if effort and not efforts.known(effort):
        raise _not_one_of("effort", said.effort, (*efforts.ORDER, efforts.MULTI_AGENT))
    if tier and tier not in TIERS:
        raise _not_one_of("tier", said.tier, TIERS)
    return msgspec.structs.replace(said, effort=effort, tier=tier, upstream=UPSTREAMS.get(upstream, upstream))


def _not_one_of(name: str, value: str, allowed: tuple[str, ...]) -> Exception:
    return fail(
        FailureKind.BAD_REQUEST,
        f"x-turnout-{name}: {value!r} is not known here.",
        f"It may be {', '.join(allowed[:-1])} or {allowed[-1]}.",
    )
