"""Trying an upstream out with one question that costs nothing: which models there are. Says exactly what failed.

The question goes the same way as model requests do: same address, proxy, certificates and credential.
"""

from __future__ import annotations

import asyncio
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec

from turnout.accounts import api_key, key_reference
from turnout.accounts.store import Accounts
from turnout.calls import Calls
from turnout.models import listing
from turnout.models.reading import UnknownForm
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail
from turnout.settings import SettingsError
from turnout.translate.errors import classify_http

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from turnout.accounts.credential import Credential
    from turnout.calls import Answer
    from turnout.config import Config
    from turnout.network import Way

NAMES: Mapping[str, str] = {"codex": "The ChatGPT backend", "openai": "The OpenAI API"}
CREDENTIAL = "Credential"
"""The step before anybody is asked."""
SIGN_IN = {
    "codex": "Sign in again with: turnout login",
    "openai": "Copy the key again from platform.openai.com: set OPENAI_API_KEY, or keep it: turnout login --api-key",
}


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """How it went."""

    upstream: str
    name: str
    """The upstream for people: ``The ChatGPT backend``."""
    url: str
    """What was asked."""
    credential: str = ""
    """What was shown to it, without the secret: ``login of ada``, ``API key from OPENAI_API_KEY``."""
    stage: str = ""
    """The step that failed: ``Credential``, ``Connection``, ``Sign-in``, ``Answer``; empty if none did."""
    failure: Failure | None = None
    models: int = 0
    """How many models it offers."""
    restricted: bool = False
    """A good key that may not list models."""
    seconds: float = 0.0
    """How long the answer took, in seconds."""
    skew: float | None = None
    """Seconds by which the upstream's clock is ahead of this machine's, as far as it said (whole seconds)."""

    @property
    def passed(self) -> bool:
        return self.failure is None


class _Slug(msgspec.Struct):
    slug: str


class _CodexModels(msgspec.Struct):
    models: list[_Slug]


def address(config: Config, upstream: str) -> str:
    """What is asked: the list of models, beside the address of model requests (codex-backend.md 5.2)."""
    if upstream in config.custom:
        from turnout.upstream import custom_addresses

        return custom_addresses.models_url(config.custom[upstream])
    if upstream == "openai":
        return f"{config.openai.base_url.rstrip('/')}/models"
    endpoint = config.codex.responses_url.rstrip("/")
    return f"{endpoint.removesuffix('/responses')}/models?client_version={config.codex.client_version}"


async def run(
    config: Config,
    environ: Mapping[str, str],
    upstream: str,
    account: str | None = None,
    *,
    now: Callable[[], float] = time.time,
) -> Trial:
    """Asks once, and once more with the login renewed if it is refused. Raises nothing that a user could mend."""
    name = NAMES.get(upstream) or f"The upstream {upstream}"
    begun = Trial(upstream=upstream, name=name, url=address(config, upstream))
    accounts = Accounts(config, environ)
    try:
        return await _run(begun, config, environ, accounts, account=account, now=now)
    except SettingsError as error:
        return _failed(begun, "Connection", Failure(kind=FailureKind.UNREACHABLE, message=str(error)))
    finally:
        await accounts.close()


async def _run(
    begun: Trial,
    config: Config,
    environ: Mapping[str, str],
    accounts: Accounts,
    *,
    account: str | None,
    now: Callable[[], float],
) -> Trial:
    calls = Calls(environ, connect=config.timing.connect, limit=32 * 1024 * 1024, way=_way(config, begun.upstream))
    try:
        shown = await _credential(config, environ, accounts, begun.upstream, account)
    except TurnoutError as error:
        return _failed(begun, CREDENTIAL, error.failure)
    trial = msgspec.structs.replace(begun, credential=_named(shown, begun.upstream))
    try:
        answer, trial = await _ask(calls, trial, shown, config, environ, now=now)
    except TurnoutError as error:
        return _failed(trial, "Connection", error.failure)
    if answer.status == HTTPStatus.UNAUTHORIZED and begun.upstream == "codex":
        try:
            answer, trial = await _ask(calls, trial, await accounts.renew(shown), config, environ, now=now)
        except TurnoutError as error:
            return _failed(trial, "Sign-in", error.failure)
    return _judged(trial, answer)


def _way(config: Config, upstream: str) -> Way | None:
    if upstream not in config.custom:
        return None
    from turnout.upstream import custom

    return custom.way(config.custom[upstream])


async def _credential(
    config: Config, environ: Mapping[str, str], accounts: Accounts, upstream: str, account: str | None
) -> Credential:
    if upstream in config.custom:
        return await asyncio.to_thread(key_reference.read, config.custom[upstream].key, upstream, environ)
    if upstream == "codex":
        return await accounts.credential(account)
    if account or (not api_key.given(config.openai, environ) and accounts.has("api_key")):
        return await accounts.credential(account, "api_key")
    return api_key.read(config.openai, environ)


def _named(credential: Credential, upstream: str) -> str:
    if not credential.token:
        return "request without a key"
    if credential.account:
        return f"{'login' if upstream == 'codex' else 'API key'} of {credential.account}"
    return f"API key from {credential.source}"


async def _ask(
    calls: Calls,
    trial: Trial,
    credential: Credential,
    config: Config,
    environ: Mapping[str, str],
    *,
    now: Callable[[], float],
) -> tuple[Answer, Trial]:
    headers = {"Authorization": f"Bearer {credential.token}", "Accept": "application/json"}
    if trial.upstream == "codex":
        headers["chatgpt-account-id"] = credential.account_id
        headers |= {"originator": "turnout", "version": config.codex.client_version}
    elif trial.upstream in config.custom:
        from turnout.upstream import custom

        settings = config.custom[trial.upstream]
        own = custom.headers(trial.upstream, settings, environ)
        headers = {"Accept": "application/json", **own, **custom.key_header(settings, credential)}
    calls.prepare()
    began, clock = time.perf_counter(), now()
    answer = await calls.call(trial.name, "GET", trial.url, headers=headers)
    seconds = time.perf_counter() - began
    return answer, msgspec.structs.replace(
        trial, seconds=seconds, skew=skew(answer.headers.get("date"), clock, seconds)
    )


def skew(date: str | None, asked_at: float, seconds: float) -> float | None:
    """How far the server's clock is ahead, from its ``Date`` header; 0 within what a second's rounding explains.

    ``asked_at`` is in Unix seconds by this machine's clock, ``seconds`` how long the answer took.
    """
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError):
        return None
    # The server wrote it some time between question and answer, and cut the fraction of a second off.
    if theirs + 1 < asked_at:
        return theirs + 1 - asked_at
    return max(0.0, theirs - (asked_at + seconds))


def _judged(trial: Trial, answer: Answer) -> Trial:
    """What the answer means."""
    if answer.status == HTTPStatus.OK:
        try:
            if trial.upstream == "codex":
                models = len(msgspec.json.decode(answer.body, type=_CodexModels).models)
            else:
                models = len(listing.own(answer.body, lambda _: None).models)
        except (msgspec.MsgspecError, UnicodeDecodeError, UnknownForm):
            page = " but a web page" if answer.body.lstrip()[:1] == b"<" else ""
            return _failed(
                trial,
                "Answer",
                Failure(
                    kind=FailureKind.UPSTREAM_ERROR,
                    message=f"{trial.url} answered, and not with a list of models{page}.",
                    next_step="Check the address; a proxy or a login page of your network may answer in its place.",
                ),
            )
        return msgspec.structs.replace(trial, models=models)
    failure = classify_http(answer.status, answer.headers, answer.body)
    if trial.upstream == "openai" and "missing scopes" in failure.message.lower():
        return msgspec.structs.replace(trial, restricted=True)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        refused = f"{trial.name} refuses the {trial.credential} (HTTP 401): {failure.message}"
        step = SIGN_IN.get(trial.upstream) or f"Check custom.{trial.upstream}.key in the configuration."
        refusal = fail(FailureKind.SIGN_IN, refused, step).failure
        return _failed(trial, "Sign-in", refusal)
    if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        own = trial.upstream not in NAMES
        setting = f"custom.{trial.upstream}" if own else trial.upstream
        wrong = fail(
            FailureKind.UPSTREAM_ERROR,
            f"There is nothing at {trial.url} (HTTP {answer.status}).",
            f"Check the address: {setting}.base_url in the configuration."
            + (
                f" A server that lists no models is asked for an answer by: turnout upstreams probe {trial.upstream}"
                * own
            ),
        ).failure
        return _failed(trial, "Answer", wrong)
    return _failed(trial, "Answer", failure)


def _failed(trial: Trial, stage: str, failure: Failure) -> Trial:
    return msgspec.structs.replace(trial, stage=stage, failure=failure)
