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
    """The upstreams that ``config`` wants, by name: the chosen one, and the one it may go on with when a plan is dry.

    ``environ`` is this process's environment if not given, ``accounts`` are this user's.
    Raises `turnout.settings.SettingsError`.
    """
    # aiohttp takes 150 ms to import: only who builds upstreams pays for it.
    from turnout.accounts.store import Accounts
    from turnout.upstream.codex import CodexUpstream
    from turnout.upstream.openai import OpenAIUpstream

    environ = os.environ if environ is None else environ
    accounts = Accounts(config, environ) if accounts is None else accounts
    made: dict[str, Upstream] = {}
    if config.upstream == "codex":
        made["codex"] = CodexUpstream(config.codex, config.timing, accounts, environ)
    if "openai" in (config.upstream, config.accounts.spill_to):
        made["openai"] = OpenAIUpstream(config.openai, config.timing, accounts, environ)
    return made
