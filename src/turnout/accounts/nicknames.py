"""Accounts' nicknames: which ones may be, and which one an account gets by itself. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from turnout.protocol.errors import FailureKind, fail

if TYPE_CHECKING:
    from collections.abc import Collection

NICKNAME = re.compile(r"[a-z0-9][a-z0-9._+@-]{0,47}", re.IGNORECASE)
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows gives to devices: an account's file could not be called so."""


def check(name: str, taken: Collection[str]) -> str:
    """The nickname itself. Raises `TurnoutError` (`BAD_REQUEST`) if it cannot be one or is taken (in any case)."""
    if not NICKNAME.fullmatch(name) or name.endswith(".") or RESERVED.fullmatch(name):
        raise fail(
            FailureKind.BAD_REQUEST,
            f"{name[:60]!r} cannot be a nickname.",
            "Use up to 48 letters, digits and the marks . _ + @ -, beginning with a letter or digit.",
        )
    if any(name.lower() == other.lower() for other in taken):
        raise fail(
            FailureKind.BAD_REQUEST,
            f"There is an account called {name!r} already.",
            f"Choose another nickname, or rename that one: turnout accounts rename {name} NEW",
        )
    return name


def suggest(email: str, plan: str, taken: Collection[str], otherwise: str = "chatgpt") -> str:
    """A nickname for an account: its email's prefix; for another one of that email with its plan, then a number."""
    base = re.sub(r"[^a-z0-9._+-]", "", email.partition("@")[0].lower()).strip("._+-")[:32] or otherwise
    kind = re.sub(r"[^a-z0-9_-]", "", plan.lower())[:12]
    for name in (base, f"{base}-{kind}" if kind else base, *(f"{base}-{number}" for number in range(2, 1000))):
        if not RESERVED.fullmatch(name) and all(name != other.lower() for other in taken):
            return name
    raise AssertionError("a thousand accounts of one email")
