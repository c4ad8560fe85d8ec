"""Reads the section ``backends`` of llm-interactive-proxy's config.yaml: what it says, as settings of Turnout. Pure.

Its keys for prompts and tools (``extra.codex.default_capabilities``) are settings of ours by the same names, which say
themselves what they may be.
"""

from __future__ import annotations

from typing import Any

from turnout.config import CapabilitySettings
from turnout.settings.leaves import SettingsError, nearest

SECTION = "backends"

TYPES = {"openai-codex": "codex", "openai": "openai"}
"""``type`` of a backend → our upstream."""
NAMES = {"openai_codex": "openai-codex", "openai-codex": "openai-codex", "openai": "openai"}
"""Name of a backend → its type where none is given: the document's own profiles have none."""

KNOWN = ("type", "timeout", "extra")

CAPABILITIES = CapabilitySettings.__struct_fields__
"""What may stand in ``default_capabilities``."""


def settings(section: object, place: str) -> dict[str, object]:
    """The section as dotted paths of our settings. Raises `SettingsError` that names what cannot be had.

    ``place`` is where it stands, e.g. ``the file /path``.
    """
    if section is None:
        return {}
    backends = _table(section, SECTION, place)
    if len(backends) > 1:
        raise SettingsError(f"In {place}, {SECTION} has {', '.join(map(str, backends))}: Turnout uses one, keep that.")
    values: dict[str, object] = {}
    for name, given in backends.items():
        key = f"{SECTION}.{name}"
        backend = _table({} if given is None else given, key, place)
        _only(backend, KNOWN, key, place)
        kind = backend.get("type", NAMES.get(str(name)))
        if kind not in TYPES:
            asked = f"{key}.type is {kind!r}" if kind is not None else f"{key} has no type"
            raise SettingsError(f"In {place}, {asked}: Turnout has the types {', '.join(TYPES)}.")
        values["upstream"] = TYPES[kind]
        if "timeout" in backend:
            values["timing.upstream_idle"] = backend["timeout"]
        given_capabilities = _capabilities(backend.get("extra"), f"{key}.extra", place)
        values |= {f"{TYPES[kind]}.default_capabilities.{option}": each for option, each in given_capabilities.items()}
    return values


def _capabilities(extra: object, key: str, place: str) -> dict[str, Any]:
    """``default_capabilities`` as they stand there."""
    if extra is None:
        return {}
    _only(table := _table(extra, key, place), ("codex",), key, place)
    codex = _table(table.get("codex") or {}, f"{key}.codex", place)
    _only(codex, ("default_capabilities",), f"{key}.codex", place)
    here = f"{key}.codex.default_capabilities"
    capabilities = _table(codex.get("default_capabilities") or {}, here, place)
    _only(capabilities, CAPABILITIES, here, place)
    return capabilities


def _table(value: object, key: str, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(f"In {place}, {key} is a section: its settings stand under it.")
    return value


def _only(table: dict[str, Any], known: tuple[str, ...], key: str, place: str) -> None:
    for name in table:
        if name not in known:
            paths = [f"{key}.{each}" for each in known]
            raise SettingsError(
                f"Turnout has nothing for {key}.{name} in {place}: "
                f"it reads {', '.join(known)} there.{nearest(f'{key}.{name}', paths)}"
            )
