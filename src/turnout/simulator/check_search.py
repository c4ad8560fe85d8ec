"""Checks of the hosted web search among a request's tools (codex-backend.md 2.5). Pure.

Its filters are those of OpenAI's guide to web search; the Codex backend is kept at what the Codex CLI itself sends.
"""

import re

from turnout.simulator.jsontypes import JsonObject
from turnout.simulator.rejection import Refused, api_error, invalid, missing, unknown, wrong_type, wrong_value
from turnout.simulator.request import Dialect

MAX_DOMAINS = 100
FIELDS = frozenset(
    {"type", "external_web_access", "search_content_types", "search_context_size", "filters", "user_location"}
)
FILTERS: dict[Dialect, tuple[str, ...]] = {
    "codex": ("allowed_domains",),
    "openai": ("allowed_domains", "blocked_domains"),
}
PLACES = ("city", "region", "country", "timezone")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Z]{2}")


def check_web_search(tool: JsonObject, param: str, dialect: Dialect) -> None:
    """The tool's definition."""
    for field in tool:
        if field not in FIELDS:
            raise unknown(f"{param}.{field}")
    if not isinstance(tool.get("external_web_access", True), bool):
        raise wrong_type(f"{param}.external_web_access", "a boolean", tool["external_web_access"])
    size = tool.get("search_context_size", "medium")
    if size not in ("low", "medium", "high"):
        raise wrong_value(f"{param}.search_context_size", size, ("low", "medium", "high"))
    _check_filters(tool.get("filters"), f"{param}.filters", dialect)
    _check_location(tool.get("user_location"), f"{param}.user_location")


def not_offered() -> Refused:
    """The refusal of a server that does not search the web itself."""
    message = "The use of the web search tool is not supported."
    return Refused(api_error(message, param="tools", code="unsupported_value"))


def _check_filters(filters: object, param: str, dialect: Dialect) -> None:
    if filters is None:
        return
    if not isinstance(filters, dict):
        raise wrong_type(param, "an object", filters)
    for name, domains in filters.items():
        place = f"{param}.{name}"
        if name not in FILTERS[dialect]:
            raise unknown(place)
        if not isinstance(domains, list):
            raise wrong_type(place, "an array of strings", domains)
        if len(domains) > MAX_DOMAINS:
            message = f"Invalid '{place}': array too long. Expected an array with maximum length {MAX_DOMAINS}."
            raise invalid(message, place, "array_above_max_length")
        for index, domain in enumerate(domains):
            if not isinstance(domain, str) or not _DOMAIN.fullmatch(domain):
                raise invalid(f"Invalid '{place}[{index}]': expected a domain without scheme or path.", place)


def _check_location(location: object, param: str) -> None:
    if location is None:
        return
    if not isinstance(location, dict):
        raise wrong_type(param, "an object", location)
    if "type" not in location:
        raise missing(f"{param}.type")
    if location["type"] != "approximate":
        raise wrong_value(f"{param}.type", location["type"], ("approximate",))
    for name, value in location.items():
        if name not in ("type", *PLACES):
            raise unknown(f"{param}.{name}")
        if not isinstance(value, str | None):
            raise wrong_type(f"{param}.{name}", "a string", value)
    country = location.get("country")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise invalid(f"Invalid '{param}.country': expected a two-letter country code.", f"{param}.country")
