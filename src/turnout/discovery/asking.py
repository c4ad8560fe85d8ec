"""Asks an upstream for its models: the Codex backend for its catalogue (codex-backend.md 5.2), an API for its names."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from turnout.models import reading
from turnout.protocol.errors import FailureKind, TurnoutError, fail
from turnout.translate.errors import classify_http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.calls import Answer, Calls
    from turnout.config import CodexSettings, Config, UpstreamName
    from turnout.models.catalogue import ModelFacts
    from turnout.upstream.base import Upstream

ANSWER_SECONDS = 20.0
"""Seconds that an answer may take once there is a connection."""
ANSWER_BYTES = 32 * 1024 * 1024
"""Bytes of an answer that are read: the Codex backend's holds a whole prompt for each model."""
NAMES: Mapping[str, str] = {"codex": "The ChatGPT backend", "openai": "The OpenAI API"}
"""The upstreams that are asked, as messages call them. Others have addresses and keys that are not known here."""


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
    unreadable: tuple[str, ...] = ()
    """Entries that could not be read."""


def address(config: Config, upstream: UpstreamName) -> str:
    """Where the upstream lists its models. Raises `TurnoutError` (`BAD_REQUEST`) for one that is not asked."""
    if upstream not in NAMES:
        raise fail(
            FailureKind.BAD_REQUEST,
            f"The upstream {upstream} is not asked for its models.",
            "Name its models in requests, or in the slots: any name goes through to it.",
        )
    return _beside(config.codex) if upstream == "codex" else f"{config.openai.base_url.rstrip('/')}/models"


def _beside(codex: CodexSettings) -> str:
    """The catalogue's address: beside that of model requests, if that one is named and has the usual form."""
    endpoint = codex.endpoint.rstrip("/")
    if endpoint.endswith("/responses"):
        return f"{endpoint.removesuffix('/responses')}/models"
    return f"{codex.base_url.rstrip('/')}/codex/models"


async def ask(
    calls: Calls,
    config: Config,
    name: UpstreamName,
    upstream: Upstream,
    *,
    etag_of: Callable[[Identity], str],
    known: Callable[[str], ModelFacts | None],
) -> Told:
    """Asks once, and once more with the login renewed if it is refused.

    ``etag_of`` gives the mark of what is kept for an identity ("" for nothing), ``known`` the facts of models that an
    API only names. Raises `TurnoutError`: `SIGN_IN`, those of `turnout.calls.Calls.call`, what an error answer means,
    and `UPSTREAM_ERROR` for an answer that lists no models.
    """
    address(config, name)  # nobody's key is read for an upstream that is not asked
    credential = await upstream.credential()
    told = await _ask_as(calls, config, name, credential, etag_of)
    if told[0].status == HTTPStatus.UNAUTHORIZED and (renewed := await upstream.renew(credential)) is not None:
        told = await _ask_as(calls, config, name, renewed, etag_of)
    answer, identity = told
    if answer.status == HTTPStatus.NOT_MODIFIED and (etag := etag_of(identity)):
        return Told(identity, etag, None)
    if answer.status != HTTPStatus.OK:
        raise TurnoutError(classify_http(answer.status, answer.headers, answer.body))
    try:
        read = reading.codex(answer.body) if name == "codex" else reading.openai(answer.body, known)
    except reading.UnknownForm as error:
        raise fail(
            FailureKind.UPSTREAM_ERROR,
            f"{NAMES[name]} has listed its models in a form that is not known ({str(error)[:200]}).",
        ) from None
    return Told(identity, answer.headers.get("etag", ""), read.models, read.unreadable)


async def _ask_as(
    calls: Calls, config: Config, name: UpstreamName, credential: Credential, etag_of: Callable[[Identity], str]
) -> tuple[Answer, Identity]:
    url = address(config, name)
    headers = {"Authorization": f"Bearer {credential.token}", "Accept": "application/json"}
    version = ""
    if name == "codex":
        version = config.codex.client_version
        headers |= {"chatgpt-account-id": credential.account_id, "originator": "turnout", "version": version}
    identity = Identity(url, credential.tag, version)
    if etag := etag_of(identity):
        headers["If-None-Match"] = etag
    asked = f"{url}?client_version={version}" if version else url
    return await calls.call(NAMES[name], "GET", asked, headers=headers), identity
