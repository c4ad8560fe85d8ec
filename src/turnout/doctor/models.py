"""The catalogue of models, and the lists of other upstreams: where they are from, and how old they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.discovery.catalogues import Catalogues
from turnout.doctor.finding import ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from turnout.discovery.lists import ListReport
    from turnout.doctor.finding import Finding, Surroundings
    from turnout.models.catalogue import Catalogue

REFRESH = "turnout models --refresh"
OLD_SECONDS = 7 * 86_400.0
"""Age from which what is kept may lack models."""


def catalogue(seen: Surroundings) -> Iterator[Finding]:
    """The catalogue that a gateway would begin with, and the lists beside it."""
    catalogues = Catalogues(seen.environ, now=seen.now)
    if seen.config.upstream not in seen.config.custom:
        yield _catalogue(catalogues.known(seen.config), seen)
    for report in catalogues.lists.report(seen.config):
        yield _list(report)


def _catalogue(known: Catalogue, seen: Surroundings) -> Finding:
    count = len(known.listed())
    if known.fetched_at is None:
        return warning(
            f"The catalogue is the one that came with this release ({count} models): none has been asked for yet.",
            REFRESH,
        )
    age = seen.now() - known.fetched_at
    said = f"The catalogue has {count} models and is {_span(age)} old."
    return warning(said, REFRESH) if age > OLD_SECONDS else ok(said)


def _list(report: ListReport) -> Finding:
    name, passes = report.upstream, "any name of a model goes through to it"
    age = report.age_seconds or 0
    said = {
        "listed": f"The upstream {name} lists {report.models} models: told {_span(age)} ago.",
        "none": f"The upstream {name} has no list of models: {passes}.",
        "unasked": f"The upstream {name} has not told its models yet: {passes}.",
        "off": f"The upstream {name} is not asked for its models (custom.{name}.list_models): {passes}.",
    }[report.state]
    if report.problem:
        return warning(f"{said} It could not be asked the last time: {report.problem}", REFRESH)
    return warning(said, REFRESH) if age > OLD_SECONDS else ok(said)


def _span(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} seconds"
