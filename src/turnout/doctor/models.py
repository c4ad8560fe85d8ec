"""The catalogue of models: where it is from, and how old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout.discovery.catalogues import Catalogues
from turnout.doctor.finding import ok, warning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.doctor.finding import Finding, Surroundings

OLD_SECONDS = 7 * 86_400.0
"""Age from which what is kept may lack models."""


def catalogue(seen: Surroundings) -> Iterable[Finding]:
    """The catalogue that a gateway would begin with."""
    if seen.config.upstream in seen.config.custom:
        yield ok(f"The upstream {seen.config.upstream} is your own: any name of a model goes through to it.")
        return
    known = Catalogues(seen.environ, now=seen.now).known(seen.config)
    count = len(known.listed())
    if known.fetched_at is None:
        yield warning(
            f"The catalogue is the one that came with this release ({count} models): none has been asked for yet.",
            "turnout models --refresh",
        )
        return
    age = seen.now() - known.fetched_at
    said = f"The catalogue has {count} models and is {_span(age)} old."
    yield warning(said, "turnout models --refresh") if age > OLD_SECONDS else ok(said)


def _span(seconds: float) -> str:
    for size, name in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{max(0.0, seconds):.0f} seconds"
