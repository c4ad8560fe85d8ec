"""Reads the section ``backends`` of llm-interactive-proxy's config.yaml: what it says, as settings of Turnout. Pure.

Some of its keys choose between behaviours of which Turnout has one: those are taken where they ask for just that, and
refused by name where they ask for another.
"""

from __future__ import annotations

from typing import Any

from turnout.settings.leaves import SettingsError, nearest

SECTION = "backends"

TYPES = {"openai-codex": "codex", "openai": "openai"}
"""``type`` of a backend → our upstream."""
NAMES = {"openai_codex": "openai-codex", "openai-codex": "openai-codex", "openai": "openai"}
"""Name of a backend → its type where none is given: the document's own profiles have none."""

KNOWN = ("type", "timeout", "extra")

CAPABILITIES: dict[str, tuple[tuple[object, ...], str]] = {
    "protocol": (("openai-chat", "openai-responses"), "each client is answered in the protocol that it speaks"),
    "codex_passthrough": ((True, False), ""),
    "prompt_mode": (("codex_default",), "what the backend wants of a prompt is always seen to"),
    "tool_schema_mode": (("custom_only",), "only the client's own tools are ever sent"),
    "tool_text_format": (("none",), "tools are never written into the prompt's text"),
    "bypass_tool_call_reactor": ((True,), "tool calls always go to the client"),
    "include_environment_context": ((False,), "nothing about this machine is ever added to a prompt"),
}
"""Capability → the values that describe what Turnout does, and what that is."""


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
        _check_extra(backend.get("extra"), f"{key}.extra", place)
    return values


def _check_extra(extra: object, key: str, place: str) -> None:
    if extra is None:
        return
    _only(table := _table(extra, key, place), ("codex",), key, place)
    codex = _table(table.get("codex") or {}, f"{key}.codex", place)
    _only(codex, ("default_capabilities",), f"{key}.codex", place)
    here = f"{key}.codex.default_capabilities"
    capabilities = _table(codex.get("default_capabilities") or {}, here, place)
    _only(capabilities, tuple(CAPABILITIES), here, place)
    for name, value in capabilities.items():
        allowed, why = CAPABILITIES[name]
        if not any(value is each or (isinstance(value, str) and value == each) for each in allowed):
            words = " or ".join(str(each).lower() if isinstance(each, bool) else str(each) for each in allowed)
            because = f" ({why})" if why else ""
            raise SettingsError(f"In {place}, {here}.{name} is {value!r}, but Turnout has only {words}{because}.")


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
