"""What settings say of each other: an upstream that is named anywhere must be there. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from turnout.config import BUILT_IN
from turnout.settings.leaves import SettingsError, nearest
from turnout.settings.slotted import SLOTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from turnout.config import Config

RESERVED = frozenset({*BUILT_IN, "openai-codex", "openai_codex", "anthropic", "claudex", "turnout"})
"""Names that mean something else before the ``/`` or ``:`` of a model string."""


def names(config: Config) -> tuple[str, ...]:
    """All upstreams that a setting or a request may name."""
    return (*BUILT_IN, *config.custom)


def check(config: Config, origins: Mapping[str, str]) -> None:
    """Raises `SettingsError` for an upstream that is not there, or that cannot be called so.

    ``origins`` says where each value came from.
    """
    for name in config.custom:
        if name in RESERVED:
            raise SettingsError(f"In {origins['custom']}, custom.{name} cannot be called so: {name} has a meaning.")
    there = names(config)
    for key, name in _named(config):
        if name not in there:
            place = origins[key]
            by = "" if place.startswith("the variable") else f" for {key}"
            raise SettingsError(
                f"{place[0].upper()}{place[1:]} has {name!r}{by}, but it must be one of {', '.join(there)}."
                f"{nearest(name, there)}"
            )
    for name, custom in config.custom.items():
        if config.upstream == name and not custom.enabled:
            raise SettingsError(
                f"The upstream {name} is switched off (custom.{name}.enabled), and upstream names it "
                f"({origins['upstream']})."
            )
        if custom.path and not custom.path.startswith("/"):
            raise SettingsError(f"In {origins['custom']}, custom.{name}.path is {custom.path!r}: it begins with a /.")


def uses(config: Config, name: str) -> list[str]:
    """The settings that name this upstream, be it inside a model string."""
    inside = re.compile(rf"(^|[\[,\s]){re.escape(name)}/", re.IGNORECASE)
    found = [key for key, named in _named(config) if named == name]
    found += [key for key, text in _model_strings(config) if inside.search(text)]
    return list(dict.fromkeys(found))


def _model_strings(config: Config) -> Iterator[tuple[str, str]]:
    yield "model", config.model
    for slot in SLOTS:
        yield f"slots.{slot}.model", getattr(config.slots, slot).model
    for alias, text in config.models.aliases.items():
        yield f"models.aliases.{alias}", text
    for rule in config.routing.rules:
        yield "routing.rules", rule.model


def _named(config: Config) -> Iterator[tuple[str, str]]:
    yield "upstream", config.upstream
    for rule in config.routing.rules:
        if rule.upstream:
            yield "routing.rules", rule.upstream
    for slot in SLOTS:
        named = getattr(config.slots, slot).upstream
        if named:
            yield f"slots.{slot}.upstream", named
