"""What a check has found, and what it looks at. Values only."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from turnout.config import Config


class Level(StrEnum):
    """How a thing is. The values are stable names."""

    OK = "ok"
    WARNING = "warning"
    """It works, and something should be known or seen to."""
    PROBLEM = "problem"
    """It does not work, or will not."""


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be mended without a risk: only ever a file of Turnout's own."""

    action: Literal["private", "delete"]
    """``private``: only its owner may read it. ``delete``: it is of no use any more."""
    path: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the report."""

    level: Level
    what: str
    """What was found, as a full sentence; never a secret."""
    fix: str = ""
    """What helps, as a full sentence or a command; empty if nothing has to be done."""
    repair: Repair | None = None
    """What `turnout doctor --fix` does about it."""


def ok(what: str) -> Finding:
    """It is as it should be."""
    return Finding(level=Level.OK, what=what)


def warning(what: str, fix: str = "", repair: Repair | None = None) -> Finding:
    """It works, but."""
    return Finding(level=Level.WARNING, what=what, fix=fix, repair=repair)


def problem(what: str, fix: str, repair: Repair | None = None) -> Finding:
    """It does not work. There is always something to be done."""
    return Finding(level=Level.PROBLEM, what=what, fix=fix, repair=repair)


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks look at: everything that differs between machines and users, so that a test can say it."""

    environ: Mapping[str, str]
    platform: str
    """As `sys.platform`."""
    home: Path | None
    """The user's home folder; None if the system knows none."""
    folder: Path | None
    """The working folder; None if it has been deleted."""
    config: Config
    """In force, or the default one where the user's cannot be read (another check says why)."""
    offline: bool = False
    """Nobody outside this machine is asked."""
    now: Callable[[], float]
    """Unix seconds."""


class Check(msgspec.Struct, frozen=True):
    """One thing to look at."""

    name: str
    """Stable, for ``--json``."""
    title: str
    run: Callable[[Surroundings], Iterable[Finding]]
    asks: bool = False
    """It asks servers outside this machine."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What one check has found."""

    name: str
    title: str
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level:
        """The worst of its findings."""
        levels = {finding.level for finding in self.findings}
        return next((level for level in (Level.PROBLEM, Level.WARNING) if level in levels), Level.OK)
