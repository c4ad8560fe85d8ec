"""Presets: servers that many use, as the settings of an upstream. The table beside this module holds them."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from turnout.settings.leaves import SettingsError, check, nearest

_BLANK = re.compile(r"\{([a-z_]+)\}")
MODEL = "model"
"""In braces it is no blank: requests fill it in."""


class Preset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server."""

    title: str
    note: str
    """What one should know of it, as a sentence; empty if nothing."""
    settings: dict[str, Any]
    """As in ``[custom.NAME]``."""

    @property
    def blanks(self) -> tuple[str, ...]:
        """What is to be filled in."""
        found = _BLANK.findall(msgspec.json.encode(self.settings).decode())
        return tuple(name for name in dict.fromkeys(found) if name != MODEL)


@cache
def presets() -> dict[str, Preset]:
    """All presets by name."""
    text = resources.files(__package__).joinpath("presets.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Preset])


def named(name: str) -> Preset:
    """The preset of that name. Raises `SettingsError` naming those there are."""
    found = presets().get(name)
    if found is None:
        raise SettingsError(
            f"There is no preset {name!r}.{nearest(name, presets()) or ''} There are: {', '.join(presets())}."
        )
    return found


def filled(preset: str, values: dict[str, str]) -> dict[str, Any]:
    """The settings of a preset with its blanks filled in, as a table for ``[custom.NAME]``.

    Raises `SettingsError` for a blank without a value, or a value that no blank wants.
    """
    chosen = named(preset)
    missing = [name for name in chosen.blanks if not values.get(name)]
    if missing:
        raise SettingsError(f"The preset {preset} wants {missing[0]}: add --set {missing[0]}=VALUE")
    unknown = [name for name in values if name not in chosen.blanks]
    if unknown:
        raise SettingsError(f"The preset {preset} has no {unknown[0]} to fill in.")
    made = {"preset": preset, **_fill(chosen.settings, values)}
    check("custom", {"new": made}, f"the preset {preset}")
    return made


def _fill(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _fill(each, values) for name, each in value.items()}
    if isinstance(value, str):
        return _BLANK.sub(lambda found: values.get(found[1], found[0]), value)
    return value
