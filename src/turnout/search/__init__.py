"""Searching the web on behalf of a model whose upstream does not: what the gateway needs of a search service.

Knows queries and results; knows nothing of requests, answers or protocols.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from turnout.protocol.web_search import Outcome, Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import SearchSettings
    from turnout.translate.search import Sites

NOT_SET_UP = Refused(
    "unavailable",
    "There is no web search here: this upstream has none of its own, and Turnout has no search service set up "
    "(TURNOUT_SEARCH_URL). Answer without it, and say that nothing was searched for.",
)


class SearchBackend(Protocol):
    """A search service."""

    async def search(self, query: str, sites: Sites) -> Outcome:
        """What the web has on `query` in `sites`. What goes wrong is part of the outcome: nothing is raised."""
        ...


class NoSearch:
    """Says that there is no search service."""

    async def search(self, query: str, sites: Sites) -> Outcome:
        return NOT_SET_UP


def build(settings: SearchSettings, environ: Mapping[str, str] | None = None) -> SearchBackend:
    """The search service that is configured. ``environ`` is this process's environment if not given."""
    if not settings.url:
        return NoSearch()
    from turnout.search.searxng import SearXNG  # only who uses it pays for its imports

    return SearXNG(settings, os.environ if environ is None else environ)
