"""Whether there is a credential for what is configured, for those who ask before any request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.accounts import api_key, key_reference
from turnout.accounts.store import Accounts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config


def check(config: Config, environ: Mapping[str, str]) -> None:
    """Raises `TurnoutError` (`SIGN_IN`) if the configured upstream has no credential that serves or can be renewed."""
    own = config.custom.get(config.upstream)
    if own is not None:
        if own.key.startswith(("env:", "file:")):  # a keyring or a command may ask a person: not before it must be
            key_reference.read(own.key, config.upstream, environ)
        return
    if config.upstream == "openai":
        if api_key.given(config.openai, environ) or not Accounts.open(config, environ).has("api_key"):
            api_key.read(config.openai, environ)
        return
    Accounts.open(config, environ).check()
