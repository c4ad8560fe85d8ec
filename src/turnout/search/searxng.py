"""Search through a SearXNG server, or one that answers like it: ``GET /search?q=…&format=json``.

The parameters and fields are those of its documentation ("Search API"). The server must have JSON among the
``search.formats`` of its settings, which is not its default: else it answers 403.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

import msgspec

from turnout.calls import Answer, Calls
from turnout.protocol.errors import TurnoutError
from turnout.protocol.web_search import Found, Link, Outcome, Refused
from turnout.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import SearchSettings
    from turnout.translate.search import Sites

_NAME = "The search service"
_OPERATORS = 8
"""Sites named in a query at most: engines take short queries only. The results are held to all of them."""
_QUERY_CHARACTERS = 1000
_CONNECT = 5.0
"""Seconds to connect to the server, of those that a search may take."""
_TOO_MANY = 429
_FORBIDDEN = 403
_OK = 200


class _Result(msgspec.Struct):
    url: str | None = None
    title: str | None = None
    content: str | None = None
    published: str | None = msgspec.field(name="publishedDate", default=None)


class _Results(msgspec.Struct):
    results: list[_Result] = []


_decode = msgspec.json.Decoder(_Results).decode


class SearXNG:
    """A `turnout.search.SearchBackend`."""

    def __init__(self, settings: SearchSettings, environ: Mapping[str, str]) -> None:
        """``environ`` is asked for certificates."""
        self._address = f"{settings.url.rstrip('/').removesuffix('/search')}/search"
        self._results = settings.results
        connect = min(_CONNECT, settings.timeout / 2)
        self._calls = Calls(environ, connect=connect, seconds=settings.timeout - connect)

    async def search(self, query: str, sites: Sites) -> Outcome:
        if len(query) > _QUERY_CHARACTERS:
            return Refused("query_too_long", f"A query may have {_QUERY_CHARACTERS:,} characters.")
        url = f"{self._address}?{urlencode({'q': with_operators(query, sites), 'format': 'json'})}"
        try:
            answer = await self._calls.call(_NAME, "GET", url, headers={"Accept": "application/json"})
        except TurnoutError as error:
            return Refused("unavailable", error.failure.message)
        except SettingsError as error:
            return Refused("unavailable", str(error))
        return self._read(answer, sites)

    def _read(self, answer: Answer, sites: Sites) -> Outcome:
        if answer.status == _TOO_MANY:
            return Refused("too_many_requests", f"{_NAME} has had too many searches for the moment.")
        if answer.status == _FORBIDDEN:
            return Refused("unavailable", f"{_NAME} refuses: json may be missing in search.formats of its settings.")
        if answer.status != _OK:
            return Refused("unavailable", f"{_NAME} answered with the status {answer.status}.")
        try:
            found = _decode(answer.body).results
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Refused("unavailable", f"{_NAME} gave no results that can be read.")
        links: dict[str, Link] = {}
        for result in found:
            url = result.url or ""
            if url.startswith(("http://", "https://")) and sites.admit(url) and len(links) < self._results:
                title = " ".join((result.title or "").split())
                links.setdefault(
                    url, Link(url, title or url, " ".join((result.content or "").split()), result.published)
                )
        return Found(tuple(links.values()))


def with_operators(query: str, sites: Sites) -> str:
    """The query with the sites named in it, as most engines understand it."""
    allowed = [f"site:{site}" for site in sites.allowed] if len(sites.allowed) <= _OPERATORS else []
    blocked = [f"-site:{site}" for site in sites.blocked[:_OPERATORS]]
    named = f"({' OR '.join(allowed)})" if len(allowed) > 1 else "".join(allowed)
    return " ".join(filter(None, (query, named, *blocked)))
