"""Settings that stand at the top, for every slot, and in each slot for itself; and what a project may say of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from turnout.config import Slots
from turnout.settings.leaves import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SLOTTED = ("model", "effort", "tier")
"""Settings that stand in both places."""
SLOTS = tuple(field.name for field in msgspec.structs.fields(Slots))

PROJECT_SETTINGS = frozenset(
    {"accounts.use", "model", "effort", *(f"slots.{slot}.{name}" for slot in SLOTS for name in ("model", "effort"))}
)
"""What a project may set. Its file comes with whatever one downloads: it must not decide where prompts and keys go, nor
what costs extra."""

PLAIN_MODEL = re.compile(r"[\w.@-]*")
"""A model string without an upstream, which would be another way to decide where prompts go, and without a tier."""


def general_first(entries: Mapping[str, object]) -> list[tuple[str, object]]:
    """The entries of one source, those for every slot before those of single ones."""
    return sorted(entries.items(), key=lambda entry: entry[0] not in SLOTTED)


def superseded(key: str, value: object) -> list[str]:
    """The settings that this one takes the place of where sources of less weight have set them.

    ``--model`` counts for every slot, whatever the user's file says of one. What the same source says of one slot still
    counts for that.
    """
    return [f"slots.{slot}.{key}" for slot in SLOTS] if key in SLOTTED and value else []


def check_project(path: Path, entries: Mapping[str, object]) -> None:
    """Raises `SettingsError` if a project's file sets what is not for it to set."""
    for key, value in entries.items():
        if key not in PROJECT_SETTINGS:
            raise SettingsError(
                f"{key} cannot be set in {path}: a project's file may only set accounts.use, and model and effort, at "
                "the top or of a slot. Other settings belong into your own configuration file."
            )
        if key.endswith("model") and not PLAIN_MODEL.fullmatch(str(value)):
            raise SettingsError(
                f"{key} is {value!r} in {path}, but a project's file may only name a model, such as gpt-5.5 or "
                "gpt-5.5@high, and no upstream. Your own configuration file may."
            )
