"""Settings of tools: how the client's are offered, and the search of the web."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from turnout.config.section import Section
from turnout.config.values import Seconds, UrlOrEmpty


class Tools(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the client's tools are offered upstream."""

    schema_mode: Literal["faithful", "strict"] = "faithful"
    """`faithful` sends a tool's schema as it is and mends only what upstream refuses; `strict` brings it into the form
    of OpenAI's strict mode, in which the model cannot call a tool with arguments that break the schema."""
    tool_search: bool = True
    """Whether tools that the client loads while a conversation runs go by upstream's own mechanism, which leaves the
    prompt cache whole; otherwise they are added behind the other tools."""


class SearchSettings(Section, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Searching the web for upstreams that do not do so themselves."""

    url: UrlOrEmpty = ""
    """Address of a SearXNG server whose JSON output is on (``search.formats`` in its settings); empty: none."""
    results: Annotated[int, Meta(ge=1, le=50)] = 8
    """Results of one search that the model and the client get, at most."""
    timeout: Seconds = 10.0
    """Seconds that one search may take."""
