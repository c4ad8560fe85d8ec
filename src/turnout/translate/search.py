"""A request's web search on its way upstream: as upstream's own tool, or as a function that the gateway answers.

Knows which limits the client set, and which of them upstream takes; what it does not take is told to the model, and
held to in the results that are shown.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from turnout.protocol.fidelity import Note, approximated, mapped
from turnout.translate.tools import short_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.protocol.messages import WebSearchTool
    from turnout.translate.target import Target

_encode = msgspec.json.encode

MAX_DOMAINS = 100
"""Domains that upstream takes in one filter (OpenAI's guide to web search, "Domain filtering")."""

_DESCRIPTION = (
    "Searches the web and gives titles, addresses and excerpts of pages. "
    "Name the pages that an answer rests on, with their addresses."
)
_PARAMETERS = (
    b'{"type":"object","properties":{"query":{"type":"string","description":"What to search for"}},'
    b'"required":["query"],"additionalProperties":false}'
)
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


class Site(msgspec.Struct, frozen=True):
    """A domain with its subdomains, or the part of it below a path, in which ``*`` stands for anything."""

    host: str
    path: str = ""

    def has(self, url: str) -> bool:
        """Whether the page is there."""
        try:
            page = urlsplit(url if _SCHEME.match(url) else f"//{url}")
            host = (page.hostname or "").removesuffix(".")
        except ValueError:
            return False
        if host != self.host and not host.endswith(f".{self.host}"):
            return False
        return not self.path or fnmatchcase(page.path, f"{self.path}*")

    def __str__(self) -> str:
        return self.host + self.path


class Sites(msgspec.Struct, frozen=True):
    """Where results may be from."""

    allowed: tuple[Site, ...] = ()
    """Only from here; empty: from anywhere."""
    blocked: tuple[Site, ...] = ()

    def admit(self, url: str) -> bool:
        """Whether the page may be shown."""
        if self.allowed and not any(site.has(url) for site in self.allowed):
            return False
        return not any(site.has(url) for site in self.blocked)


class Search(msgspec.Struct, frozen=True):
    """How one request's web search is served."""

    name: str
    """The tool's name, for the client."""
    hosted: bool
    """Upstream searches itself; else the model calls a function, and the gateway searches."""
    function: str
    """That function's name upstream; empty if there is none."""
    sites: Sites
    max_uses: int | None
    definition: bytes
    """The tool as upstream takes it, JSON."""
    words: str = ""
    """Limits that the definition cannot hold, for the model; empty if there are none."""
    notes: tuple[Note, ...] = ()


def plan(tool: WebSearchTool, target: Target) -> Search:
    """How the search is served at `target`."""
    sites = Sites(_sites(tool.allowed_domains), _sites(tool.blocked_domains))
    if target.capabilities.hosted_search and target.hosted_search:
        return _hosted(tool, sites, target)
    notes = [mapped("tools", "upstream does not search the web: the search is a function that Turnout answers")]
    if tool.user_location is not None:
        notes.append(approximated("tools", "the web search does not know the user's location"))
    function = short_name(tool.name, target.capabilities.max_tool_name)
    definition = b'{"type":"function","name":%s,"description":%s,"parameters":%s,"strict":false}'
    return Search(
        name=tool.name,
        hosted=False,
        function=function,
        sites=sites,
        max_uses=tool.max_uses,
        definition=definition % (_encode(function), _encode(_DESCRIPTION), _PARAMETERS),
        notes=tuple(notes),
    )


def _hosted(tool: WebSearchTool, sites: Sites, target: Target) -> Search:
    capabilities = target.capabilities
    fields: dict[str, object] = {"type": "web_search"}
    words: list[str] = []
    notes: list[Note] = []
    filters: dict[str, list[str]] = {}
    if sites.allowed:
        # A part of a site is searched by its domain; what is outside of that part is not shown.
        filters["allowed_domains"] = _domains(sites.allowed)
        if any(site.path for site in sites.allowed):
            words.append(f"Only use pages below these addresses: {_listed(sites.allowed)}.")
            notes.append(approximated("tools", "upstream filters by domain: paths are told to the model"))
    if whole := [site for site in sites.blocked if not site.path]:
        filters["blocked_domains"] = _domains(whole)
    taken = {name: domains[:MAX_DOMAINS] for name, domains in filters.items() if name in capabilities.search_filters}
    if len(taken.get("allowed_domains", ())) < len(filters.get("allowed_domains", ())):
        notes.append(approximated("tools", f"upstream takes {MAX_DOMAINS} allowed domains; the first ones were sent"))
    untaken = [site for site in sites.blocked if site.host not in taken.get("blocked_domains", ()) or site.path]
    if untaken:
        words.append(f"Do not use pages from these sites: {_listed(untaken)}.")
        notes.append(approximated("tools", "blocked domains are told to the model, and left out of what is shown"))
    if taken:
        fields["filters"] = taken
    if tool.user_location is not None:
        fields["user_location"] = {"type": "approximate", **msgspec.to_builtins(tool.user_location)}
    if tool.max_uses is not None and "max_tool_calls" in capabilities.fields:
        notes.append(mapped("tools", "max_uses was sent as max_tool_calls"))
    elif tool.max_uses is not None:
        times = "once" if tool.max_uses == 1 else f"{tool.max_uses} times"
        words.append(f"Search the web at most {times}.")
        notes.append(approximated("tools", "max_uses is told to the model: upstream cannot be held to it"))
    about = " ".join(words) and f"About web searches: {' '.join(words)}"
    return Search(
        name=tool.name,
        hosted=True,
        function="",
        sites=sites,
        max_uses=tool.max_uses,
        definition=_encode(fields),
        words=about,
        notes=tuple(notes),
    )


def _sites(patterns: list[str] | None) -> tuple[Site, ...]:
    """Domains as clients write them: also as a whole address, with or without a path."""
    sites: dict[Site, None] = {}
    for pattern in patterns or ():
        host, slash, path = _SCHEME.sub("", pattern.strip()).partition("/")
        host = host.removeprefix("*.").rstrip(".").lower()
        if host:
            sites[Site(host, slash + path if path else "")] = None
    return tuple(sites)


def _domains(sites: Iterable[Site]) -> list[str]:
    return list(dict.fromkeys(site.host for site in sites))


def _listed(sites: Iterable[Site]) -> str:
    return ", ".join(map(str, sites))
