"""Transports, the upstreams built on them, and the classification of what goes wrong there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.accounts.store import Accounts
    from turnout.config import Config
    from turnout.upstream.base import Upstream


def prepare() -> None:
    """Loads what the first request to an upstream needs and what a gateway can listen without: a tenth of a second.
    To be called in a thread."""
    import aiohttp  # noqa: F401


def build(
    config: Config, environ: Mapping[str, str] | None = None, accounts: Accounts | None = None
) -> dict[str, Upstream]:
    """The upstreams that requests can go to, by name: the usual one, and those that a slot or a request may name.

    Those that are switched off are left out; the usual one is there, for who names it does want it.
    ``environ`` is this process's environment if not given, ``accounts`` are this user's.
    Raises `turnout.settings.SettingsError`.
    """
    from turnout.accounts.store import Accounts
    from turnout.upstream.codex import CodexUpstream
    from turnout.upstream.openai import OpenAIUpstream

    environ = os.environ if environ is None else environ
    accounts = Accounts(config, environ) if accounts is None else accounts
    off = {name for name in ("codex", "openai") if getattr(config.upstreams, name) == "off"} - {config.upstream}
    made: dict[str, Upstream] = {}
    if "codex" not in off:
        made["codex"] = CodexUpstream(config.codex, config.timing, accounts, environ)
    if "openai" not in off:
        made["openai"] = OpenAIUpstream(config.openai, config.timing, accounts, environ)
    used = {name: settings for name, settings in config.custom.items() if settings.enabled}
    if used:
        from turnout.upstream import probed
        from turnout.upstream.custom import CustomUpstream

        for name, settings in used.items():
            known = probed.read(name, settings, environ)
            made[name] = CustomUpstream(name, settings, config.timing, environ, known)
    return made
