"""Of all that was found, what goes into the configuration: what is allowed, and what the user has not set already."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from turnout.migration.findings import Left, Take
from turnout.settings import SettingsError, check
from turnout.settings.leaves import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from turnout.migration.findings import Found
    from turnout.models.catalogue import Catalogue


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What would be written."""

    takes: tuple[Take, ...]
    left: tuple[Left, ...]
    """What was found and would not be written, beside what each tool leaves by itself."""

    @property
    def values(self) -> dict[str, object]:
        """Dotted path → value."""
        return {take.key: take.value for take in self.takes}


def plan(found: Sequence[Found], own: Mapping[str, object]) -> Plan:
    """``own`` is what the user's own file sets already: that stays. Of several tools the first one's word counts."""
    taken: dict[str, Take] = {}
    left: list[Left] = []
    for take in (take for each in found for take in each.takes):
        what = f"{take.key} = {take.value!r} ({take.origin})"
        try:
            value = _checked(take)
        except SettingsError as error:
            left.append(Left(what=what, why=str(error)))
            continue
        if take.key in own:
            if own[take.key] != value:
                left.append(Left(what=what, why=f"Your configuration has {own[take.key]!r}, which stays."))
        elif take.key not in taken:
            taken[take.key] = msgspec.structs.replace(take, value=value)
        elif taken[take.key].value != value:
            left.append(Left(what=what, why=f"Another value is taken: {taken[take.key].origin}."))
    return Plan(takes=tuple(taken.values()), left=tuple(left))


def doubts(plan: Plan, catalogue: Catalogue) -> list[str]:
    """What to look at before it is written: models that the catalogue does not have. Full sentences.

    On a server of the user's own only that server knows its models.
    """
    if "openai.base_url" in plan.values:
        return []
    named = [(take.key, str(take.value)) for take in plan.takes if take.key == "model" or take.key.endswith(".model")]
    return [
        f"{model} ({key}) is none of the models that are known now, and may be no more: `turnout models` lists them."
        for key, model in named
        if catalogue.get(re.split(r"[@:]", model)[0]) is None
    ]


def _checked(take: Take) -> object:
    """The value as the setting's own kind. Raises `SettingsError`."""
    value = parse(take.key, take.value, take.origin) if isinstance(take.value, str) else take.value
    return check(take.key, value, take.origin)
