"""The credential that the configuration points at, for those who ask before any request is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.accounts import api_key, codex_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.credential import Credential
    from turnout.config import Config


def read(config: Config, environ: Mapping[str, str], now: float) -> Credential:
    """The credential of the configured upstream; ``now`` in Unix seconds. Raises `TurnoutError` (`SIGN_IN`)."""
    if config.upstream == "openai":
        return api_key.read(config.openai, environ)
    return codex_file.read(codex_file.locate(config.codex.home), now)
