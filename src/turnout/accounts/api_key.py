"""Reads the OpenAI API key from the settings. Raises a sign-in failure that says how to give one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.accounts.credential import Credential, Secret
from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import OpenAISettings

NAME = "OPENAI_API_KEY"


def given(settings: OpenAISettings, environ: Mapping[str, str]) -> bool:
    """Whether the settings or the environment hold a key at all."""
    return bool(settings.api_key or environ.get(NAME, "").strip())


def read(settings: OpenAISettings, environ: Mapping[str, str]) -> Credential:
    """The API key as a credential: the settings' own (which `turnout.settings` took from file or environment), else
    the variable ``OPENAI_API_KEY``. Raises `TurnoutError` (`SIGN_IN`)."""
    from_environment = environ.get(NAME, "").strip()
    key = settings.api_key or from_environment
    if not key:
        raise fail(
            FailureKind.SIGN_IN,
            "There is no OpenAI API key.",
            f"Set {NAME}, then start Turnout again. Or keep one: turnout login --api-key",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise fail(
            FailureKind.SIGN_IN,
            "The OpenAI API key holds a character that no key has (a space, a line break or a letter with an accent).",
            f"Set {NAME} again, copied whole and without quotes.",
        )
    return Credential(token=Secret(key), source=NAME if key == from_environment else "the configuration")
