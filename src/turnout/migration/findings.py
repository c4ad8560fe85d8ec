"""What was found of another tool, and what would be taken over. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of Turnout's, and where its value comes from."""

    key: str
    """Dotted path, as in `turnout.config`."""
    value: object
    origin: str
    """What it is called over there, and in which file."""


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is not taken over."""

    what: str
    why: str
    """A full sentence, with what to do where there is something."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One tool."""

    tool: str
    """Stable name, for ``--from``."""
    title: str
    places: tuple[str, ...]
    """Files and variables in which something was found."""
    takes: tuple[Take, ...] = ()
    left: tuple[Left, ...] = ()


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look."""

    environ: Mapping[str, str]
    home: Path
    folder: Path
    file: Path | None = None
    """A file that the user has named."""


class Gathering:
    """Collects what a tool's settings say, in their order."""

    def __init__(self, tool: str, title: str) -> None:
        self._tool, self._title = tool, title
        self._places: dict[str, None] = {}
        self._takes: dict[str, Take] = {}
        self._left: list[Left] = []

    def place(self, place: object) -> None:
        """Something was found there."""
        self._places[str(place)] = None

    def take(self, key: str, value: object, origin: str) -> None:
        """A setting; the first word counts."""
        if value not in ("", None):
            self._takes.setdefault(key, Take(key=key, value=value, origin=origin))

    def leave(self, what: str, why: str) -> None:
        """Something that stays where it is."""
        self._left.append(Left(what=what, why=why))

    def found(self) -> Found | None:
        """All of it; None if nothing was found anywhere."""
        if not self._places:
            return None
        return Found(
            tool=self._tool,
            title=self._title,
            places=tuple(self._places),
            takes=tuple(self._takes.values()),
            left=tuple(self._left),
        )


def text(value: object) -> str:
    """A value as text, empty if it is none."""
    return value.strip() if isinstance(value, str) else ""


def tables(value: object) -> Iterator[dict[str, object]]:
    """The tables in a list."""
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


def table(value: object) -> dict[str, object]:
    """A table, empty if the value is none."""
    return value if isinstance(value, dict) else {}
