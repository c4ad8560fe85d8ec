"""Whether there is a credential for what is configured, for those who ask before any request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.accounts import api_key
from turnout.accounts.store import Accounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config


def check(config: Config, environ: Mapping[str, str]) -> None:
    """Raises `TurnoutError` (`SIGN_IN`) if the configured upstream has no credential that serves or can be renewed."""
    if config.upstream == "openai":
        if api_key.given(config.openai, environ) or not Accounts.open(config, environ).has("api_key"):
            api_key.read(config.openai, environ)
        return
    Accounts.open(config, environ).check()
