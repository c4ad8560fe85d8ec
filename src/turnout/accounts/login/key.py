"""Trying an API key out before it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.calls import Calls
from turnout.protocol.errors import Failure, FailureKind, TurnoutError, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.calls import Answer
    from turnout.config import Config

NAME = "The OpenAI API"
NOT_KEPT = "Nothing was kept."


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What the API said of a key."""

    models: int
    """How many models it may use; 0 if it may not list them."""
    restricted: bool = False
    """It is a good key that may not list models: whether it may use them is seen with the first request."""


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class _Error(msgspec.Struct):
    message: str = ""


class _Refusal(msgspec.Struct):
    error: _Error


def clean(text: str) -> str:
    """A key as it was typed or piped in, without what surrounds it. Raises `TurnoutError` (`SIGN_IN`) if it is none."""
    key = text.strip().strip("'\"")
    if not key:
        raise fail(FailureKind.SIGN_IN, f"No API key was given. {NOT_KEPT}", "Copy one from platform.openai.com.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise fail(
            FailureKind.SIGN_IN,
            f"That is no API key: it holds a space, a line break or a letter that no key has. {NOT_KEPT}",
            "Copy the key whole and alone.",
        )
    return key


async def test(config: Config, environ: Mapping[str, str], key: str) -> Tested:
    """Asks the API which models the key may use. Raises `TurnoutError`: `SIGN_IN` if it is refused, or what kept the
    question from being answered."""
    calls = Calls(environ, connect=config.timing.connect)
    url = f"{config.openai.base_url.rstrip('/')}/models"
    answer = await calls.call(NAME, "GET", url, headers={"Authorization": f"Bearer {key}"})
    if answer.status == 200:
        try:
            return Tested(models=len(msgspec.json.decode(answer.body, type=_Models).data))
        except msgspec.MsgspecError:
            raise _untested(answer, "gave an answer that is no list of models") from None
    if answer.status in (401, 403) and "missing scopes" in _words(answer).lower():
        return Tested(models=0, restricted=True)
    if answer.status == 401:
        raise fail(
            FailureKind.SIGN_IN,
            f"OpenAI refuses this API key (HTTP 401). {NOT_KEPT}",
            "Copy it again from platform.openai.com, or make a new one there.",
        )
    raise _untested(answer, "did not say whether the key is good")


def _untested(answer: Answer, what: str) -> TurnoutError:
    kind = FailureKind.RATE_LIMITED if answer.status == 429 else FailureKind.UPSTREAM_ERROR
    return TurnoutError(
        Failure(
            kind=kind,
            message=f"{NAME} {what} (HTTP {answer.status}). {NOT_KEPT}",
            next_step="Try again later; if your network answers in OpenAI's place (a proxy, a portal), avoid it.",
            status=answer.status,
        )
    )


def _words(answer: Answer) -> str:
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error.message
    except msgspec.MsgspecError:
        return ""
