"""Asks all upstreams that have a list of models, side by side, for someone who waits for the answers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from turnout.discovery import asking
from turnout.models.catalogue import Catalogue
from turnout.protocol.errors import TurnoutError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config
    from turnout.discovery.catalogues import Catalogues
    from turnout.upstream.base import Upstream


async def all_at_once(catalogues: Catalogues, config: Config, upstreams: Mapping[str, Upstream]) -> Catalogue:
    """The catalogue of the upstream in use, with the lists of the others beside it.

    Raises `TurnoutError` or `SettingsError` if the one in use cannot be asked. Why another one could not is kept
    (`turnout.discovery.lists.Lists.report`), and what it has told before counts.
    """
    usual = config.upstream
    facts = catalogues.facts(config)
    names = [name for name in catalogues.lists.wanted(config) if name in upstreams]
    asked = [catalogues.lists.ask(config, name, upstreams[name], facts=facts) for name in names]
    if usual in asking.NAMES:
        names, asked = [usual, *names], [catalogues.ask(config, upstreams[usual]), *asked]
    done = dict(zip(names, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    for name, each in done.items():
        if isinstance(each, BaseException) and (name == usual or not isinstance(each, TurnoutError)):
            raise each
    fresh = {name: each for name, each in done.items() if isinstance(each, Catalogue)}
    catalogue = catalogues.known(config)
    beside = {**catalogue.beside, **fresh}
    if usual in asking.NAMES:
        catalogue = beside.pop(usual)
    return catalogue.with_beside(beside)
