"""Asks an upstream for its models: the Codex backend for its catalogue (codex-backend.md 5.2), an API for its list.

Every question goes the way that the upstream's requests go: the same key and headers, proxy and certificates.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from turnout import log
from turnout.calls import Calls
from turnout.models import listing, reading
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.translate.errors import classify_http
from turnout.upstream import custom_addresses

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.calls import Answer
    from turnout.config import CodexSettings, Config, UpstreamName
    from turnout.models.catalogue import ModelFacts
    from turnout.upstream.base import Upstream

ANSWER_SECONDS = 20.0
"""Seconds that an answer may take once there is a connection."""
ANSWER_BYTES = 32 * 1024 * 1024
"""Bytes of an answer that are read: the Codex backend's holds a whole prompt for each model."""
NAMES: Mapping[str, str] = {"codex": "The ChatGPT backend", "openai": "The OpenAI API"}
"""The upstreams that are always there, as messages call them."""
NO_LIST = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.GONE, HTTPStatus.NOT_IMPLEMENTED})
"""What servers answer that answer with models and list none."""


class Identity(msgspec.Struct, frozen=True):
    """Whose models they are: what is said to one client or account may not hold for another one."""

    url: str
    account: str
    """`turnout.accounts.credential.Credential.tag`."""
    client_version: str
    """The Codex client's version that was announced; empty for an API."""


class Told(msgspec.Struct, frozen=True):
    """What the upstream has said."""

    identity: Identity
    etag: str
    models: tuple[ModelFacts, ...] | None
    """None: what is known is still true."""
    absent: bool = False
    """The server has no list of models: any name goes through to it."""


def called(upstream: UpstreamName) -> str:
    """The upstream as messages call it at the beginning of a sentence."""
    return NAMES.get(upstream) or f"The upstream {upstream}"


def address(config: Config, upstream: UpstreamName) -> str:
    """Where the upstream lists its models. Raises `TurnoutError` (`BAD_REQUEST`) for one that is not configured."""
    own = config.custom.get(upstream)
    if own is not None:
        return custom_addresses.models_url(own)
    if upstream not in NAMES:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"The upstream {upstream} is not asked for its models: there is none of that name.",
            "`turnout upstreams` shows those that there are.",
        )
    return _beside(config.codex) if upstream == "codex" else f"{config.openai.base_url.rstrip('/')}/models"


def _beside(codex: CodexSettings) -> str:
    """The catalogue's address: beside that of model requests, if that one is named and has the usual form."""
    endpoint = codex.endpoint.rstrip("/")
    if endpoint.endswith("/responses"):
        return f"{endpoint.removesuffix('/responses')}/models"
    return f"{codex.base_url.rstrip('/')}/codex/models"


async def ask(
    config: Config,
    name: UpstreamName,
    upstream: Upstream,
    environ: Mapping[str, str],
    *,
    seconds: float,
    etag_of: Callable[[Identity], str],
    known: Callable[[str], ModelFacts | None],
) -> Told:
    """Asks once, and once more with the login or key renewed if it is refused. An answer may take so many ``seconds``.

    ``etag_of`` gives the mark of what is kept for an identity ("" for nothing), ``known`` the facts of models that an
    API only names. Raises `TurnoutError`: `SIGN_IN`, those of `turnout.calls.Calls.call`, what an error answer means,
    and `UPSTREAM_ERROR` for an answer that lists no models; and `SettingsError`, as `Calls.call`.
    """
    address(config, name)  # nobody's key is read for an upstream that is not asked
    calls = _calls(config, name, environ, seconds)
    credential = await upstream.credential()
    told = await _ask_as(calls, config, name, credential, environ=environ, etag_of=etag_of)
    if told[0].status == HTTPStatus.UNAUTHORIZED and (renewed := await upstream.renew(credential)) is not None:
        told = await _ask_as(calls, config, name, renewed, environ=environ, etag_of=etag_of)
    answer, identity = told
    if answer.status == HTTPStatus.NOT_MODIFIED and (etag := etag_of(identity)):
        return Told(identity, etag, None)
    if answer.status in NO_LIST and name in config.custom:
        return Told(identity, "", (), absent=True)
    if answer.status != HTTPStatus.OK:
        failure = classify_http(answer.status, answer.headers, answer.body)
        if name in config.custom:
            failure = msgspec.structs.replace(failure, next_step=f"See: turnout upstreams test {name}")
        raise TurnoutError(failure)
    try:
        # Long lists take a while to read, in which answers of models go on.
        read = await asyncio.to_thread(_read, config, name, answer.body, known)
    except reading.UnknownForm as error:
        raise fail(
            FailureKind.UPSTREAM_ERROR,
            f"{called(name)} has listed its models in a form that is not known ({str(error)[:200]}).",
        ) from None
    if read.unreadable or read.beyond:
        log.get().warning("models_left_out", upstream=name, models=list(read.unreadable[:10]), beyond=read.beyond)
    return Told(identity, answer.headers.get("etag", ""), read.models)


def _read(
    config: Config, name: UpstreamName, body: bytes, known: Callable[[str], ModelFacts | None]
) -> reading.Reading:
    if name in config.custom:
        return listing.own(body, known)
    return reading.codex(body) if name == "codex" else listing.openai(body, known)


def _calls(config: Config, name: UpstreamName, environ: Mapping[str, str], seconds: float) -> Calls:
    own = config.custom.get(name)
    if own is None:
        return Calls(environ, connect=config.timing.connect, seconds=seconds, limit=ANSWER_BYTES)
    from turnout.upstream import custom  # loads an HTTP client, for which only those pay who ask

    connect = own.connect or config.timing.connect
    return Calls(environ, connect=connect, seconds=seconds, limit=ANSWER_BYTES, way=custom.way(own))


async def _ask_as(
    calls: Calls,
    config: Config,
    name: UpstreamName,
    credential: Credential,
    *,
    environ: Mapping[str, str],
    etag_of: Callable[[Identity], str],
) -> tuple[Answer, Identity]:
    url = address(config, name)
    headers = {"Accept": "application/json", **_headers(config, name, credential, environ)}
    version = config.codex.client_version if name == "codex" else ""
    identity = Identity(url, credential.tag, version)
    if etag := etag_of(identity):
        headers["If-None-Match"] = etag
    asked = f"{url}?client_version={version}" if version else url
    return await calls.call(called(name), "GET", asked, headers=headers), identity


def _headers(config: Config, name: UpstreamName, credential: Credential, environ: Mapping[str, str]) -> dict[str, str]:
    own = config.custom.get(name)
    if own is not None:
        from turnout.upstream import custom

        return {**custom.headers(name, own, environ), **custom.key_header(own, credential)}
    made = {"Authorization": f"Bearer {credential.token}"}
    if name == "codex":
        made["chatgpt-account-id"] = credential.account_id
        made |= {"originator": "turnout", "version": config.codex.client_version}
    return made
