"""Transports, the upstreams built on them, and the classification of what goes wrong there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.upstream.base import Upstream


def build(
    config: Config, environ: Mapping[str, str] | None = None, accounts: Accounts | None = None
) -> dict[str, Upstream]:
    """The upstreams that requests can go to, by name: the usual one, and those that a slot or a request may name.

    ``environ`` is this process's environment if not given, ``accounts`` are this user's.
    Raises `turnout.settings.SettingsError`.
    """
    # aiohttp takes 150 ms to import: only who builds upstreams pays for it.
    from turnout.accounts.store import Accounts
    from turnout.upstream.codex import CodexUpstream
    from turnout.upstream.openai import OpenAIUpstream

    environ = os.environ if environ is None else environ
    accounts = Accounts(config, environ) if accounts is None else accounts
    return {
        "codex": CodexUpstream(config.codex, config.timing, accounts, environ),
        "openai": OpenAIUpstream(config.openai, config.timing, accounts, environ),
    }
