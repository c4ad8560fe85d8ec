"""Brings tables of an older format into the present one. Pure: files are rewritten by `turnout.settings.editing`.

A file may say its format's number with the key ``version``. One that does not is read as the first format, which had
no number; nearly everything in it reads the same ever since.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import msgspec

from turnout.settings.leaves import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = "version"
FIRST, PRESENT = 1, 2


class Move(msgspec.Struct, frozen=True):
    """A setting that has got another place."""

    old: str
    new: str


STEPS: Mapping[int, tuple[Move, ...]] = {1: (Move("tools.search", "tools.tool_search"),)}
"""What a version moves on its way to the next one. 1: beside ``[search]``, which is about the web, the name misled."""


def version_of(tables: Mapping[str, Any], place: str) -> int:
    """The format's number. Raises `SettingsError` for one that this release does not know."""
    version = tables.get(KEY, FIRST)
    if not isinstance(version, int) or isinstance(version, bool) or version < FIRST:
        raise SettingsError(f"{place[0].upper()}{place[1:]} has {version!r} for version, but it must be {PRESENT}.")
    if version > PRESENT:
        raise SettingsError(
            f"{place[0].upper()}{place[1:]} is written for a newer Turnout (version {version}; this one reads up to "
            f"{PRESENT}). Update Turnout, or name another file with --config."
        )
    return version


def moves(tables: Mapping[str, Any], place: str, steps: Mapping[int, tuple[Move, ...]] = STEPS) -> list[Move]:
    """The moves that these tables need, in order; none if they read the same in the present format.

    Raises `SettingsError` if a setting stands at its old place and at its new one.
    """
    needed: list[Move] = []
    left: dict[str, Any] = copy.deepcopy(dict(tables))
    for version in range(version_of(tables, place), max(steps) + 1):
        for move in steps[version]:
            if not _has(left, move.old):
                continue
            if _has(left, move.new):
                raise SettingsError(f"In {place}, {move.old} is now called {move.new}, and both stand there. Keep one.")
            needed.append(move)
            apply(left, move)
    return needed


def apply(tables: dict[str, Any], move: Move) -> None:
    """Makes one move in the tables, which may be those of an editor that keeps comments."""
    *above, name = move.old.split(".")
    table = _table(tables, above)
    value = table.pop(name)
    if above and not table:
        _table(tables, above[:-1]).pop(above[-1])
    *above, name = move.new.split(".")
    table = tables
    for section in above:
        if section not in table:
            table[section] = {}
        table = table[section]
    table[name] = value


def _has(tables: Mapping[str, Any], key: str) -> bool:
    *above, name = key.split(".")
    for section in above:
        found = tables.get(section)
        if not isinstance(found, dict):
            return False
        tables = found
    return name in tables


def _table(tables: dict[str, Any], path: list[str]) -> dict[str, Any]:
    for section in path:
        tables = tables[section]
    return tables
