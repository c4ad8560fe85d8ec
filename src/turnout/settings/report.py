"""The configuration in force as one shows it: each value with where it came from, and no secret. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from turnout.settings import records
from turnout.settings.leaves import leaves
from turnout.settings.sources import DEFAULT, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnout.settings.sources import Loaded

HIDDEN = "(set, not shown)"
_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]*@")


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as it is in force."""

    key: str
    value: object
    """As in a file; a secret is `HIDDEN` where it is set."""
    origin: str
    """Where it came from, as in `Loaded.origins`."""

    @property
    def is_default(self) -> bool:
        """Whether nobody has said anything else."""
        return self.origin == DEFAULT


def values(loaded: Loaded, under: str = "") -> list[Value]:
    """Every setting in the order of `turnout.config`; those ``under`` a section (or the one of that name) only."""
    return [
        Value(key=key, value=shown(key, value_at(loaded.config, key)), origin=loaded.origins[key])
        for key in leaves()
        if not under or key == under or key.startswith(f"{under}.")
    ]


def shown(key: str, value: object) -> object:
    """The value as it may be shown."""
    if leaves()[key].secret:
        return HIDDEN if value else ""
    if records.record_of(leaves()[key].type) is not None:
        return _without_passwords(records.plain(value))
    if isinstance(value, str):
        return without_password(value)
    return msgspec.to_builtins(value)


def _without_passwords(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_passwords(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_passwords(each) for each in value]
    return without_password(value) if isinstance(value, str) else value


def without_password(text: str) -> str:
    """The text, with passwords that stand in an address left out."""
    return _PASSWORD.sub(r"\1:(hidden)@", text)


def as_json(listed: Iterable[Value]) -> dict[str, dict[str, object]]:
    """Key → its ``value`` and its ``origin``."""
    return {each.key: {"value": each.value, "origin": each.origin} for each in listed}
