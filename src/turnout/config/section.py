"""What all groups of settings have in common, and which of their fields are never shown."""

from __future__ import annotations

import msgspec

SECRETS = {"Server": frozenset({"token"}), "OpenAISettings": frozenset({"api_key"})}
"""Fields whose values are never shown, per section: those of type `SecretText` (a test compares the two)."""

PRIVATE = {"CustomUpstream": frozenset({"headers", "proxy", "query"})}
"""Fields that may hold a secret beside other things, per section."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of settings. Its ``repr`` hides secrets, so that a logged configuration gives none away."""

    def __repr__(self) -> str:
        hidden = SECRETS.get(type(self).__name__, PRIVATE.get(type(self).__name__, frozenset()))
        shown = (
            f"{name}={'(set)' if getattr(self, name) else '(not set)'}" if name in hidden else f"{name}={value!r}"
            for name, value in msgspec.structs.asdict(self).items()
        )
        return f"{type(self).__name__}({', '.join(shown)})"
