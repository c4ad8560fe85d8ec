"""Finds every credential for ChatGPT or the OpenAI API that other tools keep on this machine (codex-backend.md 1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from turnout.accounts.account import Account, SourceKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from turnout.config import Config


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One place where a credential was found."""

    kind: SourceKind
    account: Account
    """Whom it is for and whether it serves, as an account that has no name yet."""
    owner: str
    """The tool that keeps it, as people call it."""
    renewed_by: tuple[str, ...]
    """Who renews it: tools' names, Turnout among them only where it may."""


def find(config: Config, environ: Mapping[str, str], now: float) -> list[Source]:
    """Every credential found. ``now`` is in Unix seconds. Reads files, and the keyring if one is there."""
    raise NotImplementedError
